// The tail of a hand-shaped kernel: what happens to an accumulator on its way to memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/function_table.h"
#include "compiler/schedule/program.h"

namespace o2w::codegen {

class EpilogueEmitter {
 public:
  // When scalar operands and the body's numbers are loaded into locals.
  enum class Loads {
    once,    // by the constructor: call it before the loops
    by_tile  // by begin_panel() or begin_tile()
  };
  // `pointers`: the kernel's parameters for the epilogue's operands, in order.
  EpilogueEmitter(FunctionTable& functions, FunctionBuilder& f, const schedule::Epilogue& epilogue,
                  std::vector<Var<I32>> pointers, Loads loads = Loads::once);

  // Of Loads::by_tile, both with the same arguments: load what finishing a tile needs, its column operands at
  // column_offset + each of `constants` included. begin_panel() is called before the loop over a panel's
  // tiles, begin_tile() between the loop that makes a tile's sums and the first vector(). What lives across
  // that loop takes registers from its accumulators, and engines then spill within it: so the panel's call
  // loads only what leaves the loop enough of them, and the tile's call does the rest.
  void begin_panel(const Var<I32>& column_offset, const std::vector<uint32_t>& constants);
  void begin_tile(const Var<I32>& column_offset, const std::vector<uint32_t>& constants);

  // Vector functions of the runtime library are put in place of their calls: for kernels that have the
  // epilogue in few places.
  void put_calls_in_place() { calls_in_place_ = true; }

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
  // The same where the four elements stand below one another, `row_step` bytes apart, in one column.
  V128 column_vector(V128 accumulator, const Var<I32>& out_offset, const Var<I32>& row_step,
                     const Var<I32>& column_offset, uint32_t column_constant);
  F32 scalar(F32 accumulator, const Var<I32>& out_offset, const Var<I32>& column_offset,
             uint32_t out_constant = 0, uint32_t column_constant = 0);
  // Reads of `same` operands need out_offset, reads of `column` operands column_offset.
  bool uses_same() const;
  bool uses_column() const;

 private:
  // Where an accumulator stands.
  struct Place {
    const Var<I32>* out_offset;
    const Var<I32>* column_offset;
    uint32_t out_constant = 0, column_constant = 0;
    const Var<I32>* row_step = nullptr;  // of column_vector
  };
  void load_numbers();
  void load_columns(const Var<I32>& column_offset, const std::vector<uint32_t>& constants);
  bool fits_beside_sums() const;
  Tree apply(Tree accumulator, const Place& place);
  friend class EpilogueLeaves;

  FunctionTable& functions_;
  FunctionBuilder& f_;
  const schedule::Epilogue& epilogue_;
  std::vector<Var<I32>> pointers_;
  std::vector<Local> scalars_;
  bool calls_in_place_ = false;
  ir::Expr body_;                                                 // null: nothing to do
  std::vector<std::pair<const ir::ExprNode*, Local>> constants_;  // literals of the body as vectors
  std::map<std::pair<std::size_t, uint32_t>, Local> columns_;     // of the tile: by operand and constant
};

}  // namespace o2w::codegen
