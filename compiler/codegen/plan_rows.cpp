// The plan's steps as rows of the step table.
#include <algorithm>
#include <numeric>

#include "compiler/codegen/plan.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using namespace schedule;  // NOLINT(google-build-using-namespace): the steps and kernels of the program

namespace {

constexpr const char* kCopy = "copy_bytes";

StepArgument number(int64_t value) { return {{StepValue::Kind::number, value}}; }

abi::StepRelation relation_of(ir::Require::Relation relation) {
  switch (relation) {
    case ir::Require::Relation::equal:
      return abi::StepRelation::kEqual;
    case ir::Require::Relation::broadcastable:
      return abi::StepRelation::kBroadcastable;
    case ir::Require::Relation::less_equal:
      return abi::StepRelation::kLessEqual;
  }
  fail_internal("bad relation");
}

}  // namespace

// All kernels and sizes are known.
void Plan::make_table() {
  sort_dims();
  entry_list_ = update_list([](const ir::Dim& dim) { return dim.from_inputs(); });
  add_rows(program_.setup, true);
  add_rows(program_.steps, true);
  table_.encode(dims_.size());
}

// Sizes that calls ask for most often come first, so that their numbers in rows are short.
void Plan::sort_dims() {
  std::vector<int> uses(dims_.size(), 0), order(dims_.size());
  const auto count = [&](const ir::Dim& dim) {
    if (!dim.is_constant()) ++uses[static_cast<std::size_t>(dim_numbers_.at(dim.to_string()))];
  };
  for (const auto& [call, kernel] : calls_) {
    for (const ir::Dim& dim : kernel.arguments) count(dim);
    for (const Address& pointer : call->pointers) count(pointer.byte_offset);
  }
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return uses[static_cast<std::size_t>(a)] > uses[static_cast<std::size_t>(b)];
  });
  std::vector<ir::Dim> sorted;
  for (const int k : order) {
    dim_numbers_[dims_[static_cast<std::size_t>(k)].to_string()] = static_cast<int>(sorted.size());
    sorted.push_back(dims_[static_cast<std::size_t>(k)]);
  }
  dims_ = std::move(sorted);
}

// The rows of a list of steps lie side by side, those that a run begins with apart.
void Plan::add_rows(const Steps& steps, bool top) {
  for (const Step& step : steps) {
    if (top && is_checked_on_entry(step)) add_row(step);
  }
  for (const Step& step : steps) {
    if (!top || !is_checked_on_entry(step)) add_row(step);
  }
  for (const Step& step : steps) {
    if (const auto* branch = std::get_if<Branch>(&step.what)) {
      if (branch->then_steps) add_rows(*branch->then_steps, false);
      if (branch->else_steps) add_rows(*branch->else_steps, false);
    } else if (const auto* repeat = std::get_if<Repeat>(&step.what)) {
      if (repeat->body) add_rows(*repeat->body, false);
    }
  }
}

void Plan::add_row(const Step& step) {
  const auto cell = [](int buffer) { return StepArgument{{StepValue::Kind::cell, buffer}}; };
  if (const auto* call = std::get_if<Call>(&step.what)) {
    add_row(step, *call);
  } else if (const auto* bind = std::get_if<BindSymbols>(&step.what)) {
    add_rows(step, *bind);
  } else if (const auto* repeat = std::get_if<Repeat>(&step.what)) {
    if (repeat->iterations) update_list({repeat->iterations});
    if (repeat->trip_count) code_of(*repeat->trip_count);
  } else if (const auto* allocate = std::get_if<Allocate>(&step.what)) {
    const Buffer& buffer = program_.buffers.at(static_cast<std::size_t>(allocate->buffer));
    put_row(step, "o2w_step_allocate", true,
            {cell(allocate->buffer), {code_of(buffer.bytes)}, number(allocate->error)});
  } else if (const auto* free = std::get_if<Free>(&step.what)) {
    put_row(step, "o2w_step_free", false, {cell(free->buffer)});
  } else if (const auto* move = std::get_if<MoveBuffer>(&step.what)) {
    put_row(step, "o2w_step_move", false, {cell(move->to), cell(move->from)});
  } else if (const auto* set = std::get_if<SetSymbol>(&step.what)) {
    const StepValue symbol{StepValue::Kind::symbol, dim_bytes_.number(*set->symbol)},
        list{StepValue::Kind::bytes, update_list({set->symbol})};
    put_row(step, "o2w_step_set", false, {{symbol}, {code_of(set->value)}, {list}});
  } else if (const auto* check = std::get_if<Check>(&step.what)) {
    const int code = is_checked_on_entry(step) ? abi::kInvalidArgument : abi::kRuntimeError;
    put_row(step, "o2w_step_check", true,
            {{code_of(check->a)},
             {code_of(check->b)},
             number(static_cast<int64_t>(relation_of(check->relation))),
             number(code),
             number(check->error)});
  }
}

void Plan::put_row(const Step& step, const std::string& function, bool returns_errno,
                   std::vector<StepArgument> arguments) {
  const std::size_t row = table_.add_row(function, returns_errno, std::move(arguments));
  rows_.try_emplace(&step, row, row).first->second.second = row;
}

// Elements of integers that have other types take code of their own (plan.cpp).
void Plan::add_rows(const Step& step, const BindSymbols& bind) {
  if (bind.type != ir::DType::i64) {
    update_list(bind.symbols);
    return;
  }
  for (std::size_t k = 0; k < bind.symbols.size(); ++k) {
    const bool is_last = k + 1 == bind.symbols.size();
    const StepValue list{StepValue::Kind::bytes, is_last ? update_list(bind.symbols) : table_.add_bytes({0})};
    put_row(step, "o2w_step_bind", true,
            {address_argument(bind.source),
             number(static_cast<int64_t>(k)),
             number(dim_bytes_.number(*bind.symbols[k])),
             {list},
             number(bind.error)});
  }
}

void Plan::add_row(const Step& step, const Call& call) {
  const KernelCall& kernel = calls_.at(&call);
  std::vector<StepArgument> arguments;
  if (std::holds_alternative<CopyBytes>(call.kernel)) {
    functions_.get(kCopy, kCopy, [](FunctionBuilder& f) {
      const Var<I32> to = f.param<I32>(), from = f.param<I32>(), bytes = f.param<I32>();
      f.memory_copy(to, from, bytes);
    });
    put_row(step, kCopy, false,
            {address_argument(call.pointers.at(1)), address_argument(call.pointers.at(0)),
             size_argument(kernel.arguments[0])});
    return;
  }
  for (const Address& pointer : call.pointers) arguments.push_back(address_argument(pointer));
  for (const ir::Dim& dim : kernel.arguments) arguments.push_back(size_argument(dim));
  int error = call.error;
  if (const auto* nest = std::get_if<LoopNest>(&call.kernel); nest != nullptr && error < 0)
    error = nest->error;
  const auto* routine = std::get_if<Routine>(&call.kernel);
  if (routine != nullptr) {
    arguments.push_back({{StepValue::Kind::scratch}});
    for (const ir::SymbolRef& symbol : routine->counts)
      arguments.push_back({{StepValue::Kind::symbol, dim_bytes_.number(*symbol)}});
    if (!routine->counts.empty())
      arguments.push_back({{StepValue::Kind::bytes, update_list(routine->counts)}});
  }
  if (kernel.can_fail) arguments.push_back(number(error));
  if (kernel.takes_workspace()) {
    arguments.push_back({{StepValue::Kind::zeros}});
    arguments.push_back({{StepValue::Kind::workspace}});
  }
  put_row(step, kernel.function, routine != nullptr, std::move(arguments));
}

StepArgument Plan::size_argument(const ir::Dim& dim) {
  if (const auto constant = dim.constant()) return number(*constant);
  const auto found = dim_numbers_.find(dim.to_string());
  ensure(found != dim_numbers_.end(), "a size that was not announced to the plan");
  return {{StepValue::Kind::dim, found->second}};
}

// Whether the buffer's place is known when the module is laid out.
bool Plan::is_placed(int number) const {
  const Buffer& buffer = program_.buffers.at(static_cast<std::size_t>(number));
  return buffer.storage == Storage::weights || buffer.storage == Storage::derived ||
         (buffer.storage == Storage::arena && buffer.offset >= 0);
}

StepArgument Plan::address_argument(const Address& address) {
  ensure(address.buffer >= 0, "address without a buffer");
  const auto offset = address.byte_offset.constant();
  if (is_placed(address.buffer)) {
    const StepValue place{StepValue::Kind::address, address.buffer, offset.value_or(0)};
    return offset ? StepArgument{place} : StepArgument{place, size_argument(address.byte_offset).front()};
  }
  const StepValue pointer{StepValue::Kind::pointer, address.buffer};
  return offset == 0 ? StepArgument{pointer}
                     : StepArgument{pointer, size_argument(address.byte_offset).front()};
}

StepValue Plan::code_of(const ir::Dim& dim) {
  return {StepValue::Kind::bytes, table_.add_bytes(dim_bytes_.code(dim))};
}

int64_t Plan::update_list(const std::function<bool(const ir::Dim&)>& is_member) {
  std::vector<uint8_t> list;
  for (std::size_t k = 0; k < dims_.size(); ++k) {
    if (!is_member(dims_[k])) continue;
    append_leb(list, k + 1);
    append_leb(list, static_cast<uint64_t>(code_of(dims_[k]).a));
  }
  list.push_back(0);
  return table_.add_bytes(list);
}

int64_t Plan::update_list(const std::vector<ir::SymbolRef>& symbols) {
  return update_list([&](const ir::Dim& dim) {
    const std::vector<ir::SymbolRef> used = dim.symbols();
    return std::any_of(used.begin(), used.end(), [&](const ir::SymbolRef& symbol) {
      return std::any_of(symbols.begin(), symbols.end(),
                         [&](const ir::SymbolRef& set) { return set->name == symbol->name; });
    });
  });
}

}  // namespace o2w::codegen
