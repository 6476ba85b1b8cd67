// com.microsoft.GroupQueryAttention: causal attention of decoders, with a state of keys and values whose
// length differs between the batches. All that differs is a condition on indices; shapes are the longest's.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/gqa_cache.h"
#include "frontends/onnx/ops/attention/ms_attention.h"
#include "frontends/onnx/ops/attention/rotary.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Shape;
using ir::Value;
using Relation = ir::Require::Relation;

// Positions of the queries for the rotation, [batch, positions].
Value* positions_of(Lowering& l, const CacheLengths& n, const Dim& batch) {
  ir::Builder& b = l.b();
  Value* given = l.optional_input(9);
  if (given != nullptr) {
    l.expect_rank(given, 2, 2, "position_ids");
    require_equal(l, given->shape[0], batch, "batch of position_ids and of the query");
    l.b().require(Relation::less_equal, n.queries, given->shape[1],
                  "position_ids must have an entry per position");
    given = b.view(given, {ir::element_count(given->shape)});
  }
  return b.tabulate(DType::i64, {batch, n.queries}, [&](ir::Body& body, ir::Builder::Indices i) {
    if (given == nullptr) {
      return ir::cast(DType::i64, CacheLengths::at(body, n.position, i[0]) + i[1]);
    }
    // In the first run only the first entry counts.
    const Expr counted = body.at(given, {Expr(0)}) + ir::cast(DType::i64, i[1]);
    return select(n.is_first(), counted, body.at(given, {i[0] * Expr(n.queries) + i[1]}));
  });
}

struct Inputs {
  Heads q, k, v;
};

Inputs heads_of(Lowering& l, const Dim& heads, const Dim& groups) {
  Value* query = l.input(0);
  Value* key = l.optional_input(1);
  Value* value = l.optional_input(2);
  l.expect_rank(query, 3, 3, "the query");
  if ((key == nullptr) != (value == nullptr))
    l.fail("key and value must be given together, or be packed into the query");
  if (key != nullptr) {
    l.expect_rank(key, 3, 3, "the key");
    l.expect_rank(value, 3, 3, "the value");
    return {split_heads(l, query, heads), split_heads(l, key, groups), split_heads(l, value, groups)};
  }
  const Heads all = split_heads(l, query, heads + groups * 2);
  const auto part = [&](const Dim& first, const Dim& count) {
    Shape shape = all.value->shape;
    shape[2] = count;
    return Heads{l.b().slice(all.value, {0, 0, first, 0}, {1, 1, 1, 1}, shape), false};
  };
  return {part(0, heads), part(heads, groups), part(heads + groups, groups)};
}

int64_t count_attribute(Lowering& l, const char* name) {
  const int64_t count = l.int_attribute(name);
  if (count < 1 || count > INT32_MAX) l.fail("attribute {} is {}, expected 1 or more", name, count);
  return count;
}

// How keys (scale input 12) or values (13) are stored.
CacheForm form_of(Lowering& l, const Dim& groups, const Dim& size, int scale_input) {
  const std::string type = l.string_attribute(scale_input == 12 ? "k_quant_type" : "v_quant_type", "NONE");
  if (type == "NONE") return {.size = size};
  if (type != "PER_TENSOR" && type != "PER_CHANNEL") {
    l.fail("the quantization of the state is '{}', expected NONE, PER_TENSOR or PER_CHANNEL", type);
  }
  const int64_t bits = l.int_attribute("kv_cache_bit_width", 0);
  if (bits != 8 && bits != 4) l.fail("attribute kv_cache_bit_width is {}, expected 8 or 4", bits);
  Value* scale = l.input(scale_input);
  const Dim entries = type == "PER_TENSOR" ? Dim(1) : groups * size;
  require_equal(l, ir::element_count(scale->shape), entries, "entries of a scale of the state");
  return {.bits = static_cast<int>(bits), .scale = l.b().view(scale, {entries}), .size = size};
}

void lower(Lowering& l) {
  if (l.optional_input(14) != nullptr || l.optional_input(15) != nullptr) {
    l.fail("q_norm_weight and k_norm_weight are not supported (nor by ONNX Runtime on a CPU)");
  }
  ir::Builder& b = l.b();
  const int64_t heads = count_attribute(l, "num_heads"), groups = count_attribute(l, "kv_num_heads");
  if (heads % groups != 0) l.fail("num_heads {} is not a multiple of kv_num_heads {}", heads, groups);
  Inputs in = heads_of(l, heads, groups);
  const DType type = in.q.value->type;
  Value* past_key = l.optional_input(3);
  Value* past_value = l.optional_input(4);
  if ((past_key == nullptr) != (past_value == nullptr))
    l.fail("past_key and past_value must be given together");
  const auto same = [&](const Dim& a, const Dim& c, const char* what) { require_equal(l, a, c, what); };
  const CacheForm key_form = form_of(l, groups, in.q.size(), 12),
                  value_form = form_of(l, groups, in.q.size(), 13);
  if (key_form.bits != value_form.bits) l.fail("keys and values must be quantized alike");
  const DType stored = !key_form.quantized() ? type : key_form.bits == 8 ? DType::i8 : DType::u8;
  for (Value* past : {past_key, past_value}) {
    if (past == nullptr) continue;
    l.expect_rank(past, 4, 4, "the past keys or values");
    same(past->shape[0], in.q.batch(), "batch of the past and of the query");
    same(past->shape[1], groups, "heads of the past and kv_num_heads");
    same(past->shape[2], past_key->shape[2], "positions of past_key and past_value");
    same(past->shape[3], key_form.bits == 4 ? ir::ceildiv(in.q.size(), 2) : in.q.size(),
         "head sizes of the past and of the query");
    if (past->type != stored) {
      l.fail("the past keys or values are {}, expected {}", ir::user_name(past->type), ir::user_name(stored));
    }
  }
  const int64_t window = l.int_attribute("local_window_size", -1);
  const bool forgets = l.int_attribute("sliding_window_cache", 0) != 0;
  if (forgets && (window < 1 || window > INT32_MAX || past_key == nullptr)) {
    l.fail("attribute sliding_window_cache needs local_window_size and past_key");
  }
  if (forgets) {
    b.require(Relation::less_equal, window, past_key->shape[2],
              "the state must hold as much as local_window_size");
  }
  const Dim queries = in.q.positions();
  if (!ir::provably_less_equal(in.k.positions(), queries)) {
    b.require(Relation::less_equal, in.k.positions(), queries,
              "there must not be more new keys than queries");
  }
  const CacheLengths n = cache_lengths(l, queries, in.k.positions(), past_key, window, forgets);

  if (l.int_attribute("do_rotary", 0) != 0) {
    Value* positions = positions_of(l, n, in.q.batch());
    const Rotation rotation{rows_at(l, l.input(7), positions), rows_at(l, l.input(8), positions),
                            l.int_attribute("rotary_interleaved", 0) != 0};
    in.q = rotate(l, in.q, rotation);
    // New keys are at the queries' positions, or there are none.
    const auto first_rows = [&](Value* angles) {
      Shape shape = angles->shape;
      shape[1] = in.k.positions();
      return b.slice(angles, {0, 0, 0}, {1, 1, 1}, shape);
    };
    in.k = rotate(l, in.k, {first_rows(rotation.cos), first_rows(rotation.sin), rotation.interleaved});
  }

  Value* keys = cache_rows(l, past_key, in.k, n, key_form);
  Value* values = cache_rows(l, past_value, in.v, n, value_form);
  Attention a{.q = in.q,
              .k = {cache_numbers(l, keys, key_form, type), true},
              .v = {cache_numbers(l, values, value_form, type), true},
              .heads_first = false};
  a.scale = scale_queries(l, a.q);

  const double cap = l.float_attribute("softcap", 0);
  Value* bias = l.optional_input(10);
  if (bias != nullptr) {
    l.expect_rank(bias, 4, 4, "the bias of the scores");
    b.require(Relation::broadcastable, bias->shape[0], in.q.batch(), "batch of the bias of the scores");
    b.require(Relation::broadcastable, bias->shape[1], heads, "heads of the bias of the scores");
    same(bias->shape[2], queries, "rows of the bias of the scores and queries");
    same(bias->shape[3], n.longest, "columns of the bias of the scores and total_sequence_length");
  }
  const DType compute = ir::compute_type(type);
  if (cap > 0 || bias != nullptr) {
    a.logit = [=](ir::Body& body, const Expr& score, const ScoreIndex& at) {
      Expr e = score;
      if (cap > 0) e = ir::unary(ExprOp::tanh, e / cap) * cap;
      if (bias == nullptr) return e;
      // Columns are positions in the text. The state may be longer than the bias; keys that are seen are not.
      Expr column = at.key;
      if (n.forgets) {
        column = column + CacheLengths::at(body, n.position, at.batch) -
                 CacheLengths::at(body, n.before, at.batch);
      }
      const Expr term = body.at(
          bias, {ir::broadcast_index(at.batch, bias->shape[0]), ir::broadcast_index(at.head, bias->shape[1]),
                 at.query, min(column, Expr(n.longest - 1))});
      return e + ir::cast(compute, term);
    };
  }
  const bool causal = l.int_attribute("causal", 1) != 0;
  a.visible = [=](ir::Body& body, const ScoreIndex& at) {
    const Expr all = n.end(body, at.batch);
    if (!causal) return lt(at.key, all);
    const Expr end = min(CacheLengths::at(body, n.before, at.batch) + at.query + 1, all);
    return window < 0 ? lt(at.key, end) : lt(at.key, end) && ge(at.key, end - Expr(window));
  };
  if (Value* sinks = l.optional_input(11)) {
    l.expect_rank(sinks, 1, 1, "head_sink");
    same(sinks->shape[0], heads, "entries of head_sink and num_heads");
    a.sink = [=](ir::Body& body, const Expr& head) { return body.at(sinks, {head}); };
  } else if (l.int_attribute("smooth_softmax", 0) != 0) {
    a.sink = [=](ir::Body&, const Expr&) { return ir::literal_of(compute, 0); };
  }

  const Attended result = attend(l, a);
  l.output(0, b.cast(b.view(result.y, {in.q.batch(), queries, in.q.size() * Dim(heads)}), type));
  l.output(1, cache_after(l, keys, n));
  l.output(2, cache_after(l, values, n));
  if (!l.wants_output(3)) return;
  if (forgets) l.fail("the scores are not given out with sliding_window_cache");
  // 1: before the softmax, with 0 where a key is not seen; 2: after it.
  const bool after = l.int_attribute("qk_output", 0) == 2;
  Value* source = after ? result.weights : result.logits;
  const Shape shape = {in.q.batch(), heads, queries, n.longest};
  l.output(3, b.tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr e = body.at(source, {i.begin(), i.end()});
    return after ? e : select(eq(e, ir::lowest_of(compute)), ir::literal_of(compute, 0), e);
  }));
}

const RegisterOperator group_query(
    {.domain = "com.microsoft",
     .name = "GroupQueryAttention",
     .versions = {1},
     .limits =
         "norms of queries and keys are not supported; with sliding_window_cache no scores are given out",
     .types = {{"T", kFloats, inputs(0, 1, 2, 7, 8, 10, 11, 14, 15)},
               {"T_CACHE", kFloats | kBytes, inputs(3, 4)},
               {"M", {DType::i32}, inputs(5, 6)},
               {"tensor(int64)", kInt64, inputs(9)},
               {"T_KV_SCALE", kFloat32, inputs(12, 13)}},
     .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
