#include "compiler/codegen/function_builder.h"

#include "compiler/support/error.h"

namespace o2w::codegen {

Tree Local::get() const {
  ensure(function_ != nullptr, "read of a local that was never made");
  BinaryenModuleRef module = function_->module();
  return {module, BinaryenLocalGet(module, index_, binaryen_type(type_)), type_};
}

void Local::set(Tree value) const {
  ensure(function_ != nullptr, "write of a local that was never made");
  detail::check_type(type_, value.type());
  BinaryenModuleRef module = function_->module();
  function_->emit(BinaryenLocalSet(module, index_, value.take(module)));
}

Tree Local::tee(Tree value) const {
  detail::check_type(type_, value.type());
  BinaryenModuleRef module = function_->module();
  return {module, BinaryenLocalTee(module, index_, value.take(module), binaryen_type(type_)), type_};
}

FunctionBuilder::FunctionBuilder(BinaryenModuleRef module, std::string name)
    : module_(module), name_(std::move(name)), statements_(1) {}

Local FunctionBuilder::add_param(WasmType type) {
  ensure(locals_.empty(), "a parameter after a local");
  params_.push_back(type);
  return {this, static_cast<BinaryenIndex>(params_.size() - 1), type};
}

Local FunctionBuilder::add_local(WasmType type) {
  locals_.push_back(type);
  return {this, static_cast<BinaryenIndex>(params_.size() + locals_.size() - 1), type};
}

Local FunctionBuilder::keep(Tree value) {
  const Local local = add_local(value.type());
  local.set(std::move(value));
  return local;
}

Local FunctionBuilder::keep_at_start(const std::string& key, const std::function<Tree()>& value) {
  const auto known = kept_at_start_.find(key);
  if (known != kept_at_start_.end()) return known->second;
  Tree made = value();
  const Local local = add_local(made.type());
  first_statements_.push_back(BinaryenLocalSet(module_, local.index(), made.take(module_)));
  return kept_at_start_[key] = local;
}

I32 FunctionBuilder::i32(int32_t value) const {
  return I32(Tree(module_, BinaryenConst(module_, BinaryenLiteralInt32(value)), WasmType::i32));
}
I64 FunctionBuilder::i64(int64_t value) const {
  return I64(Tree(module_, BinaryenConst(module_, BinaryenLiteralInt64(value)), WasmType::i64));
}
F32 FunctionBuilder::f32(float value) const {
  return F32(Tree(module_, BinaryenConst(module_, BinaryenLiteralFloat32(value)), WasmType::f32));
}
F64 FunctionBuilder::f64(double value) const {
  return F64(Tree(module_, BinaryenConst(module_, BinaryenLiteralFloat64(value)), WasmType::f64));
}

void FunctionBuilder::drop(Tree value) { emit(BinaryenDrop(module_, value.take(module_))); }

std::string FunctionBuilder::fresh_label(const char* hint) { return hint + std::to_string(labels_++); }

BinaryenExpressionRef FunctionBuilder::as_block(std::vector<BinaryenExpressionRef> list) {
  if (list.size() == 1) return list.front();
  return BinaryenBlock(module_, nullptr, list.data(), static_cast<BinaryenIndex>(list.size()),
                       BinaryenTypeAuto());
}

BinaryenExpressionRef FunctionBuilder::collect(const Statements& body) {
  statements_.emplace_back();
  body();
  std::vector<BinaryenExpressionRef> list = std::move(statements_.back());
  statements_.pop_back();
  return as_block(std::move(list));
}

void FunctionBuilder::if_(I32 condition, const Statements& then) {
  BinaryenExpressionRef test = condition.take(module_);
  emit(BinaryenIf(module_, test, collect(then), nullptr));
}

void FunctionBuilder::if_else(I32 condition, const Statements& then, const Statements& otherwise) {
  BinaryenExpressionRef test = condition.take(module_);
  BinaryenExpressionRef first = collect(then);
  BinaryenExpressionRef second = collect(otherwise);
  emit(BinaryenIf(module_, test, first, second));
}

void FunctionBuilder::for_range(const Var<I32>& variable, I32 begin, I32 end, I32 step,
                                const Statements& body, bool at_least_once) {
  const auto first = begin.constant_i32();
  const auto last = end.constant_i32();
  const auto stride = step.constant_i32();
  if (first && last) {
    if (*first >= *last) return;
    at_least_once = true;
  }
  variable.set(std::move(begin));
  // A bound or step that is not a number stays in a local: it is used once per round.
  const Local bound = last ? Local() : keep(std::move(end));
  const Local increment = stride ? Local() : keep(std::move(step));
  const auto limit = [&] { return last ? i32(*last) : I32(bound.get()); };
  const auto run = [&] {
    do_while(
        [&] {
          body();
          variable += stride ? i32(*stride) : I32(increment.get());
        },
        [&] { return variable.get() < limit(); });
  };
  if (at_least_once) {
    run();
  } else {
    if_(variable.get() < limit(), run);
  }
}

void FunctionBuilder::do_while(const Statements& body, const std::function<I32()>& condition) {
  const std::string label = fresh_label("loop");
  BinaryenExpressionRef round = collect([&] {
    body();
    I32 again = condition();
    emit(BinaryenBreak(module_, label.c_str(), again.take(module_), nullptr));
  });
  emit(BinaryenLoop(module_, label.c_str(), round));
}

void FunctionBuilder::while_(const std::function<I32()>& condition, const Statements& body) {
  const std::string label = fresh_label("loop");
  BinaryenExpressionRef round = collect([&] {
    if_(condition(), [&] {
      body();
      emit(BinaryenBreak(module_, label.c_str(), nullptr, nullptr));
    });
  });
  emit(BinaryenLoop(module_, label.c_str(), round));
}

void FunctionBuilder::block(const std::function<void(const Label&)>& body) {
  const Label label{fresh_label("block")};
  statements_.emplace_back();
  body(label);
  std::vector<BinaryenExpressionRef> list = std::move(statements_.back());
  statements_.pop_back();
  emit(BinaryenBlock(module_, label.name.c_str(), list.data(), static_cast<BinaryenIndex>(list.size()),
                     BinaryenTypeNone()));
}

void FunctionBuilder::break_to(const Label& label) {
  emit(BinaryenBreak(module_, label.name.c_str(), nullptr, nullptr));
}

void FunctionBuilder::break_if(const Label& label, I32 condition) {
  emit(BinaryenBreak(module_, label.name.c_str(), condition.take(module_), nullptr));
}

void FunctionBuilder::return_(Tree value) { emit(BinaryenReturn(module_, value.take(module_))); }
void FunctionBuilder::return_() { emit(BinaryenReturn(module_, nullptr)); }

void FunctionBuilder::store(int bytes, Tree address, Tree value, uint32_t offset, uint32_t align) {
  const BinaryenType type = binaryen_type(value.type());
  BinaryenExpressionRef where = address.take(module_);
  BinaryenExpressionRef what = value.take(module_);
  emit(BinaryenStore(module_, static_cast<uint32_t>(bytes), offset, align, where, what, type));
}
void FunctionBuilder::store_i32(I32 address, I32 value, uint32_t offset) {
  store(4, std::move(address), std::move(value), offset, 4);
}
void FunctionBuilder::store_i64(I32 address, I64 value, uint32_t offset) {
  store(8, std::move(address), std::move(value), offset, 8);
}
void FunctionBuilder::store_u8(I32 address, I32 value, uint32_t offset) {
  store(1, std::move(address), std::move(value), offset, 1);
}
void FunctionBuilder::store_f32(I32 address, F32 value, uint32_t offset) {
  store(4, std::move(address), std::move(value), offset, 4);
}
void FunctionBuilder::store_f64(I32 address, F64 value, uint32_t offset) {
  store(8, std::move(address), std::move(value), offset, 8);
}
void FunctionBuilder::store_v128(I32 address, V128 value, uint32_t offset, uint32_t align) {
  store(16, std::move(address), std::move(value), offset, align);
}

void FunctionBuilder::memory_copy(I32 destination, I32 source, I32 bytes) {
  BinaryenExpressionRef to = destination.take(module_);
  BinaryenExpressionRef from = source.take(module_);
  emit(BinaryenMemoryCopy(module_, to, from, bytes.take(module_)));
}

Tree FunctionBuilder::call(const std::string& callee, std::vector<Tree> arguments, WasmType result) {
  std::vector<BinaryenExpressionRef> operands;
  operands.reserve(arguments.size());
  for (Tree& argument : arguments) operands.push_back(argument.take(module_));
  return {module_,
          BinaryenCall(module_, callee.c_str(), operands.data(), static_cast<BinaryenIndex>(operands.size()),
                       binaryen_type(result)),
          result};
}

void FunctionBuilder::call_statement(const std::string& callee, std::vector<Tree> arguments) {
  emit(call(callee, std::move(arguments), WasmType::none).take());
}

Tree FunctionBuilder::value_of(const std::function<Tree()>& build) {
  statements_.emplace_back();
  Tree value = build();
  std::vector<BinaryenExpressionRef> list = std::move(statements_.back());
  statements_.pop_back();
  if (list.empty()) return value;
  const WasmType type = value.type();
  list.push_back(value.take(module_));
  return {module_,
          BinaryenBlock(module_, nullptr, list.data(), static_cast<BinaryenIndex>(list.size()),
                        binaryen_type(type)),
          type};
}

Tree FunctionBuilder::if_value(Tree condition, const std::function<Tree()>& then,
                               const std::function<Tree()>& otherwise) {
  BinaryenExpressionRef test = condition.take(module_);
  Tree first = value_of(then);
  Tree second = value_of(otherwise);
  const WasmType type = first.type();
  detail::check_type(type, second.type());
  BinaryenExpressionRef one = first.take(module_);
  BinaryenExpressionRef other = second.take(module_);
  return {module_, BinaryenIf(module_, test, one, other), type};
}

BinaryenFunctionRef FunctionBuilder::finish() {
  ensure(statements_.size() == 1, "function finished inside a block");
  std::vector<BinaryenType> params, locals;
  for (WasmType type : params_) params.push_back(binaryen_type(type));
  for (WasmType type : locals_) locals.push_back(binaryen_type(type));
  std::vector<BinaryenExpressionRef> list = std::move(first_statements_);
  list.insert(list.end(), statements_.back().begin(), statements_.back().end());
  // Control never reaches the end of a function with a result: all its paths return.
  if (result_ != WasmType::none) list.push_back(BinaryenUnreachable(module_));
  BinaryenExpressionRef body = BinaryenBlock(module_, nullptr, list.data(),
                                             static_cast<BinaryenIndex>(list.size()), BinaryenTypeAuto());
  return BinaryenAddFunction(
      module_, name_.c_str(), BinaryenTypeCreate(params.data(), static_cast<BinaryenIndex>(params.size())),
      binaryen_type(result_), locals.data(), static_cast<BinaryenIndex>(locals.size()), body);
}

}  // namespace o2w::codegen
