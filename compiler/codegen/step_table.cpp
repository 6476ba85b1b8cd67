#include "compiler/codegen/step_table.h"

#include <algorithm>

#include "compiler/codegen/dim_bytes.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

namespace {

// The function that reads numbers keeps its place in this global, since both the loop and the callers read
// on.
constexpr const char* kCursor = "o2w_cursor";
constexpr const char* kTable = "o2w_steps";
constexpr const char* kRead = "o2w_read_number";
constexpr const char* kNext = "o2w_next_argument";
constexpr const char* kSegment = "o2w_step_functions";
constexpr uint64_t kMaxNumber = (1 << 21) - 1;  // three bytes
constexpr std::size_t kMaxSignatures = 256;

int32_t at(int64_t address) { return static_cast<int32_t>(static_cast<uint32_t>(address)); }

I32 cursor(const FunctionBuilder& f) {
  return I32(Tree(f.module(), BinaryenGlobalGet(f.module(), kCursor, BinaryenTypeInt32()), WasmType::i32));
}

void set_cursor(FunctionBuilder& f, I32 value) {
  f.emit(BinaryenGlobalSet(f.module(), kCursor, value.take(f.module())));
}

// () -> the number at the cursor, which moves behind it.
void emit_read(BinaryenModuleRef module) {
  FunctionBuilder f(module, kRead);
  f.set_result(WasmType::i32);
  const Var<I32> place = f.local<I32>(cursor(f));
  const Var<I32> number = f.local<I32>(load_u8(place));
  const Var<I32> length = f.local<I32>(f.i32(1));
  f.if_(I32(number.get()) >= 0x80, [&] {
    number.set((number & 0x7f) | (load_u8(place, 1) << 7));
    length.set(f.i32(2));
    f.if_(I32(number.get()) >= 0x4000, [&] {
      number.set((number & 0x3fff) | (load_u8(place, 2) << 14));
      length.set(f.i32(3));
    });
  });
  set_cursor(f, place + length);
  f.return_(number.get());
  f.finish();
}

// () -> the argument at the cursor.
void emit_next(BinaryenModuleRef module, const MemoryMap& map) {
  FunctionBuilder f(module, kNext);
  f.set_result(WasmType::i32);
  const Var<I32> number = f.local<I32>(I32(f.call(kRead, {}, WasmType::i32)));
  f.if_(is_zero(number), [&] {
    I32 first(f.call(kNext, {}, WasmType::i32)), second(f.call(kNext, {}, WasmType::i32));
    f.return_(std::move(first) + std::move(second));
  });
  // The first constant has the number 2.
  I32 table(select(number & 1, f.i32(at(map.dim_table)), f.i32(at(map.constants - 4))));
  f.return_(load_i32(std::move(table) + ((number >> 1) << 2)));
  f.finish();
}

}  // namespace

std::size_t StepTable::add_row(const std::string& function, bool returns_errno,
                               std::vector<StepArgument> arguments) {
  const auto [found, is_new] = function_numbers_.try_emplace(function, functions_.size());
  if (is_new) functions_.push_back({function, arguments.size(), returns_errno});
  const Function& known = functions_[found->second];
  ensure(known.arity == arguments.size() && known.returns_errno == returns_errno,
         "a step's function is called with different numbers of arguments");
  for (const StepArgument& argument : arguments) {
    ensure(argument.size() == 1 || argument.size() == 2, "a step's argument of neither one nor two values");
    for (const StepValue& value : argument) ++uses_[value];
  }
  rows_.push_back({found->second, std::move(arguments), {}});
  return rows_.size() - 1;
}

int64_t StepTable::add_bytes(const std::vector<uint8_t>& bytes) {
  const auto [found, is_new] = places_.try_emplace(bytes, static_cast<int64_t>(bytes_.size()));
  if (is_new) bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return found->second;
}

std::vector<std::pair<std::size_t, bool>> StepTable::signatures() const {
  std::vector<std::pair<std::size_t, bool>> list;
  for (const Function& function : functions_) list.emplace_back(function.arity, function.returns_errno);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

uint64_t StepTable::number_of(const StepValue& value, std::size_t dim_count) const {
  if (value.kind == StepValue::Kind::dim) return 2 * static_cast<uint64_t>(value.a) + 1;
  // The pointer table lies behind the dim table.
  if (value.kind == StepValue::Kind::pointer) return 2 * (dim_count + static_cast<uint64_t>(value.a)) + 1;
  return 2 * (constant_numbers_.at(value) + 1);
}

void StepTable::encode(std::size_t dim_count) {
  for (const auto& [value, count] : uses_) {
    if (!value.is_loaded()) constants_.push_back(value);
  }
  std::stable_sort(constants_.begin(), constants_.end(),
                   [&](const StepValue& a, const StepValue& b) { return uses_.at(a) > uses_.at(b); });
  for (std::size_t k = 0; k < constants_.size(); ++k) constant_numbers_[constants_[k]] = k;
  for (Row& row : rows_) {
    row.range.first = static_cast<int64_t>(bytes_.size());
    append_leb(bytes_, row.function);
    for (const StepArgument& argument : row.arguments) {
      if (argument.size() == 2) bytes_.push_back(0);
      for (const StepValue& value : argument) {
        const uint64_t number = number_of(value, dim_count);
        if (number > kMaxNumber) fail_model("the model has too many steps");
        append_leb(bytes_, number);
      }
    }
    row.range.second = static_cast<int64_t>(bytes_.size());
  }
  const auto all = signatures();
  ensure(all.size() <= kMaxSignatures, "too many kinds of functions among the steps");
  signature_bytes_ = static_cast<int64_t>(bytes_.size());
  for (const Function& function : functions_) {
    const auto found =
        std::lower_bound(all.begin(), all.end(), std::pair{function.arity, function.returns_errno});
    bytes_.push_back(static_cast<uint8_t>(found - all.begin()));
  }
}

std::vector<int32_t> StepTable::constants(const MemoryMap& map) const {
  std::vector<int32_t> list;
  for (const StepValue& value : constants_) {
    switch (value.kind) {
      case StepValue::Kind::number:
        list.push_back(at(value.a));
        break;
      case StepValue::Kind::address:
        // An empty tensor may have no place.
        list.push_back(
            at(std::max<int64_t>(map.buffer_address.at(static_cast<std::size_t>(value.a)), 0) + value.b));
        break;
      case StepValue::Kind::cell:
        list.push_back(at(map.pointer_table + 4 * value.a));
        break;
      case StepValue::Kind::symbol:
        list.push_back(at(map.symbol_table + 8 * value.a));
        break;
      case StepValue::Kind::bytes:
        list.push_back(at(map.steps + value.a));
        break;
      case StepValue::Kind::zeros:
        list.push_back(at(map.zeros));
        break;
      case StepValue::Kind::workspace:
        list.push_back(at(map.workspace));
        break;
      case StepValue::Kind::scratch:
        list.push_back(at(map.scratch));
        break;
      case StepValue::Kind::dim:
      case StepValue::Kind::pointer:
        fail_internal("a value that is loaded among the constants");
    }
  }
  return list;
}

std::vector<std::string> StepTable::function_names() const {
  std::vector<std::string> names;
  for (const Function& function : functions_) names.push_back(function.name);
  return names;
}

void StepTable::emit_walk(BinaryenModuleRef module, const MemoryMap& map, int dim_count) const {
  ensure(map.pointer_table == map.dim_table + 4 * int64_t{dim_count},
         "the pointer table is not where steps look");
  BinaryenAddGlobal(module, kCursor, BinaryenTypeInt32(), true,
                    BinaryenConst(module, BinaryenLiteralInt32(0)));
  emit_read(module);
  emit_next(module, map);
  // A function per signature reads the arguments and makes the call.
  const auto all = signatures();
  std::vector<std::string> elements;
  for (const auto& [arity, returns_errno] : all) {
    FunctionBuilder f(module, "o2w_call_" + std::to_string(arity) + (returns_errno ? "_errno" : ""));
    const Var<I32> target = f.param<I32>();
    f.set_result(WasmType::i32);
    std::vector<BinaryenExpressionRef> operands;
    std::vector<BinaryenType> types(arity, BinaryenTypeInt32());
    for (std::size_t k = 0; k < arity; ++k) operands.push_back(f.call(kNext, {}, WasmType::i32).take());
    const WasmType result = returns_errno ? WasmType::i32 : WasmType::none;
    const BinaryenType params = BinaryenTypeCreate(types.data(), static_cast<BinaryenIndex>(arity));
    const BinaryenExpressionRef call =
        BinaryenCallIndirect(module, kTable, Tree(target.get()).take(module), operands.data(),
                             static_cast<BinaryenIndex>(arity), params, binaryen_type(result));
    if (returns_errno) {
      f.return_(Tree(module, call, WasmType::i32));
    } else {
      f.emit(call);
      f.return_(f.i32(0));
    }
    elements.push_back(f.name());
    f.finish();
  }
  const auto first_function = static_cast<int32_t>(elements.size());
  for (const Function& function : functions_) elements.push_back(function.name);
  std::vector<const char*> names;
  for (const std::string& name : elements) names.push_back(name.c_str());
  const auto count = static_cast<BinaryenIndex>(names.size());
  BinaryenAddTable(module, kTable, count, count, BinaryenTypeFuncref());
  BinaryenAddActiveElementSegment(module, kTable, kSegment, names.data(), count,
                                  BinaryenConst(module, BinaryenLiteralInt32(0)));

  const bool can_fail = BinaryenGetGlobal(module, FunctionTable::kErrorGlobal) != nullptr;
  FunctionBuilder f(module, kWalk);
  const Var<I32> begin = f.param<I32>(), end = f.param<I32>();
  f.set_result(WasmType::i32);
  const Var<I32> function = f.local<I32>(), error = f.local<I32>();
  set_cursor(f, begin);
  f.do_while(
      [&] {
        function.set(I32(f.call(kRead, {}, WasmType::i32)));
        BinaryenExpressionRef argument = Tree(function + first_function).take(module);
        BinaryenExpressionRef call = BinaryenCallIndirect(
            module, kTable, Tree(load_u8(function + at(map.steps + signature_bytes_))).take(module),
            &argument, 1, BinaryenTypeInt32(), BinaryenTypeInt32());
        error.set(I32(Tree(module, call, WasmType::i32)));
        f.if_(I32(error.get()), [&] { f.return_(error.get()); });
        if (!can_fail) return;
        error.set(
            I32(Tree(module, BinaryenGlobalGet(module, FunctionTable::kErrorGlobal, BinaryenTypeInt32()),
                     WasmType::i32)));
        f.if_(I32(error.get()), [&] {
          f.emit(BinaryenGlobalSet(module, FunctionTable::kErrorGlobal, f.i32(0).take()));
          auto failure = f.arguments(f.i32(abi::kRuntimeError), error - 1);
          f.return_(f.call("o2w_fail", std::move(failure), WasmType::i32));
        });
      },
      [&] { return cursor(f) < end; });
  f.return_(f.i32(0));
  f.finish();
}

std::map<std::string, std::string> StepTable::names_after_merging(BinaryenModuleRef module,
                                                                  const std::vector<std::string>& names) {
  std::map<std::string, std::string> result;
  const BinaryenElementSegmentRef segment = BinaryenGetElementSegment(module, kSegment);
  if (segment == nullptr) return result;
  const BinaryenIndex length = BinaryenElementSegmentGetLength(segment);
  const BinaryenIndex first = length - static_cast<BinaryenIndex>(names.size());
  for (std::size_t k = 0; k < names.size(); ++k) {
    result[names[k]] = BinaryenElementSegmentGetData(segment, first + static_cast<BinaryenIndex>(k));
  }
  return result;
}

}  // namespace o2w::codegen
