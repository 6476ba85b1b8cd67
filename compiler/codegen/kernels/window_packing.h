// Packs what a convolution's windows cover as the left side of a product: im2col, a block of pixels at a
// time.
#pragma once

#include <string>
#include <vector>

#include "compiler/codegen/kernels/conv_geometry.h"

namespace o2w::codegen {

// pack(x, to, oy, ox, blocks, ow, h, w, kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_top,
// pad_left, x_row, x_pixel, units, contiguous, zeros): the windows of 4 * blocks output pixels from (oy, ox)
// on, row by row of the picture, become [blocks][kh][kw][units][4] units of 4 bytes. What lies outside the
// picture is read from `zeros`. contiguous: a window's row is one run in memory, of kw * units.
std::string pack_windows_function(FunctionTable& functions);

// pack(x, to, oy, ox, blocks, h, w, kh, stride_h, dilation_h, pad_top, pad_left, x_row, x_plane, channels):
// the same of x whose columns are contiguous, for windows of `taps` columns that move by `stride`. The pixels
// are neighbours in row oy; those after its last one may be anything.
std::string pack_planes_function(FunctionTable& functions, int64_t taps, int64_t stride);

// The arguments from `ow` on, up to x_pixel.
std::vector<Tree> window_arguments(const ConvParams& p);

}  // namespace o2w::codegen
