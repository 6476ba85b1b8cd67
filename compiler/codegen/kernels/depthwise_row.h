// Rows of depthwise convolutions with windows 3 or 5 columns wide.
#pragma once

#include <string>

#include "compiler/codegen/function_table.h"
#include "compiler/codegen/kernels/conv_geometry.h"
#include "compiler/schedule/program.h"

namespace o2w::codegen {

// Whether output rows of this convolution are made whole, left and right edge included: f32, 3x3, or 5
// columns wide and nothing else of the result's form; stride 1, no dilation, channels that fill whole
// vectors; rows of known length that the cache holds. That padding on the left is less than the window is for
// the module to check.
bool has_whole_rows(const schedule::Conv2d& kernel);
// The check: a local of the driver, before its loops.
Var<I32> whole_rows_fit(FunctionBuilder& f, const ConvParams& p, const schedule::Conv2d& kernel);

// row(x, weights, out, operands..., columns, pixels, channels, x_row_step, x_pixel_step, w_block_step,
// out_step, out_offset, pad_left[, ky_count]): an output row of `pixels` from rows of x of `columns` pixels
// each. weights: the first row's taps of the first block. `rows`: 3x3 windows have 2 or 3 in the picture; 0,
// of wider windows: ky_count, at least 2.
std::string depthwise_row_function(FunctionTable& functions, const schedule::Conv2d& kernel, int rows);

}  // namespace o2w::codegen
