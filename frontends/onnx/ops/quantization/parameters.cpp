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

Expr dequantize(const Expr& x, const Expr& zero_point, const Expr& scale) {
  Expr difference = ir::cast(DType::i32, x);
  if (zero_point) difference = difference - ir::cast(DType::i32, zero_point);
  return ir::cast(DType::f32, difference) * scale;
}

namespace {

Value* expect_one(Lowering& l, Value* parameter, const char* what) {
  if (parameter == nullptr) return nullptr;
  l.expect_rank(parameter, 0, 1, what);
  require_equal(l, ir::element_count(parameter->shape), 1, fmt::format("the number of elements of {}", what));
  return parameter;
}

}  // namespace

QuantizedInput quantized_input(Lowering& l, int first) {
  return {l.input(first), expect_one(l, l.input(first + 1), "a scale"),
          expect_one(l, l.optional_input(first + 2), "a zero point")};
}

QuantizedInput quantized_output(Lowering& l, int first) {
  return {nullptr, expect_one(l, l.input(first), "the output's scale"),
          expect_one(l, l.optional_input(first + 1), "the output's zero point")};
}

Expr only_element(ir::Body& body, Value* value) {
  if (value == nullptr) return {};
  return body.at(value, std::vector<Expr>(value->shape.size(), Expr(0)));
}

Expr real_at(ir::Body& body, const QuantizedInput& input, std::vector<Expr> index) {
  return dequantize(body.at(input.x, std::move(index)), only_element(body, input.zero_point),
                    ir::cast(DType::f32, only_element(body, input.scale)));
}

Expr quantized(ir::Body& body, const Expr& real, const QuantizedInput& output, DType type) {
  return quantize(real / ir::cast(DType::f32, only_element(body, output.scale)),
                  only_element(body, output.zero_point), type);
}

namespace {

bool is_eight_bit(DType type) { return ir::is_integer(type) && ir::byte_size(ir::compute_type(type)) == 1; }

}  // namespace

std::optional<int64_t> uniform_integer(Lowering& l, Value* value) {
  const ir::Tensor* tensor = l.constant(value);
  if (tensor == nullptr || !ir::is_integer(tensor->type()) || tensor->count() == 0) return std::nullopt;
  const int64_t first = tensor->as_int(0);
  for (int64_t i = 1; i < tensor->count(); ++i) {
    if (tensor->as_int(i) != first) return std::nullopt;
  }
  return first;
}

Value* subtract_zero_point(Lowering& l, Value* x, Value* zero_point, int axis) {
  if (!ir::is_integer(x->type))
    l.fail("a quantized operand is of type {}, expected an integer type", ir::user_name(x->type));
  if (zero_point != nullptr && !ir::is_integer(zero_point->type))
    l.fail("a zero point is of type {}, expected an integer type", ir::user_name(zero_point->type));
  // Differences of 8-bit numbers fit 16 bits, which is what kernels multiply.
  const DType type = is_eight_bit(x->type) ? DType::i16 : DType::i32;
  if (zero_point == nullptr) return l.b().cast(x, type);
  if (zero_point->rank() == 1 && !zero_point->shape[0].is(1)) {
    l.b().require(
        ir::Require::Relation::broadcastable, zero_point->shape[0], x->shape[static_cast<std::size_t>(axis)],
        fmt::format("the zero point has {} entries, expected one or {}", zero_point->shape[0].to_string(),
                    x->shape[static_cast<std::size_t>(axis)].to_string()));
  }
  const std::optional<int64_t> uniform = uniform_integer(l, zero_point);
  if (uniform && *uniform == 0) return l.b().cast(x, type);
  return l.b().tabulate(type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr zero = uniform ? ir::literal_int(type, *uniform)
                : zero_point->rank() == x->rank() && x->rank() > 1
                    ? body.at(zero_point, ir::Builder::broadcast_read(zero_point, x->shape, i))
                    : vector_or_scalar_at(body, zero_point, i[static_cast<std::size_t>(axis)]);
    return ir::cast(type, body.at(x, {i.begin(), i.end()})) - ir::cast(type, zero);
  });
}

}  // namespace o2w::onnx_frontend
