// ConvInteger and QLinearConv: convolutions of 8-bit tensors, accumulated in 32 bits.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/conv/convolution.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// Padding is with the zero point, so convolving the differences pads with 0 as the float convolution does.
Value* convolve_shifted(Lowering& l, Value* x, Value* x_zero, Value* w, Value* w_zero) {
  l.expect_rank(x, 3, 64, "input X");
  l.expect_rank(w, x->rank(), x->rank(), "weights W");
  return convolve(l, subtract_zero_point(l, x, x_zero, 1), subtract_zero_point(l, w, w_zero, 0), DType::i32);
}

void lower_conv_integer(Lowering& l) {
  l.output(0, convolve_shifted(l, l.input(0), l.optional_input(2), l.input(1), l.optional_input(3)));
}

// Inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B (i32, already in units
// of x_scale * w_scale).
void lower_qlinear_conv(Lowering& l) {
  Value* x_scale = l.input(1);
  Value* w_scale = l.input(4);
  Value* y_scale = l.input(6);
  Value* y_zero = l.input(7);
  Value* sums = convolve_shifted(l, l.input(0), l.input(2), l.input(3), l.input(5));
  sums = add_channel_bias(l, sums, l.optional_input(8), DType::i32);
  l.output(0, l.b().tabulate(y_zero->type, sums->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr scale = vector_or_scalar_at(body, x_scale, 0) * vector_or_scalar_at(body, w_scale, i[1]) /
                 vector_or_scalar_at(body, y_scale, 0);
    Expr sum = ir::cast(DType::f32, body.at(sums, {i.begin(), i.end()}));
    return quantize(sum * ir::cast(DType::f32, scale), vector_or_scalar_at(body, y_zero, 0), y_zero->type);
  }));
}

const RegisterOperator conv_integer({.name = "ConvInteger", .versions = {10}, .lower = lower_conv_integer});
const RegisterOperator qlinear_conv({.name = "QLinearConv", .versions = {10}, .lower = lower_qlinear_conv});

}  // namespace
}  // namespace o2w::onnx_frontend
