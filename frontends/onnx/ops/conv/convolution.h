// What the convolution operators share.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// The convolution that the node's attributes (group, strides, dilations, pads, auto_pad) describe,
// accumulated in and returned as `type`. x: [N, C, d..], w: [M, C/group, k..].
ir::Value* convolve(Lowering& l, ir::Value* x, ir::Value* w, ir::DType type);
// y + bias[channel] as `type`; the bias ([M]) may be null.
ir::Value* add_channel_bias(Lowering& l, ir::Value* y, ir::Value* bias, ir::DType type);

}  // namespace o2w::onnx_frontend
