// com.microsoft QLinearAveragePool.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/conv/channels_last.h"
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

const RegisterOperator average({.domain = "com.microsoft",
                                .name = "QLinearAveragePool",
                                .versions = {1},
                                .types = {{"T", kBytes, inputs(0, 2, 4)},
                                          {"tensor(float)", kFloat32, inputs(1, 3)}},
                                .lower = lower_average});

}  // namespace
}  // namespace o2w::onnx_frontend
