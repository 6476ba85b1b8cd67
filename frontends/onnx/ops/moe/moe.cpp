// com.microsoft MoE and QMoE: a mixture of experts, of which a router's scores choose some for every token.
// QMoE's experts have weights of 2, 4 or 8 bits, with a scale per row or per block of a row.
//
// The chosen experts' weights are read where they lie, so that the work is that of the experts which take
// part; no expert is computed for a token that does not use it.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/packed_numbers.h"
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

// The experts' matrices [experts, rows, columns].
struct ExpertWeights {
  Dim experts, rows, columns;
  // An element in the compute type.
  std::function<Expr(ir::Body&, const Expr& expert, const Expr& row, const Expr& column)> at;
};

ExpertWeights plain_weights(Lowering& l, int input, DType type) {
  Value* weights = l.input(input);
  l.expect_rank(weights, 3, 3, "the experts' weights");
  return {weights->shape[0], weights->shape[1], weights->shape[2],
          [=](ir::Body& body, const Expr& expert, const Expr& row, const Expr& column) {
            return ir::cast(type, body.at(weights, {expert, row, column}));
          }};
}

// Numbers along the columns, lowest bits first. Scales and zero points are [experts, rows] or [experts, rows,
// blocks]; zero points are packed along their last dimension.
ExpertWeights quantized_weights(Lowering& l, int weights_input, int scales_input, int zeros_input) {
  Value* bytes = l.input(weights_input);
  Value* scales = l.input(scales_input);
  Value* zeros = l.optional_input(zeros_input);
  l.expect_rank(bytes, 3, 3, "the experts' weights");
  const int64_t bits = l.int_attribute("expert_weight_bits", 4), block = l.int_attribute("block_size", 0);
  if (bits != 2 && bits != 4 && bits != 8)
    l.fail("attribute expert_weight_bits is {}, expected 2, 4 or 8", bits);
  if (block < 0 || block > INT32_MAX) l.fail("attribute block_size is {}", block);
  const int64_t per_byte = 8 / bits;
  const Dim experts = bytes->shape[0], rows = bytes->shape[1], row_bytes = bytes->shape[2];
  const Dim columns = row_bytes * Dim(per_byte);
  const bool blocked = block > 0;
  l.expect_rank(scales, blocked ? 3 : 2, 3, "the scales of the experts' weights");
  const Dim blocks = blocked ? ir::ceildiv(columns, block) : Dim(1);
  require_equal(l, ir::element_count(scales->shape), experts * rows * blocks,
                "number of scales of the experts");
  Value* flat = l.b().view(bytes, {experts * rows * row_bytes});
  Value* flat_scales = l.b().view(scales, {experts * rows * blocks});
  // A row of zero points begins with a new byte: of an expert, or with blocks of a row.
  const Dim zeros_in_row = blocked ? blocks : rows, zero_bytes = ir::ceildiv(zeros_in_row, per_byte);
  Value* flat_zeros = nullptr;
  if (zeros != nullptr) {
    const Dim count = (blocked ? experts * rows : experts) * zero_bytes;
    require_equal(l, ir::element_count(zeros->shape), count, "bytes of the experts' zero points");
    flat_zeros = l.b().view(zeros, {count});
  }
  return {experts, rows, columns,
          [=](ir::Body& body, const Expr& expert, const Expr& row, const Expr& column) {
            const Expr line = expert * Expr(rows) + row;
            const Expr place = blocked ? floordiv(column, Expr(block)) : Expr(0);
            Expr number = packed_number(body, flat, line, row_bytes, column, bits);
            if (flat_zeros == nullptr) {
              number = number - ir::literal_int(DType::i32, 1 << (bits - 1));
            } else {
              number = number - packed_number(body, flat_zeros, blocked ? line : expert, zero_bytes,
                                              blocked ? place : row, bits);
            }
            return ir::cast(DType::f32, number) *
                   ir::cast(DType::f32, body.at(flat_scales, {line * Expr(blocks) + place}));
          }};
}

// y[t, j, o] = sum_i x[t, j, i] * weights[expert[t, j], o, i] + bias[expert[t, j], o]; x may have no j.
Value* expert_product(Lowering& l, const Routes& routes, Value* x, const ExpertWeights& weights,
                      Value* bias) {
  const DType type = ir::compute_type(x->type);
  const Dim experts = weights.experts;
  require_equal(l, weights.columns, x->shape.back(),
                "columns of the experts' weights and elements of what they take");
  if (bias != nullptr) {
    l.expect_rank(bias, 2, 2, "the experts' bias");
    require_equal(l, bias->shape[0], experts, "experts of bias and weights");
    require_equal(l, bias->shape[1], weights.rows, "sizes of the experts' bias and rows of their weights");
  }
  const ir::Shape shape = {routes.expert->shape[0], routes.expert->shape[1], weights.rows};
  // Positions that a sort gave are in range.
  const auto expert_at = [&](ir::Body& body, ir::Builder::Indices i) {
    return ir::cast(DType::index, body.at(routes.expert, {i[0], i[1]}));
  };
  Value* y = l.b().reduce(ir::Combiner::sum, type, shape, {x->shape.back()},
                          [&](ir::Body& body, ir::Builder::Indices i) {
                            std::vector<Expr> from = {i[0]};
                            if (x->rank() == 3) from.push_back(i[1]);
                            from.push_back(i[3]);
                            return body.at(x, from) * weights.at(body, expert_at(body, i), i[2], i[3]);
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

void lower_experts(Lowering& l, const ExpertWeights& first, Value* first_bias, const ExpertWeights& second,
                   Value* second_bias) {
  ir::Builder& b = l.b();
  Value* input = l.input(0);
  Value* scores = l.input(1);
  l.expect_rank(input, 2, 3, "the input");
  l.expect_rank(scores, 2, 2, "router_probs");
  if (l.int_attribute("use_sparse_mixer", 0) != 0) l.fail("attribute use_sparse_mixer is not supported");
  const Dim hidden = input->shape.back(), experts = scores->shape[1];
  const Dim tokens = input->rank() == 2 ? input->shape[0] : input->shape[0] * input->shape[1];
  require_equal(l, scores->shape[0], tokens, "rows of router_probs and tokens");
  for (const ExpertWeights& weights : {first, second})
    require_equal(l, weights.experts, experts, "experts of the weights and of router_probs");
  require_equal(l, second.rows, hidden, "rows of fc2_experts_weights and hidden size");
  const int64_t k = l.int_attribute("k", 1);
  if (k < 1 || k > INT32_MAX) l.fail("attribute k is {}, expected 1 or more", k);

  const Routes routes = route(l, scores, k);
  Value* x = b.cast(b.view(input, {tokens, hidden}), ir::compute_type(input->type));
  Value* inner = activate(l, expert_product(l, routes, x, first, first_bias));
  Value* outer = expert_product(l, routes, inner, second, second_bias);
  Value* y = b.reduce(ir::Combiner::sum, outer->type, {tokens, hidden}, {Dim(k)},
                      [&](ir::Body& body, ir::Builder::Indices i) {
                        return body.at(outer, {i[0], i[2], i[1]}) * body.at(routes.share, {i[0], i[2]});
                      });
  l.output(0, b.cast(b.view(y, input->shape), input->type));
}

void lower(Lowering& l) {
  if (l.optional_input(6) != nullptr || l.optional_input(7) != nullptr) {
    l.fail("fc3 weights are not supported (nor by ONNX Runtime on a CPU)");
  }
  const DType type = ir::compute_type(l.input(0)->type);
  lower_experts(l, plain_weights(l, 2, type), l.optional_input(3), plain_weights(l, 4, type),
                l.optional_input(5));
}

// Inputs: input, router_probs, then weights, scales and bias of fc1, fc2 and fc3, then their zero points.
void lower_quantized(Lowering& l) {
  for (const int input : {8, 9, 10, 13}) {
    if (l.optional_input(input) != nullptr)
      l.fail("fc3 weights are not supported (nor by ONNX Runtime on a CPU)");
  }
  lower_experts(l, quantized_weights(l, 2, 3, 11), l.optional_input(4), quantized_weights(l, 5, 6, 12),
                l.optional_input(7));
}

constexpr TypeSet kSources{DType::f32, DType::f16, DType::bf16};
const RegisterOperator qmoe(
    {.domain = "com.microsoft",
     .name = "QMoE",
     .versions = {1},
     .limits = "swiglu interleaved only; fc3 weights and use_sparse_mixer are not supported",
     .types = {{"T", kSources, inputs(0, 1, 4, 7, 10)},
               {"T1", {DType::u8}, inputs(2, 5, 8, 11, 12, 13)},
               {"T2", kSources, inputs(3, 6, 9)}},
     .lower = lower_quantized});
const RegisterOperator moe(
    {.domain = "com.microsoft",
     .name = "MoE",
     .versions = {1},
     .limits = "swiglu interleaved only; fc3 weights and use_sparse_mixer are not supported",
     .types = {{"T", kFloats}},
     .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
