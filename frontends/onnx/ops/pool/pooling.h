// Windowed reductions over the spatial dimensions of [N, C, d..].
#pragma once

#include <functional>

#include "frontends/onnx/lowering.h"
#include "frontends/onnx/ops/common/window.h"

namespace o2w::onnx_frontend {

// The window that the node's attributes describe over x's spatial dimensions; checks x's rank.
Window pool_window(Lowering& l, ir::Value* x);
// [N, C, output sizes].
ir::Shape pooled_shape(const ir::Value* x, const Window& window);
// Combines `element` of x over the window; positions in the padding are left out.
ir::Value* reduce_window(Lowering& l, ir::Value* x, const Window& window, ir::Combiner combiner,
                         ir::DType type, const std::function<ir::Expr(const ir::Expr&)>& element = nullptr);

// What AveragePool computes of x under the node's attributes, in x's type.
ir::Value* average_pool(Lowering& l, ir::Value* x);

}  // namespace o2w::onnx_frontend
