// com.microsoft.Inverse: Gauss-Jordan elimination with partial pivoting, a column per iteration of a loop.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;
using Indices = ir::Builder::Indices;

Expr position(const Expr& e) { return ir::cast(DType::index, e); }

// One step on a [batch, n, 2n], the matrices with what is to become their inverses beside them: column k
// becomes that of the unit matrix.
Value* eliminate_column(Lowering& l, Value* a, Value* iteration) {
  ir::Builder& b = l.b();
  const Dim batch = a->shape[0], n = a->shape[1];
  // The row with the largest element of the column, of those not yet used.
  Value* pivot_row =
      b.reduce(ir::Combiner::arg_max, DType::i64, {batch}, {n}, [&](ir::Body& body, Indices i) {
        const Expr k = position(body.at(iteration, {}));
        return ir::select(ir::ge(i[1], k), ir::unary(ExprOp::abs, body.at(a, {i[0], i[1], k})), -1.0);
      });
  return b.tabulate(a->type, a->shape, [&](ir::Body& body, Indices i) {
    const Expr k = position(body.at(iteration, {}));
    // The bound only matters where there is no matrix at all.
    const Expr row = ir::checked_index(position(body.at(pivot_row, {i[0]})), n);
    const Expr pivot = body.at(a, {i[0], row, i[2]}) / body.at(a, {i[0], row, k});
    // Rows k and `row` change places.
    const Expr source = ir::select(ir::eq(i[1], row), k, i[1]);
    const Expr other = body.at(a, {i[0], source, i[2]}) - body.at(a, {i[0], source, k}) * pivot;
    return ir::select(ir::eq(i[1], k), pivot, other);
  });
}

void lower_inverse(Lowering& l) {
  ir::Builder& b = l.b();
  Value* x = l.input(0);
  if (x->rank() < 2) l.fail("the input must have rank 2 or more, but has shape {}", ir::to_string(x->shape));
  const Dim n = x->shape.back();
  require_equal(l, x->shape[x->shape.size() - 2], n, "rows and columns of the matrices");
  const Dim batch = ir::element_count(leading(x->shape, x->rank() - 2));
  const DType type = ir::compute_type(x->type);
  Value* matrices = b.view(b.cast(x, type), {batch, n, n});
  Value* start = b.tabulate(type, {batch, n, n * 2}, [&](ir::Body& body, Indices i) {
    const Expr unit =
        ir::select(ir::eq(i[1] + Expr(n), i[2]), literal_number(type, 1), literal_number(type, 0));
    return ir::select(ir::lt(i[2], n), body.at(matrices, {i[0], i[1], ir::min(i[2], Expr(n) - 1)}), unit);
  });

  auto body = std::make_unique<ir::Region>();
  Value* iteration = b.graph().new_value(DType::i64, {});
  Value* a = b.graph().new_value(type, start->shape);
  body->parameters = {iteration, a};
  ir::Region* outer = b.enter(body.get());
  body->results = {eliminate_column(l, a, iteration)};
  b.enter(outer);
  ir::Loop loop;
  loop.trip_count = n;
  loop.carried = 1;
  loop.body = std::move(body);
  Value* reduced = b.graph().new_value(type, start->shape);
  b.append(std::move(loop), {start}, {reduced});

  Value* inverse = b.tabulate(x->type, {batch, n, n}, [&](ir::Body& e, Indices i) {
    return e.at(reduced, {i[0], i[1], i[2] + Expr(n)});
  });
  l.output(0, b.view(inverse, x->shape));
}
const RegisterOperator inverse({.domain = "com.microsoft",
                                .name = "Inverse",
                                .versions = {1},
                                .types = {{"T", {DType::f16, DType::f32, DType::f64}}},
                                .lower = lower_inverse});

}  // namespace
}  // namespace o2w::onnx_frontend
