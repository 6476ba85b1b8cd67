// Attention (23, 24): softmax(Q K^T * scale, capped, + mask) V, with a cache of keys and values before the
// new ones or, from version 24 on, a cache that is the input and of which each batch entry uses the first
// nonpad_kv_seqlen positions.
#include <cmath>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/sdpa.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

// attn_mask: bool (true takes part) or numbers to add, [.., queries, keys]; leading dimensions broadcast.
struct Mask {
  Value* value = nullptr;
  // Keys that the mask reaches; from version 24 on, it may be shorter than they are and excludes the others.
  bool may_be_short = false;

  bool is_short(const Dim& keys) const {
    return may_be_short && !ir::provably_equal(value->shape.back(), keys);
  }

  Expr at(ir::Body& body, const ScoreIndex& i) const {
    const std::vector<Expr> all = {i.batch, i.head, i.query, i.key};
    std::vector<Expr> indices;
    for (std::size_t d = 0; d < value->shape.size(); ++d) {
      const Expr& index = all[d + 4 - value->shape.size()];
      const bool key = d + 1 == value->shape.size();
      indices.push_back(key && may_be_short ? index : ir::broadcast_index(index, value->shape[d]));
    }
    return body.at(value, std::move(indices));
  }
};

Mask mask_of(Lowering& l, const ir::Shape& scores) {
  Mask mask;
  if (l.optional_input(3) == nullptr) return mask;
  mask.value = l.input(3);
  mask.may_be_short = l.version() >= 24;
  l.expect_rank(mask.value, 1, 4, "attn_mask");
  for (std::size_t d = 0; d < mask.value->shape.size(); ++d) {
    const Dim &size = mask.value->shape[d], &of_scores = scores[d + 4 - mask.value->shape.size()];
    const std::string message = fmt::format("attn_mask of shape {} does not fit scores of shape {}",
                                            ir::to_string(mask.value->shape), ir::to_string(scores));
    if (d + 1 == mask.value->shape.size() && mask.may_be_short) {
      l.b().require(ir::Require::Relation::less_equal, size, of_scores, message);
    } else if (!size.is(1)) {
      // One side of `broadcastable` is the scores', which must not be the one that is stretched.
      const Dim fits = ir::max(size, of_scores);
      l.b().require(ir::Require::Relation::broadcastable, size, of_scores, message);
      l.b().require(ir::Require::Relation::equal, fits, of_scores, message);
    }
  }
  return mask;
}

Heads heads_of(Lowering& l, int input, const char* number) {
  Value* x = l.input(input);
  l.expect_rank(x, 3, 4, "Q, K or V");
  if (x->rank() == 4) return {x, true};
  const int64_t heads = l.int_attribute(number);
  if (heads < 1) l.fail("{} is {}", number, heads);
  return split_heads(l, x, heads);
}

// The cache, then what is new: [batch, heads, positions, size].
Heads after_past(Lowering& l, int input, const Heads& heads) {
  Value* past = l.input(input);
  l.expect_rank(past, 4, 4, "past_key or past_value");
  Value* now = heads.heads_first ? heads.value : l.b().transpose(heads.value, {0, 2, 1, 3});
  return {l.b().concat({past, now}, 2), true};
}

void present(Lowering& l, int output, const Heads& heads) {
  if (!l.wants_output(output)) return;
  l.output(output, heads.heads_first ? heads.value : l.b().transpose(heads.value, {0, 2, 1, 3}));
}

void lower_attention(Lowering& l) {
  ir::Builder& b = l.b();
  const DType type = l.input(0)->type;
  const bool joined = l.input(0)->rank() == 3;
  Attention a;
  a.q = heads_of(l, 0, "q_num_heads");
  a.k = heads_of(l, 1, "kv_num_heads");
  a.v = heads_of(l, 2, "kv_num_heads");
  a.heads_first = !joined;
  Dim past = 0;
  const bool has_past = l.optional_input(4) != nullptr;
  if (has_past != (l.optional_input(5) != nullptr))
    l.fail("past_key and past_value must be given both or none");
  if (has_past) {
    past = l.input(4)->shape.at(2);
    a.k = after_past(l, 4, a.k);
    a.v = after_past(l, 5, a.v);
  }
  present(l, 1, a.k);
  present(l, 2, a.v);
  if (l.int_attribute("softmax_precision", 1) == 11) a.q.value = b.cast(a.q.value, DType::f64);

  // The scale is part of the product where it is known, else of the logits.
  Expr factor;
  if (l.has_attribute("scale")) {
    a.scale = l.float_attribute("scale");
  } else if (const auto size = a.q.size().constant()) {
    a.scale = 1 / std::sqrt(static_cast<double>(*size));
  } else {
    const DType compute = ir::compute_type(a.q.value->type);
    factor = ir::unary(ExprOp::reciprocal, ir::unary(ExprOp::sqrt, size_as(compute, a.q.size())));
  }
  const double cap = l.float_attribute("softcap", 0);
  if (cap < 0) l.fail("softcap is {}, but must not be negative", cap);
  const auto scaled = [=](const Expr& score) { return factor ? score * factor : score; };
  const auto capped = [=](const Expr& score) {
    return cap > 0 ? ir::unary(ExprOp::tanh, score / cap) * cap : score;
  };

  const Dim queries = a.q.positions(), keys = a.k.positions();
  const Mask mask = mask_of(l, {a.q.batch(), a.q.heads(), queries, keys});
  a.logit = [=](ir::Body& body, const Expr& score, const ScoreIndex& i) {
    const Expr e = capped(scaled(score));
    if (mask.value == nullptr || mask.value->type == DType::boolean) return e;
    Expr bias = ir::cast(e->type, mask.at(body, i));
    // Beyond the mask nothing is read: such keys are not visible.
    if (mask.is_short(keys))
      bias = ir::select(ir::lt(i.key, mask.value->shape.back()), bias, ir::literal_of(e->type, 0));
    return e + bias;
  };
  Value* lengths = l.optional_input(6);
  if (lengths != nullptr) {
    l.expect_rank(lengths, 1, 1, "nonpad_kv_seqlen");
    require_equal(l, lengths->shape[0], a.q.batch(), "size of nonpad_kv_seqlen and batch");
    if (has_past) l.fail("nonpad_kv_seqlen and past_key exclude each other");
  }
  const bool causal = l.int_attribute("is_causal", 0) != 0, masks = mask.value != nullptr;
  const bool selects = masks && mask.value->type == DType::boolean;
  if (causal || lengths != nullptr || selects || (masks && mask.is_short(keys))) {
    a.visible = [=](ir::Body& body, const ScoreIndex& i) {
      Expr sees = ir::literal_bool(true);
      const auto length = [&] { return ir::cast(DType::index, body.at(lengths, {i.batch})); };
      if (selects) sees = mask.at(body, i);
      if (masks && mask.is_short(keys)) {
        sees = ir::select(ir::lt(i.key, mask.value->shape.back()), sees, ir::literal_bool(false));
      }
      // A query sees keys up to its own position. With a cache that is the input, the queries are the last of
      // the positions in use.
      if (causal) {
        const Expr before = lengths != nullptr ? length() - Expr(queries) : Expr(past);
        sees = sees && ir::le(i.key, i.query + before);
      }
      if (lengths != nullptr) sees = sees && ir::lt(i.key, length());
      return sees;
    };
  }
  const Attended attended = attend(l, a);

  if (l.wants_output(3)) {
    const int64_t mode = l.int_attribute("qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3) l.fail("qk_matmul_output_mode is {}, expected 0..3", mode);
    Value* scores = mode == 3 ? attended.weights : mode == 2 ? attended.logits : attended.scores;
    l.output(3, b.map(type, {scores}, [&](std::span<const Expr> e) {
      return mode == 0 ? scaled(e[0]) : mode == 1 ? capped(scaled(e[0])) : e[0];
    }));
  }
  Value* y = b.cast(attended.y, type);
  l.output(0, joined ? b.view(y, {y->shape[0], y->shape[1], y->shape[2] * y->shape[3]}) : y);
}
const RegisterOperator attention({.name = "Attention",
                                  .versions = {23, 24},
                                  .types = {{"T1", kFloats, inputs(0, 1, 4)},
                                            {"T2", kFloats, inputs(2, 5)},
                                            {"U", kNumeric | kBool, inputs(3)},
                                            {"tensor(int64)", kInt64, inputs(6)}},
                                  .lower = lower_attention});

}  // namespace
}  // namespace o2w::onnx_frontend
