// com.microsoft.GroupQueryAttention: causal attention of decoders, with a state of keys and values whose
// length differs between the batches. All that differs is a condition on indices; shapes are the longest's.
#include "frontends/onnx/operator.h"
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

Expr to_index(const Expr& e) { return ir::cast(DType::index, e); }

// What the lowering knows of sizes. `longest` is the input total_sequence_length: the keys of the batch that
// has most. A run with as many new positions as that is the first one, whatever the state holds.
struct Lengths {
  Dim queries, fresh, longest, past, present;
  Value* total = nullptr;   // [batch], index: keys of each batch after this run
  Value* before = nullptr;  // [batch], index: those that precede the queries
  Value* kept = nullptr;    // [batch], index: those taken from the past
  Expr is_first() const { return eq(Expr(queries), Expr(longest)); }
};

// Small tensors, computed once, so that nothing that can fail is in the loops over keys.
Lengths lengths_of(Lowering& l, const Dim& batch, const Dim& queries, const Dim& fresh, Value* past) {
  ir::Builder& b = l.b();
  Value* last = l.input(5);
  // [batch], [batch, 1]: any shape with an entry per batch.
  require_equal(l, ir::element_count(last->shape), batch, "entries of seqlens_k and the batch");
  last = b.view(last, {batch});
  Lengths n;
  n.queries = queries;
  n.fresh = fresh;
  n.longest = sizes_input(l, 6, 1, "total_sequence_length").front();
  n.past = past == nullptr ? Dim(0) : past->shape[2];
  n.present = ir::max(n.longest, n.past);
  n.total = b.tabulate(DType::i32, {batch}, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr position = to_index(body.at(last, {i[0]}));
    // A negative one must not count from the end: it is out of range too.
    const Expr checked = select(lt(position, 0), Expr(n.present), position);
    return ir::cast(DType::i32, ir::checked_index(checked, n.present) + 1);
  });
  const bool has_past = past != nullptr;
  n.before = b.tabulate(DType::i32, {batch}, [&](ir::Body& body, ir::Builder::Indices i) {
    if (!has_past) return ir::cast(DType::i32, Expr(0));
    const Expr old = max(to_index(body.at(n.total, {i[0]})) - Expr(queries), 0);
    return ir::cast(DType::i32, select(n.is_first(), Expr(0), old));
  });
  n.kept = b.tabulate(DType::i32, {batch}, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr before = to_index(body.at(n.before, {i[0]}));
    // Without new keys all of this batch's are in the past.
    const Expr kept = ir::provably_different(fresh, 0) || ir::provably_equal(fresh, queries)
                          ? before
                          : select(eq(Expr(fresh), 0), to_index(body.at(n.total, {i[0]})), before);
    return ir::cast(DType::i32, min(kept, Expr(n.past)));
  });
  return n;
}

// The state after this run: what is kept of the past, the new positions behind it, then zeros.
Value* present_of(Lowering& l, Value* past, const Heads& fresh, const Lengths& n) {
  Value* added = heads_first(l, fresh);
  const Shape shape = {added->shape[0], added->shape[1], n.present, added->shape[3]};
  const DType type = ir::compute_type(added->type);
  return l.b().tabulate(added->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr place = i[2] - to_index(body.at(n.kept, {i[0]}));
    const Expr fresh_one = select(lt(place, Expr(n.fresh)), body.at(added, {i[0], i[1], max(place, 0), i[3]}),
                                  ir::literal_of(type, 0));
    if (past == nullptr) return fresh_one;
    return select(lt(place, 0), body.at(past, {i[0], i[1], i[2], i[3]}), fresh_one);
  });
}

// Positions of the queries for the rotation, [batch, positions].
Value* positions_of(Lowering& l, const Lengths& n, const Dim& batch) {
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
      return ir::cast(DType::i64, to_index(body.at(n.before, {i[0]})) + i[1]);
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

void reject_unsupported(Lowering& l) {
  if (l.optional_input(14) != nullptr || l.optional_input(15) != nullptr) {
    l.fail("q_norm_weight and k_norm_weight are not supported (nor by ONNX Runtime on a CPU)");
  }
  for (const char* name : {"k_quant_type", "v_quant_type"}) {
    const std::string type = l.string_attribute(name, "NONE");
    if (type != "NONE") l.fail("attribute {} is '{}': a quantized state is not supported", name, type);
  }
  if (l.int_attribute("sliding_window_cache", 0) != 0) {
    l.fail("attribute sliding_window_cache is set: a state that forgets is not supported");
  }
}

void lower(Lowering& l) {
  reject_unsupported(l);
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
  for (Value* past : {past_key, past_value}) {
    if (past == nullptr) continue;
    l.expect_rank(past, 4, 4, "the past keys or values");
    same(past->shape[0], in.q.batch(), "batch of the past and of the query");
    same(past->shape[1], groups, "heads of the past and kv_num_heads");
    same(past->shape[2], past_key->shape[2], "positions of past_key and past_value");
    same(past->shape[3], in.q.size(), "head sizes of the past and of the query");
  }
  const Dim queries = in.q.positions();
  if (!ir::provably_less_equal(in.k.positions(), queries)) {
    b.require(Relation::less_equal, in.k.positions(), queries,
              "there must not be more new keys than queries");
  }
  const Lengths n = lengths_of(l, in.q.batch(), queries, in.k.positions(), past_key);

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

  Value* keys = present_of(l, past_key, in.k, n);
  Value* values = present_of(l, past_value, in.v, n);
  Attention a{.q = in.q, .k = {keys, true}, .v = {values, true}, .heads_first = false};
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
      // The state may be longer than the bias; keys that are seen are not.
      const Expr term = body.at(
          bias, {ir::broadcast_index(at.batch, bias->shape[0]), ir::broadcast_index(at.head, bias->shape[1]),
                 at.query, min(at.key, Expr(n.longest - 1))});
      return e + ir::cast(compute, term);
    };
  }
  const int64_t window = l.int_attribute("local_window_size", -1);
  const bool causal = l.int_attribute("causal", 1) != 0;
  a.visible = [=](ir::Body& body, const ScoreIndex& at) {
    const Expr total = to_index(body.at(n.total, {at.batch}));
    if (!causal) return lt(at.key, total);
    const Expr end = min(to_index(body.at(n.before, {at.batch})) + at.query + 1, total);
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
  l.output(1, keys);
  l.output(2, values);
  if (!l.wants_output(3)) return;
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
         "quantized and windowed states (k_quant_type, v_quant_type, sliding_window_cache) and norms of "
         "queries and keys are not supported",
     .types = {{"T", kFloats, inputs(0, 1, 2, 3, 4, 7, 8, 10, 11, 14, 15)},
               {"M", {DType::i32}, inputs(5, 6)},
               {"tensor(int64)", kInt64, inputs(9)},
               {"T_KV_SCALE", kFloat32, inputs(12, 13)}},
     .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
