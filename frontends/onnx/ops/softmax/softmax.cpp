// Softmax, LogSoftmax, Hardmax. Before version 13 `axis` splits the dimensions into rows and one flattened
// row; since, it is one axis.
#include "frontends/onnx/ops/softmax/softmax.h"

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

Value* softmax(Lowering& l, Value* x, const std::vector<int>& axes, DType type) {
  ir::Builder& b = l.b();
  const DType compute = ir::compute_type(x->type);
  Value* largest = b.reduce_axes(ir::Combiner::max, x, axes, true);
  Value* powers = b.map(compute, {x, largest},
                        [](std::span<const Expr> e) { return ir::unary(ExprOp::exp, e[0] - e[1]); });
  Value* sum = b.reduce_axes(ir::Combiner::sum, powers, axes, true);
  return b.map(type, {powers, sum}, [](std::span<const Expr> e) { return e[0] / e[1]; });
}

Value* log_softmax(Lowering& l, Value* x, const std::vector<int>& axes, DType type) {
  ir::Builder& b = l.b();
  const DType compute = ir::compute_type(x->type);
  Value* largest = b.reduce_axes(ir::Combiner::max, x, axes, true);
  Value* shifted = b.map(compute, {x, largest}, [](std::span<const Expr> e) { return e[0] - e[1]; });
  Value* sum = b.reduce_axes(ir::Combiner::sum, shifted, axes, true,
                             [](const Expr& e) { return ir::unary(ExprOp::exp, e); });
  return b.map(type, {shifted, sum},
               [](std::span<const Expr> e) { return e[0] - ir::unary(ExprOp::log, e[1]); });
}

namespace {

std::vector<int> softmax_axes(Lowering& l, const Value* x) {
  if (l.version() >= 13) return {l.axis(l.int_attribute("axis", -1), x->rank())};
  // axis == rank is allowed by the flattening form: rows of one element.
  const int64_t given = l.int_attribute("axis", 1);
  const int first = given == x->rank() ? x->rank() : l.axis(given, x->rank());
  return axis_range(first, x->rank());
}

void lower_softmax(Lowering& l) {
  Value* x = l.input(0);
  l.output(0, softmax(l, x, softmax_axes(l, x), x->type));
}

void lower_log_softmax(Lowering& l) {
  Value* x = l.input(0);
  l.output(0, log_softmax(l, x, softmax_axes(l, x), x->type));
}

// 1 at the first largest element of each row.
void lower_hardmax(Lowering& l) {
  Value* x = l.input(0);
  const auto axes = softmax_axes(l, x);
  Value* best = l.b().reduce_axes(ir::Combiner::arg_max, x, axes, true);
  const DType compute = ir::compute_type(x->type);
  l.output(0, l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> row(i.begin(), i.end());
    Expr place = Expr(0);  // within the flattened row
    for (int axis : axes) {
      const auto k = static_cast<std::size_t>(axis);
      place = place * Expr(x->shape[k]) + i[k];
      row[k] = Expr(0);
    }
    const Expr hit = eq(ir::cast(DType::index, body.at(best, std::move(row))), place);
    return select(hit, ir::literal_of(compute, 1), ir::literal_of(compute, 0));
  }));
}

const RegisterOperator softmax_operator(
    {.name = "Softmax", .versions = {1, 11, 13}, .types = {{"T", kFloats}}, .lower = lower_softmax});
const RegisterOperator log_softmax_operator(
    {.name = "LogSoftmax", .versions = {1, 11, 13}, .types = {{"T", kFloats}}, .lower = lower_log_softmax});
const RegisterOperator hardmax(
    {.name = "Hardmax", .versions = {1, 11, 13}, .types = {{"T", kFloats}}, .lower = lower_hardmax});

}  // namespace
}  // namespace o2w::onnx_frontend
