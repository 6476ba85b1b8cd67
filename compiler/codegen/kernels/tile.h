// What the matrix-shaped kernels share: a register tile of accumulators and how it gets to memory.
#pragma once

#include <array>
#include <vector>

#include "compiler/codegen/epilogue.h"
#include "compiler/schedule/kernel_shapes.h"

namespace o2w::codegen {

using schedule::Factors;
using schedule::kPanel;
using schedule::kTileRows;

// rows x 8 accumulators in locals. 4 x 8 is the largest tile that stays in the 15 vector registers every
// engine has on x64 (8 accumulators, 2 of the right-hand side, 1 broadcast, 1 product).
class Tile {
 public:
  Tile(FunctionBuilder& f, int rows, Factors factors = Factors::f32);
  int rows() const { return rows_; }
  void clear();
  // Reads what a panel begins with, if these factors have it: it holds for all tiles of the panel.
  void begin_panel(const Var<I32>& head);
  // accumulators += broadcast of the element at lefts[row] times the 8 packed elements at `right`; of
  // integers, of the pair there with the 8 pairs.
  void multiply_add(const std::vector<Var<I32>>& lefts, const Var<I32>& right);
  // The same with a left side that is packed for the tile: [k][rows], so that one address serves all rows.
  // `step`: how many elements of the sum after the one that `right` points to; `left` is to move with them,
  // since V8 adds offsets of splatting loads by an instruction of their own, once for each offset.
  void multiply_add_packed(const Var<I32>& left, const Var<I32>& right, int step = 0);
  // The same with a pair of rows of unpacked integers, `right_step` bytes apart; with one row if `odd`.
  void multiply_add_rows(const std::vector<Var<I32>>& lefts, const Var<I32>& right,
                         const Var<I32>& right_step, bool odd);
  // Runs the epilogue and stores. `out` is the output pointer, `offset` the bytes from it to the tile's first
  // element (left changed: it ends one tile further down), `row_step` the bytes between rows.
  void store(EpilogueEmitter& epilogue, const Var<I32>& out, const Var<I32>& offset, const Var<I32>& row_step,
             const Var<I32>& column_offset);
  // The same for the first `real_rows` rows and `columns` columns of the tile (of more there are, all).
  void store_some(EpilogueEmitter& epilogue, const Var<I32>& out, const Var<I32>& offset,
                  const Var<I32>& row_step, const Var<I32>& column_offset, const Var<I32>& columns,
                  const Var<I32>& real_rows);

 private:
  void load_right(const Var<I32>& right, uint32_t offset = 0);
  void multiply_row(int row, V128 left);
  V128 finished(int row, uint32_t half, EpilogueEmitter& epilogue, const Var<I32>& offset,
                const Var<I32>& column_offset);

  FunctionBuilder& f_;
  int rows_;
  Factors factors_;
  std::vector<Var<V128>> accumulators_;  // [row][2]
  Var<V128> right_low_, right_high_, left_, offset_low_, offset_high_;
  Var<I32> head_;
};

// Bytes of packed weights per element of the sum and panel, for f32, or per pair, for integers.
inline constexpr int packed_step(Factors factors) {
  return factors == Factors::f32 ? 4 * kPanel : factors == Factors::f32_i8 ? kPanel : 2 * kPanel;
}
inline constexpr bool sums_floats(Factors factors) {
  return factors == Factors::f32 || factors == Factors::f32_i8;
}
// Bytes of a panel before its elements.
inline constexpr int panel_head(Factors factors) {
  return factors == Factors::i16_i8_offsets ? 4 * kPanel : factors == Factors::f32_i8 ? 6 * kPanel : 0;
}
inline constexpr int left_bytes(Factors factors) { return sums_floats(factors) ? 4 : 2; }
// How many steps of the packed panels a sum over `count` elements takes.
I32 packed_steps(Factors factors, I32 count);
// The part of names and memo keys that the factors are responsible for.
const char* name_of(Factors factors);

// Four vectors as the rows of a 4 x 4 matrix of 32-bit lanes, to be read by columns.
class Transpose4x4 {
 public:
  explicit Transpose4x4(FunctionBuilder& f);
  const Var<V128>& row(int i) const { return rows_[static_cast<std::size_t>(i)]; }
  // To be called when all rows are set, before the first column().
  void mix();
  V128 column(int i) const;

 private:
  std::array<Var<V128>, 4> rows_, mixed_;
};

// Stores four lanes as elements of `type`, which they fit.
void store_elements(FunctionBuilder& f, ir::DType type, const Var<V128>& value, const Var<I32>& address,
                    uint32_t element);
// Stores the first `count` lanes of a vector (of more than 4, all; at least one). Vector and address are left
// changed.
void store_lanes(FunctionBuilder& f, ir::DType type, const Var<V128>& value, const Var<I32>& address,
                 const Var<I32>& count);
// `offset` counts elements of 4 bytes; the bytes that many elements of `type` take.
I32 scaled_offset(ir::DType type, I32 offset);

I32 min_i32(const Var<I32>& a, const Var<I32>& b);
I32 max_i32(const Var<I32>& a, const Var<I32>& b);

}  // namespace o2w::codegen
