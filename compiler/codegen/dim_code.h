// Sizes as code: Dims evaluated in i64 from the symbol table, saturating where they could overflow.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/function_table.h"
#include "compiler/ir/dim.h"

namespace o2w::codegen {

class DimCode {
 public:
  DimCode(FunctionTable& functions, const std::vector<ir::SymbolRef>& symbols);

  // Where symbols live at run time (one i64 each); known only when the module is laid out.
  void set_table(int64_t address) { table_ = address; }
  int64_t address_of(const ir::Symbol& symbol) const;
  // The value, with the function built by `f`.
  I64 value(FunctionBuilder& f, const ir::Dim& dim);

 private:
  I64 atom(FunctionBuilder& f, const ir::Atom& atom);
  I64 binary(FunctionBuilder& f, const char* saturating, I64 a, I64 b);

  FunctionTable& functions_;
  std::map<std::string, int64_t> numbers_;
  int64_t table_ = 0;
};

}  // namespace o2w::codegen
