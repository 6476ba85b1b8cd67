#include "frontends/onnx/ops/ml/coupling.h"

#include <utility>

#include "frontends/onnx/ops/ml/scores.h"

namespace o2w::onnx_frontend::ml {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;
using Indices = ir::Builder::Indices;

namespace {

Expr position(const Expr& e) { return ir::cast(DType::index, e); }

// r [rows, classes, classes]: the chance of the first class in its pair with the second; zero on the
// diagonal.
Value* pairwise_chances(Lowering& l, Value* scores, int64_t classes, const std::vector<double>& a,
                        const std::vector<double>& b) {
  std::vector<int64_t> pair_of(static_cast<std::size_t>(classes * classes), 0);
  int64_t pair = 0;
  for (int64_t i = 0; i < classes; ++i) {
    for (int64_t j = i + 1; j < classes; ++j, ++pair) {
      pair_of[static_cast<std::size_t>(i * classes + j)] =
          pair_of[static_cast<std::size_t>(j * classes + i)] = pair;
    }
  }
  Value* pairs = constant_integers(l, DType::i32, pair_of);
  Value* slopes = constant_numbers(l, DType::f32, {pair}, a);
  Value* shifts = constant_numbers(l, DType::f32, {pair}, b);
  const ir::Shape shape = {scores->shape[0], classes, classes};
  return l.b().tabulate(DType::f32, shape, [&](ir::Body& body, Indices i) {
    const Expr p = position(body.at(pairs, {i[1] * classes + i[2]}));
    const Expr score = body.at(scores, {i[0], p}) * body.at(slopes, {p}) + body.at(shifts, {p});
    constexpr double least = 1e-7F;
    const Expr chance = ir::min(ir::max(Expr(1.0) - ir::unary(ExprOp::sigmoid, score), least), 1.0F - 1e-7F);
    const Expr either = ir::select(ir::lt(i[1], i[2]), chance, Expr(1.0) - chance);
    return ir::select(ir::eq(i[1], i[2]), Expr(0.0), either);
  });
}

// The quadratic form that the chances minimise.
Value* quadratic_form(Lowering& l, Value* r, int64_t classes) {
  Value* diagonal = l.b().reduce(Combiner::sum, DType::f32, {r->shape[0], classes}, {classes},
                                 [&](ir::Body& body, Indices i) {
                                   const Expr e = body.at(r, {i[0], i[2], i[1]});
                                   return e * e;
                                 });
  return l.b().tabulate(DType::f32, r->shape, [&](ir::Body& body, Indices i) {
    const Expr off = -(body.at(r, {i[0], i[2], i[1]}) * body.at(r, {i[0], i[1], i[2]}));
    return ir::select(ir::eq(i[1], i[2]), body.at(diagonal, {i[0], i[1]}), off);
  });
}

// Carried through a round: the chances p [rows, classes], Qp [rows, classes] and pQp [rows].
struct State {
  Value *p, *qp, *pqp;
};

// One after the other, every class's chance is set to the best one given the others', and all are scaled to
// sum 1.
State round_of_classes(Lowering& l, Value* q, const State& start, int64_t classes) {
  ir::Builder& b = l.b();
  auto body = std::make_unique<ir::Region>();
  Value* iteration = b.graph().new_value(DType::i64, {});
  const State now = {b.graph().new_value(DType::f32, start.p->shape),
                     b.graph().new_value(DType::f32, start.p->shape),
                     b.graph().new_value(DType::f32, start.pqp->shape)};
  body->parameters = {iteration, now.p, now.qp, now.pqp};
  ir::Region* outer = b.enter(body.get());
  const auto at_class = [&](ir::Body& e, Value* value, const Expr& row) {
    return e.at(value, {row, position(e.at(iteration, {}))});
  };
  const auto diagonal = [&](ir::Body& e, const Expr& row) {
    const Expr t = position(e.at(iteration, {}));
    return e.at(q, {row, t, t});
  };
  Value* step = b.tabulate(DType::f32, start.pqp->shape, [&](ir::Body& e, Indices i) {
    return (e.at(now.pqp, {i[0]}) - at_class(e, now.qp, i[0])) / diagonal(e, i[0]);
  });
  Value* pqp = b.tabulate(DType::f32, start.pqp->shape, [&](ir::Body& e, Indices i) {
    const Expr d = e.at(step, {i[0]}), scale = d + 1.0;
    const Expr sum = e.at(now.pqp, {i[0]}) + d * (d * diagonal(e, i[0]) + at_class(e, now.qp, i[0]) * 2.0);
    return sum / scale / scale;
  });
  Value* qp = b.tabulate(DType::f32, start.p->shape, [&](ir::Body& e, Indices i) {
    const Expr d = e.at(step, {i[0]});
    const Expr column = e.at(q, {i[0], position(e.at(iteration, {})), i[1]});
    return (e.at(now.qp, {i[0], i[1]}) + d * column) / (d + 1.0);
  });
  Value* p = b.tabulate(DType::f32, start.p->shape, [&](ir::Body& e, Indices i) {
    const Expr d = e.at(step, {i[0]});
    const Expr own = ir::select(ir::eq(i[1], position(e.at(iteration, {}))), d, Expr(0.0));
    return (e.at(now.p, {i[0], i[1]}) + own) / (d + 1.0);
  });
  body->results = {p, qp, pqp};
  b.enter(outer);
  ir::Loop loop;
  loop.trip_count = classes;
  loop.carried = 3;
  loop.body = std::move(body);
  const State end = {b.graph().new_value(DType::f32, start.p->shape),
                     b.graph().new_value(DType::f32, start.p->shape),
                     b.graph().new_value(DType::f32, start.pqp->shape)};
  b.append(std::move(loop), {start.p, start.qp, start.pqp}, {end.p, end.qp, end.pqp});
  return end;
}

}  // namespace

Value* coupled_chances(Lowering& l, Value* scores, int64_t classes, const std::vector<double>& a,
                       const std::vector<double>& b_of_pairs) {
  ir::Builder& b = l.b();
  constexpr int64_t most_rounds = 100;
  const Dim rows = scores->shape[0];
  Value* q = quadratic_form(l, pairwise_chances(l, scores, classes, a, b_of_pairs), classes);
  Value* start = b.tabulate(DType::f32, {rows, classes}, [&](ir::Body&, Indices) {
    return ir::literal_float(DType::f32, 1.0F / static_cast<float>(classes));
  });
  Value* go = b.constant(ir::Tensor::scalar(DType::boolean, 1));

  auto body = std::make_unique<ir::Region>();
  Value* iteration = b.graph().new_value(DType::i64, {});
  Value* p = b.graph().new_value(DType::f32, start->shape);
  body->parameters = {iteration, p};
  ir::Region* outer = b.enter(body.get());
  Value* qp = b.reduce(Combiner::sum, DType::f32, start->shape, {classes}, [&](ir::Body& e, Indices i) {
    return e.at(q, {i[0], i[1], i[2]}) * e.at(p, {i[0], i[2]});
  });
  Value* pqp = b.reduce(Combiner::sum, DType::f32, {rows}, {classes}, [&](ir::Body& e, Indices i) {
    return e.at(p, {i[0], i[1]}) * e.at(qp, {i[0], i[1]});
  });
  Value* error = b.reduce(Combiner::max, DType::f32, {rows}, {classes}, [&](ir::Body& e, Indices i) {
    return ir::unary(ExprOp::abs, e.at(qp, {i[0], i[1]}) - e.at(pqp, {i[0]}));
  });
  const State next = round_of_classes(l, q, {p, qp, pqp}, classes);
  // Rows that have converged keep their chances while the others go on.
  const double bound = 0.005F / static_cast<float>(classes);
  Value* kept = b.tabulate(DType::f32, start->shape, [&](ir::Body& e, Indices i) {
    return ir::select(ir::lt(e.at(error, {i[0]}), bound), e.at(p, {i[0], i[1]}), e.at(next.p, {i[0], i[1]}));
  });
  Value* any_left = b.reduce(Combiner::logical_or, DType::boolean, {}, {rows},
                             [&](ir::Body& e, Indices i) { return !ir::lt(e.at(error, {i[0]}), bound); });
  body->results = {any_left, kept};
  b.enter(outer);
  ir::Loop loop;
  loop.trip_count = most_rounds;
  loop.has_condition = true;
  loop.carried = 1;
  loop.body = std::move(body);
  Value* chances = b.graph().new_value(DType::f32, start->shape);
  b.append(std::move(loop), {go, start}, {chances});
  return chances;
}

}  // namespace o2w::onnx_frontend::ml
