// [batch, spatial.., channels], as some operators of ONNX Runtime have it, and [batch, channels, spatial..].
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

ir::Value* channels_first(Lowering& l, ir::Value* x);
ir::Value* channels_last(Lowering& l, ir::Value* x);

}  // namespace o2w::onnx_frontend
