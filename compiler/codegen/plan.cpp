#include "compiler/codegen/plan.h"

#include <algorithm>

#include "compiler/codegen/scalar_ops.h"
#include "compiler/support/error.h"
#include "runtime-lib/model_abi.h"

namespace o2w::codegen {

using namespace schedule;  // NOLINT(google-build-using-namespace): the steps and kernels of the program

namespace {

// Steps per function of the plan.
constexpr std::size_t kStepsPerFunction = 64;

bool passes_strings(const Routine& routine) {
  const auto is_string = [](const Routine::Tensor& tensor) { return tensor.type == ir::DType::string; };
  return std::any_of(routine.inputs.begin(), routine.inputs.end(), is_string) ||
         std::any_of(routine.outputs.begin(), routine.outputs.end(), is_string);
}

bool call_on_strings(const Steps& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) {
    if (const auto* call = std::get_if<Call>(&step.what)) {
      const auto* routine = std::get_if<Routine>(&call->kernel);
      return routine != nullptr && passes_strings(*routine);
    }
    if (const auto* branch = std::get_if<Branch>(&step.what)) {
      return (branch->then_steps && call_on_strings(*branch->then_steps)) ||
             (branch->else_steps && call_on_strings(*branch->else_steps));
    }
    const auto* repeat = std::get_if<Repeat>(&step.what);
    return repeat != nullptr && call_on_strings(*repeat->body);
  });
}

// Whether a run meets strings that are no constants.
bool uses_strings(const Program& program) {
  return std::any_of(program.inputs.begin(), program.inputs.end(),
                     [](const ProgramPort& port) { return port.type == ir::DType::string; }) ||
         call_on_strings(program.steps);
}

int32_t at(int64_t address) { return static_cast<int32_t>(static_cast<uint32_t>(address)); }

}  // namespace

void Plan::emit(const MemoryMap& map) {
  map_ = map;
  if (!table_.empty()) table_.emit_walk(module_, map, dim_count());
  emit_prepare();
  const std::string setup = program_.setup.empty() ? "" : steps_function(program_.setup, "setup", true),
                    steps = steps_function(program_.steps, "run", true);
  FunctionBuilder f(module_, "o2w_model_run");
  f.set_result(WasmType::i32);
  if (!setup.empty()) {
    const int32_t is_set_up = at(map_.setup_cell);
    f.if_(is_zero(load_i32(f.i32(is_set_up))), [&] {
      return_if_failed(f, setup);
      f.store_i32(f.i32(is_set_up), 1);
    });
  }
  if (uses_strings(program_)) return_if_failed(f, "o2w_begin_strings");
  f.return_(f.call(steps, {}, WasmType::i32));
  f.finish();
  emit_nn_strings();
}

// wasi-nn's own way with strings, where the model has strings to give or to take.
void Plan::emit_nn_strings() {
  FunctionBuilder f(module_, "o2w_nn_strings");
  const Var<I32> context = f.param<I32>(), request = f.param<I32>();
  f.set_result(WasmType::i32);
  const auto is_string = [](const ProgramPort& port) { return port.type == ir::DType::string; };
  const bool has_strings = std::any_of(program_.inputs.begin(), program_.inputs.end(), is_string) ||
                           std::any_of(program_.outputs.begin(), program_.outputs.end(), is_string);
  if (has_strings) {
    f.return_(f.call("o2w_nn_strings_at_work", f.arguments(context.get(), request.get()), WasmType::i32));
  } else {
    f.return_(f.i32(abi::kSuccess));
  }
  f.finish();
}

// --- Sizes.

I32 Plan::size(FunctionBuilder& f, const ir::Dim& dim) {
  if (const auto constant = dim.constant()) return f.i32(at(*constant));
  const auto found = dim_numbers_.find(dim.to_string());
  ensure(found != dim_numbers_.end(), "a size that was not announced to the plan");
  return load_i32(f.i32(at(map_.dim_table + 4 * int64_t{found->second})));
}

I32 Plan::address(FunctionBuilder& f, const Address& address) {
  ensure(address.buffer >= 0, "address without a buffer");
  const int64_t absolute = map_.buffer_address.at(static_cast<std::size_t>(address.buffer));
  if (absolute >= 0) {
    if (const auto offset = address.byte_offset.constant()) return f.i32(at(absolute + *offset));
    return size(f, address.byte_offset) + at(absolute);
  }
  return load_i32(f.i32(at(pointer_cell(address.buffer)))) + size(f, address.byte_offset);
}

void Plan::set_symbol(FunctionBuilder& f, const ir::Symbol& symbol, I64 value) {
  f.store_i64(f.i32(at(map_.symbol_table + 8 * dim_bytes_.number(symbol))), std::move(value));
}

void Plan::update_dims(FunctionBuilder& f, const std::vector<ir::SymbolRef>& symbols) {
  if (!symbols.empty())
    f.call_statement("o2w_update_dims", f.arguments(f.i32(at(map_.steps + update_list(symbols)))));
}

// --- Entry points.

bool Plan::is_checked_on_entry(const Step& step) const {
  const auto* check = std::get_if<Check>(&step.what);
  return check != nullptr && check->a.from_inputs() && check->b.from_inputs();
}

void Plan::emit_prepare() {
  FunctionBuilder f(module_, "o2w_model_prepare");
  f.set_result(WasmType::i32);
  if (std::any_of(dims_.begin(), dims_.end(), [](const ir::Dim& dim) { return dim.from_inputs(); }))
    f.call_statement("o2w_update_dims", f.arguments(f.i32(at(map_.steps + entry_list_))));
  for (const Step& step : program_.steps) {
    if (is_checked_on_entry(step)) emit_step(f, step);
  }
  const bool has_dynamic_arena =
      std::any_of(program_.buffers.begin(), program_.buffers.end(),
                  [](const Buffer& b) { return b.storage == Storage::arena && b.offset < 0; });
  f.return_(has_dynamic_arena ? f.call("o2w_plan_arena", {}, WasmType::i32) : Tree(f.i32(0)));
  f.finish();
}

std::string Plan::steps_function(const Steps& steps, const std::string& name, bool top) {
  std::vector<const Step*> list;
  for (const Step& step : steps) {
    if (!top || !is_checked_on_entry(step)) list.push_back(&step);
  }
  // Steps by functions, rows that lie side by side by one walk.
  std::vector<std::string> parts;
  for (std::size_t begin = 0, end = 0; begin < list.size() || parts.empty(); begin = end) {
    const std::string part = name + "_" + std::to_string(parts.size());
    // Keys are names here: every part is its own.
    parts.push_back(functions_.get(part, "plan " + part, [&](FunctionBuilder& f) {
      f.set_result(WasmType::i32);
      for (std::size_t statements = 0; end < list.size() && statements < kStepsPerFunction; ++statements) {
        const auto row = rows_.find(list[end]);
        if (row == rows_.end()) {
          emit_step(f, *list[end++]);
          continue;
        }
        auto range = range_of(row->second);
        for (++end; end < list.size(); ++end) {
          const auto next = rows_.find(list[end]);
          if (next == rows_.end() || range_of(next->second).first != range.second) break;
          range.second = range_of(next->second).second;
        }
        walk(f, range);
      }
      f.return_(f.i32(0));
    }));
  }
  if (parts.size() == 1) return parts.front();
  return functions_.get(name, "plan " + name, [&](FunctionBuilder& f) {
    f.set_result(WasmType::i32);
    for (const std::string& part : parts) return_if_failed(f, part);
    f.return_(f.i32(0));
  });
}

void Plan::return_if_failed(FunctionBuilder& f, const std::string& function) {
  const Local code = f.keep(f.call(function, {}, WasmType::i32));
  f.if_(I32(code.get()), [&] { f.return_(code.get()); });
}

void Plan::fail_if(FunctionBuilder& f, I32 condition, int32_t code, int error) {
  f.if_(std::move(condition), [&] {
    auto arguments = f.arguments(f.i32(code), f.i32(error));
    f.return_(f.call("o2w_fail", std::move(arguments), WasmType::i32));
  });
}

std::vector<StepFunction> Plan::emit_step_functions() {
  std::vector<StepFunction> functions;
  for (const Step& step : program_.steps) {
    if (is_checked_on_entry(step)) continue;
    StepFunction function{&step, "o2w_step_" + std::to_string(functions.size()), ""};
    if (const auto* call = std::get_if<Call>(&step.what)) function.kernel = calls_.at(call).function;
    FunctionBuilder f(module_, function.name);
    f.set_result(WasmType::i32);
    emit_step(f, step);
    f.return_(f.i32(0));
    f.finish();
    functions.push_back(std::move(function));
  }
  return functions;
}

// --- Steps.

void Plan::walk(FunctionBuilder& f, std::pair<int64_t, int64_t> rows) {
  auto arguments = f.arguments(f.i32(at(map_.steps + rows.first)), f.i32(at(map_.steps + rows.second)));
  const Local code = f.keep(f.call(StepTable::kWalk, std::move(arguments), WasmType::i32));
  f.if_(I32(code.get()), [&] { f.return_(code.get()); });
}

void Plan::emit_step(FunctionBuilder& f, const Step& step) {
  if (const auto row = rows_.find(&step); row != rows_.end()) return walk(f, range_of(row->second));
  std::visit([&](const auto& what) { emit(f, what); }, step.what);
}

void Plan::emit(FunctionBuilder& f, const Branch& branch) {
  const auto side = [&](const std::unique_ptr<Steps>& steps, const char* name) {
    if (!steps || steps->empty()) return std::string();
    return steps_function(*steps, name + std::to_string(bodies_++), false);
  };
  const std::string then = side(branch.then_steps, "then");
  const std::string otherwise = side(branch.else_steps, "else");
  f.if_else(
      load_u8(address(f, branch.condition)),
      [&] {
        if (!then.empty()) return_if_failed(f, then);
      },
      [&] {
        if (!otherwise.empty()) return_if_failed(f, otherwise);
      });
}

void Plan::emit(FunctionBuilder& f, const Repeat& repeat) {
  const std::string body = steps_function(*repeat.body, "loop" + std::to_string(bodies_++), false);
  const Var<I64> count = f.local<I64>(f.i64(0));
  const Var<I64> limit = f.local<I64>();
  if (repeat.trip_count) {
    auto code = f.arguments(f.i32(at(map_.steps + code_of(*repeat.trip_count).a)));
    limit.set(I64(f.call("o2w_size", std::move(code), WasmType::i64)));
  }
  f.block([&](const FunctionBuilder::Label& end) {
    f.do_while(
        [&] {
          if (repeat.trip_count) f.break_if(end, count >= limit);
          if (repeat.condition.buffer >= 0) f.break_if(end, is_zero(load_u8(address(f, repeat.condition))));
          if (repeat.iteration.buffer >= 0) f.store_i64(address(f, repeat.iteration), count);
          return_if_failed(f, body);
          count += f.i64(1);
        },
        [&] { return f.i32(1); });
  });
  if (repeat.iterations) {
    set_symbol(f, *repeat.iterations, count);
    update_dims(f, {repeat.iterations});
  }
}

void Plan::emit(FunctionBuilder& f, const BindSymbols& bind) {
  ScalarOps ops(functions_, f);
  const Var<I32> source = f.local<I32>(address(f, bind.source));
  for (std::size_t k = 0; k < bind.symbols.size(); ++k) {
    const ir::Symbol& symbol = *bind.symbols[k];
    Tree element = ops.load(bind.type, source + static_cast<int32_t>(k) * ir::byte_size(bind.type));
    const Var<I64> value = f.local<I64>(I64(ops.cast(bind.type, ir::DType::i64, std::move(element))));
    fail_if(f, (value < symbol.lower) | (value > symbol.upper), abi::kRuntimeError, bind.error);
    set_symbol(f, symbol, value);
  }
  update_dims(f, bind.symbols);
}

void Plan::functions_were_merged() {
  merged_ = StepTable::names_after_merging(module_, table_.function_names());
}

std::string Plan::function_of(const Call& call) const {
  const std::string& function = calls_.at(&call).function;
  const auto found = merged_.find(function);
  return found == merged_.end() ? function : found->second;
}

// --- The stage's face.

struct CodeGenerator::Impl {
  Impl(BinaryenModuleRef module, const Program& program, const Target& target)
      : plan(module, program, target) {}
  Plan plan;
};

CodeGenerator::CodeGenerator(BinaryenModuleRef module, const Program& program, const Target& target)
    : impl_(new Impl(module, program, target)) {}
CodeGenerator::~CodeGenerator() { delete impl_; }
MemoryNeeds CodeGenerator::needs() const { return impl_->plan.needs(); }
const std::set<std::string>& CodeGenerator::copied_functions() const { return impl_->plan.copied(); }
void CodeGenerator::emit(const MemoryMap& map) { impl_->plan.emit(map); }
const std::vector<uint8_t>& CodeGenerator::step_bytes() const { return impl_->plan.step_bytes(); }
std::vector<int32_t> CodeGenerator::step_constants() const { return impl_->plan.step_constants(); }
void CodeGenerator::functions_were_merged() { impl_->plan.functions_were_merged(); }
std::vector<StepFunction> CodeGenerator::emit_step_functions() { return impl_->plan.emit_step_functions(); }
std::string CodeGenerator::function_of(const Call& call) const { return impl_->plan.function_of(call); }

}  // namespace o2w::codegen
