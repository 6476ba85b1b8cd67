// com.microsoft QLinearSoftmax, QLinearReduceMean, QLinearGlobalAveragePool.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/parameters.h"
#include "frontends/onnx/ops/softmax/softmax.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// Inputs: X, X_scale, x_zero_point, y_scale, y_zero_point. `opset` is that of the Softmax it was made from.
// ONNX Runtime quantizes with floor(1 / y_scale), which differs from a division where 1 / y_scale is no whole
// number.
void lower_softmax(Lowering& l) {
  const QuantizedInput x = quantized_input(l, 0), y = quantized_output(l, 3);
  const int rank = x.x->rank();
  const bool flattening = l.int_attribute("opset") < 13;
  const int axis = l.axis(l.int_attribute("axis", flattening ? 1 : -1), rank);
  // The zero point cancels.
  Value* real = l.b().tabulate(DType::f32, x.x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return ir::cast(DType::f32, body.at(x.x, {i.begin(), i.end()})) * only_element(body, x.scale);
  });
  Value* result = softmax(l, real, axis_range(axis, flattening ? rank : axis + 1), DType::f32);
  l.output(0, l.b().tabulate(x.x->type, x.x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr steps = ir::unary(ir::ExprOp::floor, 1.0 / only_element(body, y.scale));
    return quantize(body.at(result, {i.begin(), i.end()}) * steps, only_element(body, y.zero_point),
                    x.x->type);
  }));
}

Value* differences(Lowering& l, const QuantizedInput& x) {
  return l.b().tabulate(DType::i32, x.x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr element = ir::cast(DType::i32, body.at(x.x, {i.begin(), i.end()}));
    return x.zero_point == nullptr ? element
                                   : element - ir::cast(DType::i32, only_element(body, x.zero_point));
  });
}

// The mean of x over `axes` (kept with size 1): sums of the integers, scaled once.
Value* mean(Lowering& l, const QuantizedInput& x, const QuantizedInput& y, const std::vector<int>& axes) {
  const DType type = x.x->type;
  Value* sums = l.b().reduce_axes(ir::Combiner::sum, differences(l, x), axes, true);
  const Expr count = size_as(DType::f32, count_along(x.x->shape, axes));
  return l.b().tabulate(type, sums->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr scale = only_element(body, x.scale) / (only_element(body, y.scale) * count);
    const Expr sum = ir::cast(DType::f32, body.at(sums, {i.begin(), i.end()}));
    return quantize(sum * scale, only_element(body, y.zero_point), type);
  });
}

// Inputs: X, x_scale, x_zero_point, y_scale, y_zero_point.
void lower_global_average_pool(Lowering& l) {
  const QuantizedInput x = quantized_input(l, 0), y = quantized_output(l, 3);
  l.expect_rank(x.x, 3, 64, "input X");
  const bool channels_last = l.int_attribute("channels_last", 0) != 0;
  const int first = channels_last ? 1 : 2;
  l.output(0, mean(l, x, y, axis_range(first, first + x.x->rank() - 2)));
}

// Inputs: data, data_scale, data_zero_point, reduced_scale, reduced_zero_point.
void lower_reduce_mean(Lowering& l) {
  const QuantizedInput x = quantized_input(l, 0), y = quantized_output(l, 3);
  const std::vector<int64_t> given = l.ints_attribute("axes", {});
  const std::vector<int> axes = given.empty() ? axis_range(0, x.x->rank()) : l.axes(given, x.x->rank());
  Value* result = mean(l, x, y, axes);
  l.output(0, l.int_attribute("keepdims") != 0 ? result : l.b().squeeze(result, axes));
}

const std::vector<TypeParameter> kTypes = {{"T", kBytes, inputs(0, 2, 4)},
                                           {"tensor(float)", kFloat32, inputs(1, 3)}};

const RegisterOperator softmax_operator({.domain = "com.microsoft",
                                         .name = "QLinearSoftmax",
                                         .versions = {1},
                                         .types = kTypes,
                                         .lower = lower_softmax});
const RegisterOperator global_average_pool({.domain = "com.microsoft",
                                            .name = "QLinearGlobalAveragePool",
                                            .versions = {1},
                                            .types = kTypes,
                                            .lower = lower_global_average_pool});
const RegisterOperator reduce_mean({.domain = "com.microsoft",
                                    .name = "QLinearReduceMean",
                                    .versions = {1},
                                    .types = kTypes,
                                    .lower = lower_reduce_mean});

}  // namespace
}  // namespace o2w::onnx_frontend
