// com.microsoft.MoE: a mixture of experts, of which a router's scores choose some for every token.
//
// The chosen experts' weights are read where they lie, so that the work is that of the experts which take
// part; no expert is computed for a token that does not use it.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/softmax/softmax.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

// The experts of each token with their shares.
struct Routes {
  Value* expert = nullptr;  // [tokens, k]
  Value* share = nullptr;   // [tokens, k], in the compute type
};

Routes route(Lowering& l, Value* scores, int64_t k) {
  ir::Builder& b = l.b();
  const DType type = ir::compute_type(scores->type);
  auto [share, expert] = b.sort(softmax(l, scores, {1}, type), 1, Dim(k), true);
  if (l.int_attribute("normalize_routing_weights", 0) != 0) {
    Value* sum = b.reduce_axes(ir::Combiner::sum, share, {1}, true);
    share = b.map(type, {share, sum}, [](std::span<const Expr> e) { return e[0] / e[1]; });
  }
  return {expert, share};
}

// y[t, j, o] = sum_i x[t, j, i] * weights[expert[t, j], o, i] + bias[expert[t, j], o]; x may have no j.
Value* expert_product(Lowering& l, const Routes& routes, Value* x, Value* weights, Value* bias) {
  const DType type = ir::compute_type(x->type);
  const Dim experts = weights->shape[0];
  require_equal(l, weights->shape[2], x->shape.back(),
                "columns of the experts' weights and elements of what they take");
  if (bias != nullptr) {
    l.expect_rank(bias, 2, 2, "the experts' bias");
    require_equal(l, bias->shape[0], experts, "experts of bias and weights");
    require_equal(l, bias->shape[1], weights->shape[1],
                  "sizes of the experts' bias and rows of their weights");
  }
  const ir::Shape shape = {routes.expert->shape[0], routes.expert->shape[1], weights->shape[1]};
  // Positions that a sort gave are in range.
  const auto expert_at = [&](ir::Body& body, ir::Builder::Indices i) {
    return ir::cast(DType::index, body.at(routes.expert, {i[0], i[1]}));
  };
  Value* y = l.b().reduce(
      ir::Combiner::sum, type, shape, {x->shape.back()}, [&](ir::Body& body, ir::Builder::Indices i) {
        std::vector<Expr> from = {i[0]};
        if (x->rank() == 3) from.push_back(i[1]);
        from.push_back(i[3]);
        return body.at(x, from) * ir::cast(type, body.at(weights, {expert_at(body, i), i[2], i[3]}));
      });
  if (bias == nullptr) return y;
  return l.b().tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return body.at(y, {i[0], i[1], i[2]}) + ir::cast(type, body.at(bias, {expert_at(body, i), i[2]}));
  });
}

// g * sigmoid(alpha g) * (u + beta) of g and u side by side, both limited (g from above only).
Value* swiglu(Lowering& l, Value* x) {
  if (l.int_attribute("swiglu_fusion", 0) != 1) {
    l.fail("attribute swiglu_fusion is {}; as in ONNX Runtime on a CPU it must be 1 (interleaved)",
           l.int_attribute("swiglu_fusion", 0));
  }
  const double alpha = l.float_attribute("activation_alpha", 1),
               beta = l.float_attribute("activation_beta", 0);
  const bool limited = l.has_attribute("swiglu_limit");
  const double limit = l.float_attribute("swiglu_limit", 0);
  ir::Shape shape = x->shape;
  shape[2] = divide_exactly(l, shape[2], 2, "pairs of gates and values");
  return l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr g = body.at(x, {i[0], i[1], i[2] * 2}), u = body.at(x, {i[0], i[1], i[2] * 2 + 1});
    if (limited) {
      g = min(g, limit);
      u = min(max(u, -limit), limit);
    }
    return g * ir::unary(ExprOp::sigmoid, g * alpha) * (u + beta);
  });
}

Value* activate(Lowering& l, Value* x) {
  const std::string name = l.string_attribute("activation_type", "relu");
  if (name == "swiglu") return swiglu(l, x);
  if (name == "identity") return x;
  if (name == "relu") return l.b().map1(x, [](const Expr& e) { return max(e, 0.0); });
  if (name == "gelu") return l.b().map1(x, [](const Expr& e) { return gelu_tanh(e); });
  if (name == "silu") return l.b().map1(x, [](const Expr& e) { return e * ir::unary(ExprOp::sigmoid, e); });
  l.fail("attribute activation_type is '{}', expected relu, gelu, silu, swiglu or identity", name);
}

void lower(Lowering& l) {
  ir::Builder& b = l.b();
  Value* input = l.input(0);
  Value* scores = l.input(1);
  Value* first = l.input(2);
  Value* second = l.input(4);
  l.expect_rank(input, 2, 3, "the input");
  l.expect_rank(scores, 2, 2, "router_probs");
  l.expect_rank(first, 3, 3, "fc1_experts_weights");
  l.expect_rank(second, 3, 3, "fc2_experts_weights");
  if (l.optional_input(6) != nullptr || l.optional_input(7) != nullptr) {
    l.fail("fc3 weights are not supported (nor by ONNX Runtime on a CPU)");
  }
  if (l.int_attribute("use_sparse_mixer", 0) != 0) l.fail("attribute use_sparse_mixer is not supported");
  const Dim hidden = input->shape.back(), experts = scores->shape[1];
  const Dim tokens = input->rank() == 2 ? input->shape[0] : input->shape[0] * input->shape[1];
  require_equal(l, scores->shape[0], tokens, "rows of router_probs and tokens");
  for (Value* weights : {first, second})
    require_equal(l, weights->shape[0], experts, "experts of the weights and of router_probs");
  require_equal(l, second->shape[1], hidden, "rows of fc2_experts_weights and hidden size");
  const int64_t k = l.int_attribute("k", 1);
  if (k < 1 || k > INT32_MAX) l.fail("attribute k is {}, expected 1 or more", k);

  const Routes routes = route(l, scores, k);
  Value* x = b.cast(b.view(input, {tokens, hidden}), ir::compute_type(input->type));
  Value* inner = activate(l, expert_product(l, routes, x, first, l.optional_input(3)));
  Value* outer = expert_product(l, routes, inner, second, l.optional_input(5));
  Value* y = b.reduce(ir::Combiner::sum, outer->type, {tokens, hidden}, {Dim(k)},
                      [&](ir::Body& body, ir::Builder::Indices i) {
                        return body.at(outer, {i[0], i[2], i[1]}) * body.at(routes.share, {i[0], i[2]});
                      });
  l.output(0, b.cast(b.view(y, input->shape), input->type));
}

const RegisterOperator moe(
    {.domain = "com.microsoft",
     .name = "MoE",
     .versions = {1},
     .limits = "swiglu interleaved only; fc3 weights and use_sparse_mixer are not supported",
     .types = {{"T", kFloats}},
     .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
