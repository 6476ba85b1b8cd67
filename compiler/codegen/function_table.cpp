#include "compiler/codegen/function_table.h"

namespace o2w::codegen {

std::string FunctionTable::get(const std::string& name, const std::string& key,
                               const std::function<void(FunctionBuilder&)>& build) {
  if (const auto found = names_.find(key); found != names_.end()) return found->second;
  const int number = taken_[name]++;
  const std::string unique = number == 0 ? name : name + "_" + std::to_string(number);
  names_[key] = unique;
  FunctionBuilder f(module_, unique);
  build(f);
  f.finish();
  return unique;
}

void FunctionTable::need_error_global() {
  if (has_error_global_) return;
  has_error_global_ = true;
  BinaryenAddGlobal(module_, kErrorGlobal, BinaryenTypeInt32(), true,
                    BinaryenConst(module_, BinaryenLiteralInt32(0)));
}

void FunctionTable::raise_error(FunctionBuilder& f, I32 error_number) {
  need_error_global();
  I32 value = std::move(error_number) + 1;
  f.emit(BinaryenGlobalSet(module_, kErrorGlobal, value.take(module_)));
}

I32 FunctionTable::pending_error(const FunctionBuilder&) {
  need_error_global();
  return I32(Tree(module_, BinaryenGlobalGet(module_, kErrorGlobal, BinaryenTypeInt32()), WasmType::i32));
}

void FunctionTable::clear_error(FunctionBuilder& f) {
  f.emit(BinaryenGlobalSet(module_, kErrorGlobal, f.i32(0).take()));
}

}  // namespace o2w::codegen
