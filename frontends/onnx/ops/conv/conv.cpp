// Conv and FusedConv: cross-correlation over any number of spatial dimensions.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/conv/convolution.h"

namespace o2w::onnx_frontend {
namespace {

void lower_conv(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* y = convolve(l, x, l.input(1), ir::compute_type(x->type));
  l.output(0, add_channel_bias(l, y, l.optional_input(2), x->type));
}

// com.microsoft: Conv, then optionally + Z, then an activation.
void lower_fused_conv(Lowering& l) {
  ir::Value* x = l.input(0);
  const ir::DType compute = ir::compute_type(x->type);
  ir::Value* y = add_channel_bias(l, convolve(l, x, l.input(1), compute), l.optional_input(2), compute);
  if (ir::Value* z = l.optional_input(3)) {
    y = l.b().map(compute, {y, z}, [](std::span<const ir::Expr> e) { return e[0] + e[1]; });
  }
  const auto activation = fused_activation(l);
  l.output(0, l.b().map(x->type, {y}, [&](std::span<const ir::Expr> e) { return activation(e[0]); }));
}

const RegisterOperator conv(
    {.name = "Conv", .versions = {1, 11, 22}, .types = {{"T", kFloats}}, .lower = lower_conv});
const RegisterOperator fused_conv({.domain = "com.microsoft",
                                   .name = "FusedConv",
                                   .versions = {1},
                                   .types = {{"T", kFloats}},
                                   .lower = lower_fused_conv});

}  // namespace
}  // namespace o2w::onnx_frontend
