#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Shape;

Expr size_as(DType type, const Dim& size) {
  if (auto known = size.constant()) {
    if (type == DType::index) return Expr(*known);
    return ir::is_float(type) ? ir::literal_of(type, static_cast<double>(*known))
                              : ir::literal_int(type, *known);
  }
  return ir::cast(type, Expr(size));
}

Expr size_ratio(const Dim& numerator, const Dim& denominator) {
  auto a = numerator.constant(), b = denominator.constant();
  if (a && b) return ir::literal_of(DType::f32, static_cast<float>(*a) / static_cast<float>(*b));
  return size_as(DType::f32, numerator) / size_as(DType::f32, denominator);
}

std::vector<int> axis_range(int first, int last) {
  std::vector<int> axes;
  for (int axis = first; axis < last; ++axis) axes.push_back(axis);
  return axes;
}

Shape with_ones(Shape shape, const std::vector<int>& axes) {
  for (int axis : axes) shape[static_cast<std::size_t>(axis)] = 1;
  return shape;
}

Shape leading(const Shape& shape, int count) { return Shape(shape.begin(), shape.begin() + count); }

Shape trailing(const Shape& shape, int first) { return Shape(shape.begin() + first, shape.end()); }

Dim count_along(const Shape& shape, const std::vector<int>& axes) {
  Dim count = 1;
  for (int axis : axes) count *= shape[static_cast<std::size_t>(axis)];
  return count;
}

void require_equal(Lowering& l, const Dim& a, const Dim& b, const std::string& what) {
  if (ir::provably_equal(a, b)) return;
  l.b().require(ir::Require::Relation::equal, a, b,
                fmt::format("{}: {} and {} must be equal", what, a.to_string(), b.to_string()));
}

Dim divide_exactly(Lowering& l, const Dim& size, const Dim& divisor, const std::string& what) {
  if (divisor.is(0)) l.fail("{} is 0", what);
  if (auto quotient = size.exact_div(divisor)) return *quotient;
  l.b().require(ir::Require::Relation::equal, ir::mod(size, divisor), 0,
                fmt::format("{}: {} must divide {}", what, divisor.to_string(), size.to_string()));
  return ir::floordiv(size, divisor);
}

Expr vector_or_scalar_at(ir::Body& body, ir::Value* value, const Expr& position) {
  std::vector<Expr> indices(value->shape.size(), Expr(0));
  if (value->rank() == 1 && !value->shape[0].is(1))
    indices[0] = ir::broadcast_index(position, value->shape[0]);
  return body.at(value, std::move(indices));
}

}  // namespace o2w::onnx_frontend
