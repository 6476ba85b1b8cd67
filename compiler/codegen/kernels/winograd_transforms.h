// The linear maps of Winograd's convolutions: Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks" (2016), section 4.2. A tile of outputs comes from 6 x 6 inputs; in the transformed domain the
// convolution is 36 products of matrices. F(4x4, 3x3) does with them a quarter of the multiplications of the
// definition, F(2x2, 5x5) 36 %. Both interpolate at the points 0, 1, -1, 2, -2 and infinity, so they share
// the map of the inputs. Each map is applied along one dimension, then along the other.
#pragma once

#include <string>

#include "compiler/codegen/kernels/packed_panel.h"

namespace o2w::codegen {

using schedule::kWinogradInputs;
using schedule::kWinogradPoints;

// F(4x4, 3x3) or F(2x2, 5x5).
struct WinogradForm {
  explicit WinogradForm(int64_t filter)
      : window(static_cast<int>(filter)), outputs(schedule::winograd_outputs(filter)) {}
  int window, outputs;  // along one side
  int shift() const { return outputs == 4 ? 2 : 1; }
  std::string name() const;  // "f32_winograd_4x4"
};

// input(from0..from5, to, to_step, bytes): B^T along six rows of `bytes` / 16 vectors; row i of the result
// goes to to + i * to_step.
std::string winograd_input_function(FunctionTable& functions);

// results(from, from_step, half, out, operands..., column, end, out_offset, out_row, out_pixel, rows,
// pixels): A^T m A of the columns [column, end) of one tile, whose 36 points are from_step bytes apart; the
// first `rows` rows of `pixels` results go through the epilogue to out + out_offset. `half`: scratch memory
// of kWinogradHalfBytes. Columns, steps and offsets in bytes of f32. `partial`: columns are no multiple of 4.
std::string winograd_results_function(FunctionTable& functions, const WinogradForm& form,
                                      const schedule::Epilogue& epilogue, bool partial);
inline constexpr int64_t kWinogradHalfBytes = 16 * kWinogradInputs * kWinogradInputs;

// filters(from, to, channels, to_step): the filters of a panel, [channels][window][window][8], become
// G g G^T: 36 times [channels][8], to_step bytes apart.
std::string winograd_filters_function(FunctionTable& functions, const WinogradForm& form);

}  // namespace o2w::codegen
