#include "frontends/onnx/ops/attention/ms_attention.h"

#include <cmath>

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Shape;
using ir::Value;
using Relation = ir::Require::Relation;

namespace {

Expr read_index(ir::Body& body, Value* value, std::vector<Expr> at) {
  return ir::cast(DType::index, body.at(value, std::move(at)));
}

// Number of keys per batch, or their end and start.
ScoreTerm lengths_term(Lowering& l, Value* mask, const ScoreSizes& sizes, double filter, bool has_starts) {
  const Dim entries = mask->shape[0], both = sizes.batch * 2;
  const bool surely_starts = has_starts && ir::provably_equal(entries, both);
  const bool maybe_starts =
      has_starts && !ir::provably_equal(entries, sizes.batch) && !ir::provably_different(entries, both);
  if (!surely_starts && !ir::provably_less_equal(sizes.batch, entries)) {
    l.b().require(Relation::less_equal, sizes.batch, entries,
                  "a mask of key lengths must have an entry per batch");
  }
  return [=](ir::Body& body, const ScoreIndex& at) {
    Expr hidden = ge(at.key, read_index(body, mask, {at.batch}));
    if (maybe_starts) {
      const Expr before = lt(at.key, read_index(body, mask, {at.batch + Expr(sizes.batch)}));
      hidden =
          hidden ||
          (surely_starts ? before : select(eq(Expr(entries), Expr(both)), before, ir::literal_bool(false)));
    }
    return select(hidden, Expr(filter), 0.0);
  };
}

void expect_same_heads(Lowering& l, const Value* past, const Heads& fresh) {
  require_equal(l, past->shape[0], fresh.batch(), "batch of the past keys or values and of the input");
  require_equal(l, past->shape[1], fresh.heads(), "heads of the past keys or values and of the input");
  require_equal(l, past->shape[3], fresh.size(), "head size of the past keys or values and of the input");
}

}  // namespace

ScoreTerm mask_term(Lowering& l, Value* mask, const ScoreSizes& sizes, double filter, bool has_starts) {
  if (mask == nullptr) return nullptr;
  l.expect_rank(mask, 1, 4, "the mask");
  const Shape& shape = mask->shape;
  if (mask->rank() == 1) return lengths_term(l, mask, sizes, filter, has_starts);
  const auto hides = [mask, filter](ir::Body& body, std::vector<Expr> at) {
    return select(le(body.at(mask, std::move(at)), 0), Expr(filter), 0.0);
  };
  if (mask->rank() == 2) {
    // One column for all keys changes all scores alike, which softmax does not see.
    if (shape[1].is(1)) return nullptr;
    require_equal(l, shape[0], sizes.batch, "batch of the mask and of the input");
    l.b().require(Relation::broadcastable, shape[1], sizes.keys,
                  fmt::format("the mask {} must have a column per key", ir::to_string(shape)));
    const bool maybe_one = !ir::provably_equal(shape[1], sizes.keys) && !ir::provably_different(shape[1], 1);
    return [=](ir::Body& body, const ScoreIndex& at) {
      if (!maybe_one) return hides(body, {at.batch, at.key});
      return select(eq(Expr(shape[1]), 1), Expr(0.0), hides(body, {at.batch, at.key}));
    };
  }
  require_equal(l, shape[0], sizes.batch, "batch of the mask and of the input");
  if (mask->rank() == 3) {
    require_equal(l, shape[1], sizes.queries, "rows of the mask and queries");
    require_equal(l, shape[2], sizes.keys, "columns of the mask and keys");
    return [=](ir::Body& body, const ScoreIndex& at) { return hides(body, {at.batch, at.query, at.key}); };
  }
  require_equal(l, shape[1], 1, "second dimension of a mask of rank 4");
  for (const std::size_t d : {2, 3}) {
    if (!ir::provably_less_equal(sizes.keys, shape[d])) {
      l.b().require(Relation::less_equal, sizes.keys, shape[d],
                    "a mask of rank 4 must reach to the last key");
    }
  }
  return [=](ir::Body& body, const ScoreIndex& at) {
    return hides(body, {at.batch, Expr(0), at.query + Expr(sizes.past), at.key});
  };
}

ScoreTerm bias_term(Lowering& l, Value* bias, const ScoreSizes& sizes) {
  if (bias == nullptr) return nullptr;
  l.expect_rank(bias, 4, 4, "the bias of the scores");
  const auto broadcasts = [&](std::size_t d, const Dim& size) {
    l.b().require(Relation::broadcastable, bias->shape[d], size,
                  fmt::format("dimension {} of the bias of the scores {} must be 1 or {}", d,
                              ir::to_string(bias->shape), size.to_string()));
  };
  broadcasts(0, sizes.batch);
  broadcasts(1, sizes.heads);
  require_equal(l, bias->shape[2], sizes.queries, "rows of the bias of the scores and queries");
  require_equal(l, bias->shape[3], sizes.keys, "columns of the bias of the scores and keys");
  return [bias](ir::Body& body, const ScoreIndex& at) {
    return body.at(bias, {ir::broadcast_index(at.batch, bias->shape[0]),
                          ir::broadcast_index(at.head, bias->shape[1]), at.query, at.key});
  };
}

void apply_terms(Attention& a, const ScoreTerm& bias, const ScoreTerm& mask, bool causal,
                 const ScoreSizes& sizes) {
  const DType type = ir::compute_type(a.q.value->type);
  if (bias || mask) {
    a.logit = [=](ir::Body& body, const Expr& score, const ScoreIndex& at) {
      if (!mask) return score + ir::cast(type, bias(body, at));
      const Expr hidden = ir::cast(type, mask(body, at));
      return score + (bias ? ir::cast(type, bias(body, at)) + hidden : hidden);
    };
  }
  if (causal) {
    a.visible = [=](ir::Body&, const ScoreIndex& at) {
      const Expr up_to_own = le(at.key, at.query + Expr(sizes.past));
      // Where the last query's own key is the last one, this says it already.
      if (ir::provably_equal(sizes.queries + sizes.past, sizes.keys)) return up_to_own;
      return up_to_own || ge(at.query, Expr(sizes.queries - 1));
    };
  }
}

Value* heads_first(Lowering& l, const Heads& x) {
  return x.heads_first ? x.value : l.b().transpose(x.value, {0, 2, 1, 3});
}

Extended extend(Lowering& l, Value* past, const Heads& fresh, const Dim* used) {
  ir::Builder& b = l.b();
  if (past == nullptr) return {fresh, heads_first(l, fresh)};
  l.expect_rank(past, 4, 4, "the past keys or values");
  expect_same_heads(l, past, fresh);
  Value* added = heads_first(l, fresh);
  if (used == nullptr) {
    Value* all = b.concat({past, added}, 2);
    return {{all, true}, all};
  }
  const Dim capacity = past->shape[2], end = *used + fresh.positions();
  if (!ir::provably_less_equal(end, capacity)) {
    b.require(Relation::less_equal, end, capacity,
              "the past keys or values leave no room for those of this run");
  }
  Shape kept = past->shape;
  kept[2] = *used;
  Value* all = b.concat({b.slice(past, {0, 0, 0, 0}, {1, 1, 1, 1}, kept), added}, 2);
  Value* present = b.tabulate(past->type, past->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr is_new = ge(i[2], Expr(*used)) && lt(i[2], Expr(end));
    return select(is_new, body.at(added, {i[0], i[1], i[2] - Expr(*used), i[3]}),
                  body.at(past, {i[0], i[1], i[2], i[3]}));
  });
  return {{all, true}, present};
}

double scale_queries(Lowering& l, Heads& q) {
  const double given = l.float_attribute("scale", 0);
  if (given != 0) return given;
  if (const auto size = q.size().constant()) {
    return static_cast<double>(1.0F / std::sqrt(static_cast<float>(*size)));
  }
  const DType type = ir::compute_type(q.value->type);
  q.value = l.b().map(type, {q.value}, [&](std::span<const Expr> e) {
    return e[0] / ir::unary(ExprOp::sqrt, size_as(type, q.size()));
  });
  return 1;
}

}  // namespace o2w::onnx_frontend
