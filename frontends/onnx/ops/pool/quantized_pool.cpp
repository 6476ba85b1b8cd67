// com.microsoft QLinearAveragePool and NhwcMaxPool: pools of quantized pictures.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/channels_last.h"
#include "frontends/onnx/ops/pool/pooling.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Value;

// Inputs: X, x_scale, x_zero_point, y_scale, y_zero_point. The mean is that of the real numbers, as ONNX
// Runtime computes it.
void lower_average(Lowering& l) {
  QuantizedInput x = quantized_input(l, 0);
  const QuantizedInput y = quantized_output(l, 3);
  const bool last = l.int_attribute("channels_last", 0) != 0;
  if (last) x.x = channels_first(l, x.x);
  Value* real = l.b().tabulate(DType::f32, x.x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return real_at(body, x, {i.begin(), i.end()});
  });
  Value* mean = average_pool(l, real);
  Value* result = l.b().tabulate(x.x->type, mean->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return quantized(body, body.at(mean, {i.begin(), i.end()}), y, x.x->type);
  });
  l.output(0, last ? channels_last(l, result) : result);
}

// MaxPool of [N, d.., C]; one scale for all elements, so the largest quantized number is the largest real
// one.
void lower_nhwc_max(Lowering& l) {
  Value* x = channels_first(l, l.input(0));
  l.output(0, channels_last(l, reduce_window(l, x, pool_window(l, x), ir::Combiner::max, x->type)));
}

const RegisterOperator average({.domain = "com.microsoft",
                                .name = "QLinearAveragePool",
                                .versions = {1},
                                .types = {{"T", kBytes, inputs(0, 2, 4)},
                                          {"tensor(float)", kFloat32, inputs(1, 3)}},
                                .lower = lower_average});
const RegisterOperator nhwc_max({.domain = "com.microsoft",
                                 .name = "NhwcMaxPool",
                                 .versions = {1},
                                 .types = {{"T", kBytes, inputs(0)}},
                                 .lower = lower_nhwc_max});

}  // namespace
}  // namespace o2w::onnx_frontend
