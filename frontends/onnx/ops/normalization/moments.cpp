#include "frontends/onnx/ops/normalization/moments.h"

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::Value;

namespace {

Value* mean_of(Lowering& l, Value* x, const std::vector<int>& axes,
               const std::function<Expr(const Expr&)>& before) {
  Value* sum = l.b().reduce_axes(ir::Combiner::sum, x, axes, true, before);
  const Expr count = size_as(x->type, count_along(x->shape, axes));
  return l.b().map1(sum, [&](const Expr& e) { return e / count; });
}

}  // namespace

Moments moments(Lowering& l, Value* x, const std::vector<int>& axes) {
  Value* wide = l.b().cast(x, ir::compute_type(x->type));
  Moments m;
  m.mean = mean_of(l, wide, axes, nullptr);
  m.centered = l.b().map(wide->type, {wide, m.mean}, [](std::span<const Expr> e) { return e[0] - e[1]; });
  m.variance = mean_of(l, m.centered, axes, [](const Expr& e) { return e * e; });
  return m;
}

Value* mean_square(Lowering& l, Value* x, const std::vector<int>& axes) {
  return mean_of(l, l.b().cast(x, ir::compute_type(x->type)), axes, [](const Expr& e) { return e * e; });
}

Expr inverse_root(const Expr& x, double epsilon) { return 1.0 / ir::unary(ir::ExprOp::sqrt, x + epsilon); }

Value* scale_and_shift(Lowering& l, Value* normalized, Value* inverse_deviation, Value* scale, Value* shift,
                       DType type) {
  const DType compute = ir::compute_type(normalized->type);
  for (Value* operand : {scale, shift}) {
    if (operand == nullptr) continue;
    l.expect_rank(operand, 0, normalized->rank(), "scale or bias");
    const std::size_t offset = normalized->shape.size() - operand->shape.size();
    for (std::size_t d = 0; d < operand->shape.size(); ++d) {
      if (operand->shape[d].is(1)) continue;
      l.b().require(ir::Require::Relation::broadcastable, operand->shape[d], normalized->shape[offset + d],
                    fmt::format("scale or bias of shape {} does not broadcast to {}",
                                ir::to_string(operand->shape), ir::to_string(normalized->shape)));
    }
  }
  return l.b().tabulate(type, normalized->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto read = [&](Value* value) {
      return ir::cast(compute, body.at(value, ir::Builder::broadcast_read(value, normalized->shape, i)));
    };
    Expr y = body.at(normalized, {i.begin(), i.end()}) * read(inverse_deviation);
    if (scale != nullptr) y = y * read(scale);
    if (shift != nullptr) y = y + read(shift);
    return y;
  });
}

}  // namespace o2w::onnx_frontend
