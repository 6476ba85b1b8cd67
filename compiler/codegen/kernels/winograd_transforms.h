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

// output(from, from_step, to, to_step, bytes): A^T along six rows, `outputs` rows of results.
std::string winograd_output_function(FunctionTable& functions, const WinogradForm& form);

// finish(from, from_step, out, operands..., columns, out_step, out_offset, count): A^T along six rows of
// `columns` elements; the first `count` (1 to `outputs`) rows of results go through the epilogue to rows of
// the output. `partial`: columns are no multiple of 4.
std::string winograd_finish_function(FunctionTable& functions, const WinogradForm& form,
                                     const schedule::Epilogue& epilogue, bool partial);

// weights(from, to, channels, panels): filters packed as [panels][window][window][channels][8] become
// [36][panels][channels][8], G g G^T.
std::string winograd_weights_function(FunctionTable& functions, const WinogradForm& form);

}  // namespace o2w::codegen
