// Axes that the model computes. ONNX allows that wherever axes are an input, though exporters rarely do it.
// Sizes that then depend on data become symbols bound while the model runs.
#pragma once

#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// boolean[rank]: which dimensions a 1-D or scalar tensor of axes names. Negative ones count from the end; one
// outside of the rank is the node's run-time error.
ir::Value* axis_mask(Lowering& lowering, ir::Value* axes, int rank);

// Those sizes of `shape` that the mask (boolean[rank]) leaves, in order; there must be `count` of them.
std::vector<ir::Dim> unmasked_sizes(Lowering& lowering, const ir::Shape& shape, ir::Value* mask, int count);

// A shape seen from one axis: sizes of all dimensions before it multiplied, its own, all behind it
// multiplied.
struct AroundAxis {
  ir::Dim before, size, behind;
};
AroundAxis around_axis(Lowering& lowering, const ir::Shape& shape, ir::Value* axis);

}  // namespace o2w::onnx_frontend
