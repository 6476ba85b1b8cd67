#include "frontends/onnx/ops/quantization/parameters.h"

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::Value;

Range quantized_range(DType type) {
  switch (type) {
    case DType::i2:
      return {-2, 1};
    case DType::u2:
      return {0, 3};
    case DType::i4:
      return {-8, 7};
    case DType::u4:
      return {0, 15};
    case DType::i8:
      return {-128, 127};
    case DType::u8:
      return {0, 255};
    case DType::i16:
      return {-32768, 32767};
    case DType::u16:
      return {0, 65535};
    case DType::i32:
      return {-2147483648.0, 2147483647.0};
    case DType::f8e4m3fn:
      return {-448, 448};
    case DType::f8e4m3fnuz:
      return {-240, 240};
    case DType::f8e5m2:
    case DType::f8e5m2fnuz:
      return {-57344, 57344};
    case DType::f4e2m1:
      return {-6, 6};
    default:
      fail_model("{} is not a type that tensors are quantized to", ir::user_name(type));
  }
}

Expr quantize(const Expr& x, const Expr& zero_point, DType type) {
  const Range range = quantized_range(type);
  // Narrow floats round when they are stored.
  Expr y = ir::is_float(type) ? x : ir::unary(ir::ExprOp::round_even, x);
  if (zero_point) y = y + ir::cast(x->type, zero_point);
  y = min(max(y, range.low), range.high);
  return ir::is_float(type) ? y : ir::cast(ir::compute_type(type), y);
}

Value* subtract_zero_point(Lowering& l, Value* x, Value* zero_point, int axis) {
  if (!ir::is_integer(x->type))
    l.fail("a quantized operand is of type {}, expected an integer type", ir::user_name(x->type));
  if (zero_point == nullptr) return l.b().cast(x, DType::i32);
  if (zero_point->rank() == 1 && !zero_point->shape[0].is(1)) {
    l.b().require(
        ir::Require::Relation::broadcastable, zero_point->shape[0], x->shape[static_cast<std::size_t>(axis)],
        fmt::format("the zero point has {} entries, expected one or {}", zero_point->shape[0].to_string(),
                    x->shape[static_cast<std::size_t>(axis)].to_string()));
  }
  return l.b().tabulate(DType::i32, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr zero = zero_point->rank() == x->rank() && x->rank() > 1
                    ? body.at(zero_point, ir::Builder::broadcast_read(zero_point, x->shape, i))
                    : vector_or_scalar_at(body, zero_point, i[static_cast<std::size_t>(axis)]);
    return ir::cast(DType::i32, body.at(x, {i.begin(), i.end()})) - ir::cast(DType::i32, zero);
  });
}

}  // namespace o2w::onnx_frontend
