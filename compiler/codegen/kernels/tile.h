// What the matrix-shaped kernels share: a register tile of accumulators and how it gets to memory.
#pragma once

#include <vector>

#include "compiler/codegen/epilogue.h"

namespace o2w::codegen {

// Columns of a tile: two vectors of f32. Packed weights come in panels of this width.
inline constexpr int kPanel = 8;

// rows x 8 accumulators in locals. 4 x 8 is the largest tile that stays in the 15 vector registers every
// engine has on x64 (8 accumulators, 2 of the right-hand side, 1 broadcast, 1 product).
class Tile {
 public:
  Tile(FunctionBuilder& f, int rows);
  int rows() const { return rows_; }
  void clear();
  // accumulators += broadcast of the element at lefts[row] times the 8 elements at `right`.
  void multiply_add(const std::vector<Var<I32>>& lefts, const Var<I32>& right);
  // Runs the epilogue and stores. `out` is the output pointer, `offset` the bytes from it to the tile's first
  // element (left changed: it ends one tile further down), `row_step` the bytes between rows. `columns`: how
  // many of the 8 are real, null for all.
  void store(EpilogueEmitter& epilogue, const Var<I32>& out, const Var<I32>& offset, const Var<I32>& row_step,
             const Var<I32>& column_offset, const Var<I32>* columns);

 private:
  FunctionBuilder& f_;
  int rows_;
  std::vector<Var<V128>> accumulators_;  // [row][2]
  Var<V128> right_low_, right_high_, left_;
};

// Stores the first `count` lanes (1 to 4; none if count <= 0) of a vector.
void store_lanes(FunctionBuilder& f, const Var<V128>& value, const Var<I32>& address, uint32_t offset,
                 I32 count);

I32 min_i32(const Var<I32>& a, const Var<I32>& b);
I32 max_i32(const Var<I32>& a, const Var<I32>& b);

}  // namespace o2w::codegen
