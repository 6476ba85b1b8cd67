// Scales and zero points: per tensor, per channel of an axis, or per block along an axis.
#pragma once

#include <optional>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// The value range of a quantized type (ONNX QuantizeLinear's saturation table).
struct Range {
  double low = 0, high = 0;
};
Range quantized_range(ir::DType type);

// round_half_even(x) + zero_point, saturated to `type`: an expression that is to be stored as `type`. `x` is
// a float expression, `zero_point` null or of any compute type.
ir::Expr quantize(const ir::Expr& x, const ir::Expr& zero_point, ir::DType type);

// x - zero_point in i32 as a value of its own, the operand of integer products. The zero point is null, one
// element, or one per entry of dimension `axis` of x (or, where it has x's rank, broadcasts against x).
ir::Value* subtract_zero_point(Lowering& l, ir::Value* x, ir::Value* zero_point, int axis);

}  // namespace o2w::onnx_frontend
