// The part of a channels-last convolution that dense and depthwise kernels share: walking output rows,
// clipping the window to the picture, and parting a row into pixels whose window lies inside and those at its
// ends.
#pragma once

#include <functional>

#include "compiler/codegen/kernels/kernel.h"
#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {

// The sizes a driver function takes after its pointers, in order; steps in bytes.
struct ConvParams {
  explicit ConvParams(FunctionBuilder& f);
  static std::vector<ir::Dim> arguments(const schedule::Conv2d& kernel);

  Var<I32> n, h, w, oh, ow, kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  Var<I32> x_batch, x_row, x_pixel, out_batch, out_row, out_pixel;
};

// What the window covers, as locals of the driver.
struct Window {
  Var<I32> oy, ox;              // output position (the first one of a span)
  Var<I32> ky, kx;              // first row and column of the window that lie in the picture
  Var<I32> ky_count, kx_count;  // how many do; 0 or less: none
  Var<I32> x_offset;            // bytes from x to the window's first covered pixel (batch included)
  Var<I32> out_offset;          // bytes from out to the output pixel (batch included)
  Var<I32> pixels;              // length of a span
};

// Emits the loops over output rows, and over the pieces of each: `inside(window)` for a span of `pixels`
// whose windows have all their columns in the picture, `edge(window)` for single pixels. `row(window,
// pieces)`, if given, is asked first, with the window's rows, and the offsets of the picture's first column
// and of the output row; it runs `pieces` where it does not do the row itself.
void for_each_window(
    FunctionBuilder& f, const ConvParams& p, const std::function<void(const Window&)>& inside,
    const std::function<void(const Window&)>& edge,
    const std::function<void(const Window&, const std::function<void()>& pieces)>& row = nullptr);

// Emits the loops over output rows alone: `row(window)` with the window's rows, the offset of the picture's
// column 0 in the first of them, and that of the output row.
void for_each_row(FunctionBuilder& f, const ConvParams& p, const std::function<void(const Window&)>& row);

}  // namespace o2w::codegen
