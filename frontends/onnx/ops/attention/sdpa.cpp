#include "frontends/onnx/ops/attention/sdpa.h"

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

namespace {

// Query heads as groups of `ratio` that share a key's head: h = g * ratio + r. Where each has its own, there
// is no r, and everything has one dimension less.
struct Grouping {
  Dim heads, groups, ratio;
  bool grouped() const { return !ratio.is(1); }
};

// Labels of a product: b batch, g group, r head within the group, then the position and what is in a head.
std::string labels_of(const Grouping& g, bool of_query, bool heads_first, char position, char inner) {
  const std::string head = of_query && g.grouped() ? "gr" : "g";
  const std::string text = heads_first ? "b" + head + position : std::string("b") + position + head;
  return text + inner;
}

// q with its heads in two dimensions; the memory stays as it is.
Value* by_group(Lowering& l, const Heads& q, const Grouping& g) {
  if (!g.grouped()) return q.value;
  ir::Shape shape = {q.batch()};
  if (!q.heads_first) shape.push_back(q.positions());
  shape.insert(shape.end(), {g.groups, g.ratio});
  if (q.heads_first) shape.push_back(q.positions());
  shape.push_back(q.size());
  return l.b().view(q.value, shape);
}

// Sizes that must agree; the more constant of both is what the other is seen as.
void same_sizes(Lowering& l, const Attention& a) {
  require_equal(l, a.q.batch(), a.k.batch(), "batch of query and key");
  require_equal(l, a.q.batch(), a.v.batch(), "batch of query and value");
  require_equal(l, a.k.heads(), a.v.heads(), "heads of key and value");
  require_equal(l, a.k.positions(), a.v.positions(), "sequence lengths of key and value");
  require_equal(l, a.q.size(), a.k.size(), "head sizes of query and key");
}

// softmax over the last of `x`'s dimensions, with a sink's logit in its sum.
Value* weights_of(Lowering& l, const Attention& a, Value* x, const Grouping& g) {
  ir::Builder& b = l.b();
  const DType type = x->type;
  const std::vector<int> last = {x->rank() - 1};
  const auto sink_at = [&](ir::Body& body, ir::Builder::Indices i) {
    return ir::cast(type, a.sink(body, g.grouped() ? i[1] * Expr(g.ratio) + i[2] : i[1]));
  };
  Value* largest = b.reduce_axes(ir::Combiner::max, x, last, true);
  if (a.sink) {
    largest = b.tabulate(type, largest->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      return max(body.at(largest, {i.begin(), i.end()}), sink_at(body, i));
    });
  }
  if (a.zero_where_nothing_visible) {
    // -inf - -inf would be NaN.
    largest = b.map1(largest, [&](const Expr& e) {
      return select(eq(e, ir::lowest_of(type)), ir::literal_of(type, 0), e);
    });
  }
  Value* powers =
      b.map(type, {x, largest}, [](std::span<const Expr> e) { return ir::unary(ExprOp::exp, e[0] - e[1]); });
  Value* sum = b.reduce_axes(ir::Combiner::sum, powers, last, true);
  if (a.sink) {
    sum = b.tabulate(type, sum->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const std::vector<Expr> row(i.begin(), i.end());
      return body.at(sum, row) + ir::unary(ExprOp::exp, sink_at(body, i) - body.at(largest, row));
    });
  }
  return b.map(type, {powers, sum}, [&](std::span<const Expr> e) {
    if (!a.zero_where_nothing_visible) return e[0] / e[1];
    return select(eq(e[1], ir::literal_of(type, 0)), ir::literal_of(type, 0), e[0] / e[1]);
  });
}

}  // namespace

Heads split_heads(Lowering& l, Value* x, const Dim& heads) {
  l.expect_rank(x, 3, 3, "a tensor of heads side by side");
  const Dim size = divide_exactly(l, x->shape[2], heads, "hidden size by number of heads");
  return {l.b().view(x, {x->shape[0], x->shape[1], heads, size}), false};
}

Attended attend(Lowering& l, const Attention& given) {
  ir::Builder& b = l.b();
  Attention a = given;
  for (const Heads* heads : {&a.q, &a.k, &a.v}) l.expect_rank(heads->value, 4, 4, "query, key or value");
  same_sizes(l, a);
  const DType type = ir::compute_type(a.q.value->type);
  for (Heads* heads : {&a.q, &a.k, &a.v}) heads->value = b.cast(heads->value, type);
  Grouping g{a.q.heads(), a.k.heads(), 1};
  if (!ir::provably_equal(g.heads, g.groups))
    g.ratio = divide_exactly(l, g.heads, g.groups, "query heads by key heads");

  Attended result;
  const Dim queries = a.q.positions(), keys = a.k.positions();
  const ir::Shape outside = {a.q.batch(), g.heads, queries, keys};
  const auto as_heads = [&](Value* x) { return g.grouped() ? b.view(x, outside) : x; };

  const std::string score_labels = labels_of(g, true, true, 's', 't');
  Value* x = b.einsum(by_group(l, a.q, g), a.k.value, labels_of(g, true, a.q.heads_first, 's', 'd'),
                      labels_of(g, false, a.k.heads_first, 't', 'd'), score_labels, type);
  if (a.scale != 1) {
    x = b.map1(x, [&](const Expr& e) { return e * a.scale; });
  }
  result.scores = as_heads(x);
  if (a.logit || a.visible) {
    x = b.tabulate(type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const std::size_t rank = i.size();
      const ScoreIndex at{i[0], g.grouped() ? i[1] * Expr(g.ratio) + i[2] : i[1], i[rank - 2], i[rank - 1]};
      Expr e = body.at(x, {i.begin(), i.end()});
      if (a.logit) e = ir::cast(type, a.logit(body, e, at));
      return a.visible ? select(a.visible(body, at), e, ir::lowest_of(type)) : e;
    });
  }
  const auto rework = [&](Value* value, const std::function<Value*(Value*)>& with) {
    return with ? b.view(b.cast(with(as_heads(value)), type), value->shape) : value;
  };
  x = rework(x, a.rework_logits);
  result.logits = as_heads(x);
  Value* weights = rework(weights_of(l, a, x, g), a.rework_weights);
  result.weights = as_heads(weights);
  Value* y = b.einsum(weights, a.v.value, score_labels, labels_of(g, false, a.v.heads_first, 't', 'e'),
                      labels_of(g, true, a.heads_first, 's', 'e'), type);
  result.y = !g.grouped()    ? y
             : a.heads_first ? b.view(y, {a.q.batch(), g.heads, queries, a.v.size()})
                             : b.view(y, {a.q.batch(), queries, g.heads, a.v.size()});
  return result;
}

}  // namespace o2w::onnx_frontend
