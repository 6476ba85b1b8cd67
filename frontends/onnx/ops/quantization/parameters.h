// Scales and zero points: per tensor, per channel of an axis, or per block along an axis.
#pragma once

#include <functional>
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

// The one number that all elements of a constant are; nothing where it is not one.
std::optional<int64_t> uniform_integer(Lowering& l, ir::Value* value);

// x - zero_point as a value of its own, the operand of integer products: in i16, which holds every difference
// of 8-bit numbers, or in i32 for wider ones. The zero point is null, one element, or one per entry of
// dimension `axis` of x (or, where it has x's rank, broadcasts against x).
ir::Value* subtract_zero_point(Lowering& l, ir::Value* x, ir::Value* zero_point, int axis);

// A float tensor quantized to u8 by its own range, as DynamicQuantizeLinear does.
struct DynamicQuantization {
  ir::Value* scale = nullptr;       // scalar f32
  ir::Value* zero_point = nullptr;  // scalar u8
};
// `within` (may be null) says for a position of x whether it counts for the range.
DynamicQuantization dynamic_parameters(
    Lowering& l, ir::Value* x,
    const std::function<ir::Expr(ir::Body&, ir::Builder::Indices)>& within = nullptr);
// x as those parameters quantize it, minus the zero point, in i16.
ir::Value* dynamic_differences(Lowering& l, ir::Value* x, const DynamicQuantization& parameters);

}  // namespace o2w::onnx_frontend
