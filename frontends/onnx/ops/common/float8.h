// Numbers on their way into the 8-bit floating-point types.
#pragma once

#include "compiler/ir/expr.h"

namespace o2w::onnx_frontend {

bool is_float8(ir::DType type);  // those with a mantissa: all but E8M0

// What to store as `type` so that a number beyond its range becomes its largest one (`saturate`), or else NaN
// or, in E5M2, infinity. x is f32 or f64.
ir::Expr to_float8(ir::DType type, const ir::Expr& x, bool saturate);

}  // namespace o2w::onnx_frontend
