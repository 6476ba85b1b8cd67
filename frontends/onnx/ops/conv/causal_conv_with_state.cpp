// CausalConvWithState (27): a depthwise convolution along time that sees no later step. The kernel's reach
// into the past comes from past_state (zeros without it), and what the next call will need of this one is
// present_state.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/conv/convolution.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;
using Indices = ir::Builder::Indices;

void lower_causal_conv(Lowering& l) {
  ir::Builder& b = l.b();
  Value *x = l.input(0), *w = l.input(1);
  l.expect_rank(x, 3, 3, "input");
  l.expect_rank(w, 3, 3, "weight");
  const Dim channels = x->shape[1], kernel = w->shape[2];
  require_equal(l, w->shape[0], channels, "channels of weight and input");
  require_equal(l, w->shape[1], 1, "second size of weight");
  const std::string activation = l.string_attribute("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish")
    l.fail("activation is '{}', expected none, silu or swish", activation);

  const ir::Shape state_shape = {x->shape[0], channels, kernel - 1};
  Value* past = nullptr;
  if (l.optional_input(3) != nullptr) {
    past = l.input(3);
    l.expect_rank(past, 3, 3, "past_state");
    for (std::size_t d = 0; d < 3; ++d)
      require_equal(l, past->shape[d], state_shape[d], "shape of past_state");
    past = b.cast(past, x->type);
  } else {
    past = b.tabulate(x->type, state_shape,
                      [&](ir::Body&, Indices) { return ir::literal_of(ir::compute_type(x->type), 0); });
  }
  Value* padded = b.concat({past, x}, 2);
  const DType compute = ir::compute_type(x->type);
  Value* y = nullptr;
  if (channels.is_constant()) {
    ir::Convolution attributes;
    attributes.strides = {1};
    attributes.dilations = {1};
    attributes.pads_begin = {0};
    attributes.group = channels.value();
    y = b.convolution(padded, w, std::move(attributes), x->shape, compute);
  } else {
    y = b.reduce(ir::Combiner::sum, compute, x->shape, {kernel}, [&](ir::Body& body, Indices i) {
      return body.at(padded, {i[0], i[1], i[2] + i[3]}) * body.at(w, {i[1], Expr(0), i[3]});
    });
  }
  y = add_channel_bias(l, y, l.optional_input(2), compute);
  l.output(0, b.map(x->type, {y}, [&](std::span<const Expr> e) {
    return activation == "none" ? e[0] : e[0] * ir::unary(ir::ExprOp::sigmoid, e[0]);
  }));
  if (l.wants_output(1)) l.output(1, b.slice(padded, {0, 0, x->shape[2]}, {1, 1, 1}, state_shape));
}
const RegisterOperator causal_conv(
    {.name = "CausalConvWithState", .versions = {27}, .types = {{"T", kFloats}}, .lower = lower_causal_conv});

// The same where its further attributes have their defaults.
void lower_ms_causal_conv(Lowering& l) {
  for (const auto& [name, only] :
       {std::pair{"ndim", 1}, {"dilation", 1}, {"channels_last", 0}, {"state_window", 0}}) {
    if (l.int_attribute(name, only) != only)
      l.fail("attribute {} is {}, only {} is supported", name, l.int_attribute(name), only);
  }
  lower_causal_conv(l);
}
const RegisterOperator ms_causal_conv(
    {.domain = "com.microsoft",
     .name = "CausalConvWithState",
     .versions = {1},
     .limits = "one dimension, channels first, no dilation and no window of states",
     .types = {{"T", kFloats}},
     .lower = lower_ms_causal_conv});

}  // namespace
}  // namespace o2w::onnx_frontend
