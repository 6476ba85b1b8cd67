// The linear maps of Winograd's F(4x4, 3x3): Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks" (2016), section 4.2. A tile of 4 x 4 outputs comes from 6 x 6 inputs; in the transformed domain
// the convolution is 36 products of matrices, with a quarter of the multiplications. Each map is applied
// along one dimension, then along the other.
#pragma once

#include <string>

#include "compiler/codegen/kernels/packed_panel.h"

namespace o2w::codegen {

inline constexpr int kWinogradTile = 4;     // outputs along one side
inline constexpr int kWinogradWindow = 6;   // inputs along one side
inline constexpr int kWinogradPoints = 36;  // products

// input(from0..from5, to, to_step, bytes): B^T along six rows of `bytes` / 16 vectors; row i of the result
// goes to to + i * to_step.
std::string winograd_input_function(FunctionTable& functions);

// output(from, from_step, to, to_step, bytes): A^T along six rows, four rows of results.
std::string winograd_output_function(FunctionTable& functions);

// finish(from, from_step, out, operands..., columns, out_step, out_offset, count): A^T along six rows of
// `columns` (a multiple of 4) elements; the first `count` (1 to 4) rows of results go through the epilogue to
// rows of the output.
std::string winograd_finish_function(FunctionTable& functions, const schedule::Epilogue& epilogue);

// weights(from, to, channels, panels): filters packed as [panels][3][3][channels][8] become
// [36][panels][channels][8], G g G^T.
std::string winograd_weights_function(FunctionTable& functions);

}  // namespace o2w::codegen
