// Dynamic time warping: the cheapest monotonous path through a matrix of costs, shared by the compiler's
// evaluator and the runtime library. Freestanding.
#pragma once

#include <stdint.h>

namespace o2w::time_warping {

enum Step : uint8_t { kDiagonal, kRow, kColumn };

// costs: [rows, columns], both at least 1. Scratch: `sums` rows + 1, `steps` rows * columns. Returns the
// path's length; `emit(k, row, column)` gets its k-th point from the end. Equal sums are told apart as ONNX
// Runtime does.
template <typename Emit>
uint32_t warp(const float* costs, uint32_t rows, uint32_t columns, float* sums, uint8_t* steps, Emit&& emit) {
  const float infinity = __builtin_inff();
  // sums[i] is the cheapest path to row i - 1 of the column before, then of this one.
  for (uint32_t i = 0; i <= rows; ++i) sums[i] = infinity;
  sums[0] = 0;
  for (uint32_t column = 0; column < columns; ++column) {
    float diagonal = sums[0];
    sums[0] = infinity;
    for (uint32_t row = 0; row < rows; ++row) {
      const float above = sums[row], before = sums[row + 1];
      float best = before;
      uint8_t step = kColumn;
      if (diagonal < above && diagonal < before) {
        best = diagonal;
        step = kDiagonal;
      } else if (above < diagonal && above < before) {
        best = above;
        step = kRow;
      }
      const uint64_t at = uint64_t{row} * columns + column;
      steps[at] = step;
      diagonal = before;
      sums[row + 1] = best + costs[at];
    }
  }
  uint32_t length = 0, row = rows, column = columns;
  while (row > 0 && column > 0) {
    emit(length++, row - 1, column - 1);
    const uint8_t step = steps[uint64_t{row - 1} * columns + column - 1];
    if (step != kColumn) --row;
    if (step != kRow) --column;
  }
  return length;
}

}  // namespace o2w::time_warping
