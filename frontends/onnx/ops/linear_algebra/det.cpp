// Det: Gaussian elimination with partial pivoting, a column per iteration of a loop.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using Indices = ir::Builder::Indices;

Expr position(const Expr& e) { return ir::cast(DType::index, e); }

void lower_det(Lowering& l) {
  ir::Builder& b = l.b();
  ir::Value* x = l.input(0);
  const auto rank = x->shape.size();
  if (rank < 2) l.fail("input 0 must have rank 2 or more, but has shape {}", ir::to_string(x->shape));
  const Dim n = x->shape[rank - 1];
  b.require(ir::Require::Relation::equal, x->shape[rank - 2], n, "the matrices must be square");
  const ir::Shape batch_shape(x->shape.begin(), x->shape.end() - 2);
  const Dim batch = ir::element_count(batch_shape);
  const DType type = ir::compute_type(x->type);
  ir::Value* start = b.view(b.cast(x, type), {batch, n, n});
  ir::Value* one = b.tabulate(type, {batch}, [&](ir::Body&, Indices) { return literal_number(type, 1); });

  auto body = std::make_unique<ir::Region>();
  ir::Value* iteration = b.graph().new_value(DType::i64, {});
  ir::Value* a = b.graph().new_value(type, {batch, n, n});
  ir::Value* product = b.graph().new_value(type, {batch});
  body->parameters = {iteration, a, product};
  ir::Region* outer = b.enter(body.get());
  // The row with the largest element of column k, of those not yet used.
  ir::Value* pivot_row =
      b.reduce(ir::Combiner::arg_max, DType::i64, {batch}, {n}, [&](ir::Body& e, Indices i) {
        const Expr k = position(e.at(iteration, {}));
        return ir::select(ir::ge(i[1], k), ir::unary(ExprOp::abs, e.at(a, {i[0], i[1], k})), -1.0);
      });
  const auto pivot_of = [&](ir::Body& e, const Expr& m) {
    // The bound only matters where there is no matrix at all.
    return ir::checked_index(position(e.at(pivot_row, {m})), n);
  };
  ir::Value* next_product = b.tabulate(type, {batch}, [&](ir::Body& e, Indices i) {
    const Expr k = position(e.at(iteration, {})), row = pivot_of(e, i[0]);
    const Expr factor = e.at(product, {i[0]}) * e.at(a, {i[0], row, k});
    return ir::select(ir::eq(row, k), factor, -factor);
  });
  ir::Value* next_a = b.tabulate(type, {batch, n, n}, [&](ir::Body& e, Indices i) {
    const Expr k = position(e.at(iteration, {})), row = pivot_of(e, i[0]);
    // Rows k and `row` change places; rows behind k lose their element in column k.
    const Expr source = ir::select(ir::eq(i[1], k), row, ir::select(ir::eq(i[1], row), k, i[1]));
    const Expr element = e.at(a, {i[0], source, i[2]});
    const Expr pivot = e.at(a, {i[0], row, k});
    const Expr scale = e.at(a, {i[0], source, k}) / pivot;
    const Expr eliminated = element - scale * e.at(a, {i[0], row, i[2]});
    return ir::select(ir::gt(i[1], k) && ir::ne(pivot, 0.0), eliminated, element);
  });
  body->results = {next_a, next_product};
  b.enter(outer);

  ir::Loop loop;
  loop.trip_count = n;
  loop.carried = 2;
  loop.body = std::move(body);
  ir::Value* reduced = b.graph().new_value(type, {batch, n, n});
  ir::Value* result = b.graph().new_value(type, {batch});
  b.append(std::move(loop), {start, one}, {reduced, result});
  l.output(0, b.cast(b.view(result, batch_shape), x->type));
}
const RegisterOperator det(
    {.name = "Det", .versions = {11, 22}, .types = {{"T", kFloats}}, .lower = lower_det});

}  // namespace
}  // namespace o2w::onnx_frontend
