// com.microsoft.NhwcConv and NhwcFusedConv: convolutions whose input and output have their channels last; the
// weights are as Conv has them.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/conv/channels_last.h"
#include "frontends/onnx/ops/conv/convolution.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::Value;

void lower(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 3, 64, "input X");
  const ir::DType compute = ir::compute_type(x->type);
  Value* y = convolve(l, channels_first(l, x), l.input(1), compute);
  y = channels_last(l, add_channel_bias(l, y, l.optional_input(2), compute));
  const Activation activation = fused_activation(l);
  std::vector<Value*> operands = {y};
  if (Value* z = l.optional_input(3)) operands.push_back(z);
  l.output(0, l.b().map(x->type, operands, [&](std::span<const Expr> e) {
    return activation(e.size() > 1 ? e[0] + e[1] : e[0]);
  }));
}

const RegisterOperator conv({.domain = "com.microsoft",
                             .name = "NhwcConv",
                             .versions = {1},
                             .types = {{"T", kFloats, inputs(0, 1, 2)}},
                             .lower = lower});
const RegisterOperator fused_conv({.domain = "com.microsoft",
                                   .name = "NhwcFusedConv",
                                   .versions = {1},
                                   .types = {{"T", kFloats}},
                                   .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
