// The geometry that convolutions and pools share: kernel, strides, dilations, padding, output sizes.
#pragma once

#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

struct Window {
  ir::Shape kernel;  // per spatial dimension, as all others
  std::vector<int64_t> strides, dilations;
  std::vector<ir::Dim> pads_begin, pads_end;
  ir::Shape input, output;      // spatial sizes
  std::vector<bool> overhangs;  // windows may end behind the padded input

  int rank() const { return static_cast<int>(kernel.size()); }
  // Input position of spatial dimension `d` under output position `out` and window position `in_window`; may
  // lie in the padding.
  ir::Expr position(int d, const ir::Expr& out, const ir::Expr& in_window) const;
  // Whether that position is inside the input; a null Expr when it always is.
  ir::Expr inside(int d, const ir::Expr& position) const;
};

// Convolutions refuse windows larger than the padded input; pools take what is there of them.
enum class WindowUse { convolution, pool };

// The attributes kernel_shape (or `kernel` where the weights give it), strides, dilations, pads, auto_pad,
// ceil_mode (pools) of the node for the spatial sizes `input`. Emits the checks that the output sizes are not
// negative.
Window window_of(Lowering& l, ir::Shape input, WindowUse use, const ir::Shape* kernel = nullptr);

// An attribute with one positive entry per spatial dimension (default 1 each).
std::vector<int64_t> spatial_attribute(Lowering& l, const char* name, int rank);

}  // namespace o2w::onnx_frontend
