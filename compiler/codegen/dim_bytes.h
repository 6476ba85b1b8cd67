// Sizes as code of the runtime library's stack machine (runtime-lib/model_abi.h, DimOp).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/ir/dim.h"
#include "runtime-lib/model_abi.h"

namespace o2w::codegen {

void append_leb(std::vector<uint8_t>& out, uint64_t value);

class DimBytes {
 public:
  explicit DimBytes(const std::vector<ir::SymbolRef>& symbols);
  // kEnd included.
  std::vector<uint8_t> code(const ir::Dim& dim);
  int64_t number(const ir::Symbol& symbol) const;

 private:
  void emit(abi::DimOp op) { code_.push_back(static_cast<uint8_t>(op)); }
  void push(abi::DimOp op);
  void combine(abi::DimOp op);
  void add_constant(int64_t value);
  void add(const ir::Dim& dim);
  void add(const ir::Atom& atom);

  std::map<std::string, int64_t> numbers_;
  std::vector<uint8_t> code_;
  int depth_ = 0;
};

}  // namespace o2w::codegen
