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

// (x - zero_point) * scale in f32; x is an integer expression, the zero point null or one.
ir::Expr dequantize(const ir::Expr& x, const ir::Expr& zero_point, const ir::Expr& scale);

// A tensor with one scale and one zero point (null: 0), as the QLinear operators list them.
struct QuantizedInput {
  ir::Value* x = nullptr;
  ir::Value* scale = nullptr;
  ir::Value* zero_point = nullptr;
};
// Inputs x, scale, zero_point from number `first` on; scale and zero point must have one element.
QuantizedInput quantized_input(Lowering& l, int first);
// The same for an output: inputs scale, zero_point (x stays null).
QuantizedInput quantized_output(Lowering& l, int first);
// The one element of a scale or zero point; null for a null value.
ir::Expr only_element(ir::Body& body, ir::Value* value);
// The real number that element `index` of the input stands for.
ir::Expr real_at(ir::Body& body, const QuantizedInput& input, std::vector<ir::Expr> index);
// A real number as the output's type and parameters quantize it.
ir::Expr quantized(ir::Body& body, const ir::Expr& real, const QuantizedInput& output, ir::DType type);

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
