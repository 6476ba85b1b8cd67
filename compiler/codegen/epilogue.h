// The tail of a hand-shaped kernel: what happens to an accumulator on its way to memory.
#pragma once

#include <string>
#include <vector>

#include "compiler/codegen/function_table.h"
#include "compiler/schedule/program.h"

namespace o2w::codegen {

class EpilogueEmitter {
 public:
  // `pointers`: the kernel's parameters for the epilogue's operands, in order. Scalars and the constants of
  // the body are loaded into locals here: call this before the loops.
  EpilogueEmitter(FunctionTable& functions, FunctionBuilder& f, const schedule::Epilogue& epilogue,
                  std::vector<Var<I32>> pointers);

  // The part of a function's memo key that the epilogue is responsible for; "" for none.
  static std::string key(const schedule::Epilogue& epilogue);
  // A short name for the function's name: "", "_bias", "_relu", "_epi".
  static std::string name(const schedule::Epilogue& epilogue);

  ir::DType out_type() const { return epilogue_.out; }

  // Four (or one) finished elements from the accumulator, in 32-bit lanes. `out_offset`: bytes from the start
  // of the output to the (first) element, for operands laid out like the output; `column_offset`: bytes from
  // the start of a column operand (both for 4-byte elements). Both are read as often as needed. Constant
  // additions to both let unrolled tiles share one base.
  V128 vector(V128 accumulator, const Var<I32>& out_offset, const Var<I32>& column_offset,
              uint32_t out_constant = 0, uint32_t column_constant = 0);
  F32 scalar(F32 accumulator, const Var<I32>& out_offset, const Var<I32>& column_offset,
             uint32_t out_constant = 0, uint32_t column_constant = 0);
  // Reads of `same` operands need out_offset, reads of `column` operands column_offset.
  bool uses_same() const;
  bool uses_column() const;

 private:
  Tree apply(Tree accumulator, const Var<I32>& out_offset, const Var<I32>& column_offset,
             uint32_t out_constant, uint32_t column_constant);

  FunctionTable& functions_;
  FunctionBuilder& f_;
  const schedule::Epilogue& epilogue_;
  std::vector<Var<I32>> pointers_;
  std::vector<Local> scalars_;
  ir::Expr body_;                                                 // null: nothing to do
  std::vector<std::pair<const ir::ExprNode*, Local>> constants_;  // literals of the body as vectors
};

}  // namespace o2w::codegen
