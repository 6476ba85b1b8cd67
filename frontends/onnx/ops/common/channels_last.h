// Operators of ONNX Runtime that take pictures as [N, d.., C].
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// [N, d.., C] -> [N, C, d..] and back.
ir::Value* channels_first(Lowering& l, ir::Value* x);
ir::Value* channels_last(Lowering& l, ir::Value* x);

}  // namespace o2w::onnx_frontend
