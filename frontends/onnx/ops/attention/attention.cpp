// Attention (23, 24): softmax(Q K^T * scale, capped, + mask) V, with a cache of keys and values before the
// new ones or, from version 24 on, a cache that is the input and of which each batch entry uses the first
// nonpad_kv_seqlen positions.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/heads.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/softmax/softmax.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;
using Indices = ir::Builder::Indices;

// What keeps a query from a key, besides a mask of numbers.
struct Mask {
  Value* given = nullptr;    // attn_mask: bool (true takes part) or numbers to add; [.., q, k]
  bool padded = false;       // a shorter mask excludes what it does not reach
  bool causal = false;       // no key behind the query's own position
  Dim past = 0;              // keys that stand before the first query
  Value* lengths = nullptr;  // [batch]: keys in use
};

// The element of the mask for a point of the scores; its leading dimensions broadcast.
Expr mask_at(ir::Body& body, const Mask& mask, const ir::Shape& scores, Indices i) {
  Value* m = mask.given;
  std::vector<Expr> at;
  for (std::size_t d = 0; d < m->shape.size(); ++d) {
    const std::size_t of_scores = d + 4 - m->shape.size();
    const bool key = of_scores == 3;
    if (ir::provably_equal(m->shape[d], scores[of_scores]) || (key && mask.padded)) {
      at.push_back(i[of_scores]);
    } else {
      at.push_back(m->shape[d].is(1) ? Expr(0) : ir::broadcast_index(i[of_scores], m->shape[d]));
    }
  }
  return body.at(m, std::move(at));
}

// A score with everything that is not to be seen at minus infinity.
Expr masked(ir::Body& body, const Mask& mask, const ir::Shape& scores, Indices i, Expr score) {
  const DType type = score->type;
  const Expr never = ir::lowest_of(type);
  if (mask.given != nullptr) {
    const Expr m = mask_at(body, mask, scores, i);
    score = m->type == DType::boolean ? ir::select(m, score, never) : score + ir::cast(type, m);
    const Dim& reach = mask.given->shape.back();
    if (mask.padded && !ir::provably_equal(reach, scores[3]))
      score = ir::select(ir::lt(i[3], reach), score, never);
  }
  const auto length = [&] { return ir::cast(DType::index, body.at(mask.lengths, {i[0]})); };
  if (mask.causal) {
    const Expr before = mask.lengths != nullptr ? length() - Expr(scores[2]) : Expr(mask.past);
    score = ir::select(ir::le(i[3], i[2] + before), score, never);
  }
  if (mask.lengths != nullptr) score = ir::select(ir::lt(i[3], length()), score, never);
  return score;
}

Mask mask_of(Lowering& l, const ir::Shape& scores, const Dim& past, bool has_past) {
  Mask mask;
  mask.causal = l.int_attribute("is_causal", 0) != 0;
  mask.past = past;
  if (l.optional_input(3) != nullptr) {
    mask.given = movable_input(l, 3);
    l.expect_rank(mask.given, 1, 4, "attn_mask");
    mask.padded = l.version() >= 24;
    for (std::size_t d = 0; d < mask.given->shape.size(); ++d) {
      const Dim &size = mask.given->shape[d], &of_scores = scores[d + 4 - mask.given->shape.size()];
      const bool key = d + 1 == mask.given->shape.size();
      const auto relation =
          key && mask.padded ? ir::Require::Relation::less_equal : ir::Require::Relation::broadcastable;
      l.b().require(relation, size, of_scores,
                    fmt::format("attn_mask of shape {} does not fit scores of shape {}",
                                ir::to_string(mask.given->shape), ir::to_string(scores)));
    }
  }
  if (l.optional_input(6) != nullptr) {
    mask.lengths = integer_input(l, 6);
    l.expect_rank(mask.lengths, 1, 1, "nonpad_kv_seqlen");
    require_equal(l, mask.lengths->shape[0], scores[0], "size of nonpad_kv_seqlen and batch");
    if (has_past) l.fail("nonpad_kv_seqlen and past_key exclude each other");
  }
  return mask;
}

// The type that the softmax is computed in.
DType softmax_type(Lowering& l, DType compute) {
  if (!l.has_attribute("softmax_precision")) return compute;
  const DType asked = element_type(l, l.int_attribute("softmax_precision"), "softmax_precision");
  if (!ir::is_float(asked))
    l.fail("softmax_precision asks for {}, which is no floating-point type", ir::user_name(asked));
  return asked == DType::f64 ? DType::f64 : compute;
}

void lower_attention(Lowering& l) {
  ir::Builder& b = l.b();
  Value *q = float_input(l, 0), *k = float_input(l, 1), *v = float_input(l, 2);
  const int rank = q->rank();
  l.expect_rank(q, 3, 4, "Q");
  l.expect_rank(k, rank, rank, "K");
  l.expect_rank(v, rank, rank, "V");
  if (rank == 3) {
    const int64_t heads = l.int_attribute("q_num_heads"), shared = l.int_attribute("kv_num_heads");
    if (heads < 1 || shared < 1) l.fail("q_num_heads and kv_num_heads are {} and {}", heads, shared);
    q = split_heads(l, q, heads, "Q");
    k = split_heads(l, k, shared, "K");
    v = split_heads(l, v, shared, "V");
  }
  Dim past = 0;
  const bool has_past = l.optional_input(4) != nullptr;
  if (has_past != (l.optional_input(5) != nullptr))
    l.fail("past_key and past_value must be given both or none");
  if (has_past) {
    Value *past_key = float_input(l, 4), *past_value = float_input(l, 5);
    l.expect_rank(past_key, 4, 4, "past_key");
    l.expect_rank(past_value, 4, 4, "past_value");
    past = past_key->shape[2];
    k = b.concat({past_key, k}, 2);
    v = b.concat({past_value, v}, 2);
  }
  if (l.wants_output(1)) l.output(1, k);
  if (l.wants_output(2)) l.output(2, v);

  const DType compute = ir::compute_type(q->type);
  const Expr scale = attention_scale(l, q->shape[3], compute);
  Value* scores =
      b.map1(attention_scores(l, q, b.cast(k, q->type), compute), [&](const Expr& e) { return e * scale; });
  const int64_t wanted = l.int_attribute("qk_matmul_output_mode", 0);
  if (wanted < 0 || wanted > 3) l.fail("qk_matmul_output_mode is {}, expected 0..3", wanted);
  const auto show = [&](int64_t mode, Value* value) {
    if (mode == wanted && l.wants_output(3)) l.output(3, b.cast(value, q->type));
  };
  show(0, scores);
  const double cap = l.float_attribute("softcap", 0);
  if (cap < 0) l.fail("softcap is {}, but must not be negative", cap);
  if (cap > 0) scores = b.map1(scores, [&](const Expr& e) { return ir::unary(ExprOp::tanh, e / cap) * cap; });
  show(1, scores);
  const Mask mask = mask_of(l, scores->shape, past, has_past);
  scores = b.tabulate(compute, scores->shape, [&](ir::Body& body, Indices i) {
    return masked(body, mask, scores->shape, i, body.at(scores, {i.begin(), i.end()}));
  });
  show(2, scores);
  Value* probabilities = softmax(l, b.cast(scores, softmax_type(l, compute)), {3}, compute);
  show(3, probabilities);
  Value* y = b.cast(attention_result(l, probabilities, b.cast(v, compute), compute), q->type);
  l.output(0, rank == 3 ? join_heads(l, y) : y);
}
const RegisterOperator attention({.name = "Attention", .versions = {23, 24}, .lower = lower_attention});

}  // namespace
}  // namespace o2w::onnx_frontend
