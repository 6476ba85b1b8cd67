// Softmax as other operators use it.
#pragma once

#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// exp(x - max) / sum exp(x - max) over `axes` taken together, computed in x's compute type, stored as `type`.
ir::Value* softmax(Lowering& l, ir::Value* x, const std::vector<int>& axes, ir::DType type);
// x - max - log(sum exp(x - max)).
ir::Value* log_softmax(Lowering& l, ir::Value* x, const std::vector<int>& axes, ir::DType type);

}  // namespace o2w::onnx_frontend
