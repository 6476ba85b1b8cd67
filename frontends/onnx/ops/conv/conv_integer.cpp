// ConvInteger and QLinearConv: convolutions of 8-bit tensors, accumulated in 32 bits.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/conv/channels_last.h"
#include "frontends/onnx/ops/conv/convolution.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// x is [N, C, d..]. Padding is with the zero point, so convolving the differences pads with 0 as the float
// convolution does.
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
// ONNX Runtime's own operator may have pictures and results channels-last.
void lower_qlinear_conv(Lowering& l) {
  Value* x_scale = l.input(1);
  Value* w_scale = l.input(4);
  Value* y_scale = l.input(6);
  Value* y_zero = l.input(7);
  const bool last = l.int_attribute("channels_last", 0) != 0;
  Value* x = last ? channels_first(l, l.input(0)) : l.input(0);
  Value* sums = convolve_shifted(l, x, l.input(2), l.input(3), l.input(5));
  sums = add_channel_bias(l, sums, l.optional_input(8), DType::i32);
  // One number per channel, which folds where the scales are constants.
  Value* factors = l.b().tabulate(DType::f32, w_scale->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return only_element(body, x_scale) * body.at(w_scale, {i.begin(), i.end()}) / only_element(body, y_scale);
  });
  Value* y = l.b().tabulate(y_zero->type, sums->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr sum = ir::cast(DType::f32, body.at(sums, {i.begin(), i.end()}));
    return quantize(sum * vector_or_scalar_at(body, factors, i[1]), only_element(body, y_zero), y_zero->type);
  });
  l.output(0, last ? channels_last(l, y) : y);
}

const RegisterOperator conv_integer({.name = "ConvInteger",
                                     .versions = {10},
                                     .types = {{"T1", kBytes, inputs(0, 2)}, {"T2", kBytes, inputs(1, 3)}},
                                     .lower = lower_conv_integer});
const std::vector<TypeParameter> kQLinearTypes = {{"T1", kBytes, inputs(0, 2)},
                                                  {"T2", kBytes, inputs(3, 5)},
                                                  {"T3", kBytes, inputs(7)},
                                                  {"T4", {DType::i32}, inputs(8)},
                                                  {"tensor(float)", kFloat32, inputs(1, 4, 6)}};
const RegisterOperator qlinear_conv(
    {.name = "QLinearConv", .versions = {10}, .types = kQLinearTypes, .lower = lower_qlinear_conv});
const RegisterOperator qlinear_conv_ms({.domain = "com.microsoft",
                                        .name = "QLinearConv",
                                        .versions = {1},
                                        .types = kQLinearTypes,
                                        .lower = lower_qlinear_conv});

}  // namespace
}  // namespace o2w::onnx_frontend
