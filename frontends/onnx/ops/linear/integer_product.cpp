#include "frontends/onnx/ops/linear/integer_product.h"

#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::Value;

namespace {

Expr parameter_at(ir::Body& body, Value* parameter, const ir::Shape& shape, ir::Builder::Indices i,
                  std::size_t from_back) {
  if (parameter->rank() > 1) return body.at(parameter, ir::Builder::broadcast_read(parameter, shape, i));
  return vector_or_scalar_at(body, parameter, i.size() >= from_back ? i[i.size() - from_back] : Expr(0));
}

}  // namespace

Value* integer_product(Lowering& l, Value* a_differences, Value* b, Value* b_zero) {
  l.expect_rank(a_differences, 1, 64, "input A");
  l.expect_rank(b, 1, 64, "input B");
  require_equal(l, a_differences->shape.back(), b->shape[b->shape.size() < 2 ? 0 : b->shape.size() - 2],
                "inner sizes of A and B");
  return l.b().matmul(a_differences, subtract_zero_point(l, b, b_zero, b->rank() - 1), DType::i32);
}

Value* integer_product(Lowering& l, Value* a, Value* a_zero, Value* b, Value* b_zero) {
  l.expect_rank(a, 1, 64, "input A");
  return integer_product(l, subtract_zero_point(l, a, a_zero, std::max(a->rank() - 2, 0)), b, b_zero);
}

Expr row_parameter(ir::Body& body, Value* parameter, const ir::Shape& shape, ir::Builder::Indices i) {
  return parameter_at(body, parameter, shape, i, 2);
}

Expr column_parameter(ir::Body& body, Value* parameter, const ir::Shape& shape, ir::Builder::Indices i) {
  return parameter_at(body, parameter, shape, i, 1);
}

Value* column_factors(Lowering& l, double alpha, Value* a_scale, Value* b_scale, Value* y_scale) {
  const auto is_one = [](const Value* scale) {
    return scale->rank() == 0 || (scale->rank() == 1 && scale->shape[0].is(1));
  };
  if (!is_one(a_scale) || b_scale->rank() > 1 || (y_scale != nullptr && !is_one(y_scale))) return nullptr;
  return l.b().tabulate(DType::f32, b_scale->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr factor = ir::cast(DType::f32, only_element(body, a_scale));
    if (alpha != 1) factor = factor * alpha;
    factor = factor * ir::cast(DType::f32, body.at(b_scale, {i.begin(), i.end()}));
    return y_scale == nullptr ? factor : factor / ir::cast(DType::f32, only_element(body, y_scale));
  });
}

Value* dequantized_product(Lowering& l, Value* sums, Value* a_scale, Value* b_scale, Value* bias) {
  if (bias != nullptr) l.expect_rank(bias, 1, 1, "the bias");
  Value* factors = column_factors(l, 1, a_scale, b_scale, nullptr);
  return l.b().tabulate(DType::f32, sums->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr scale = factors != nullptr
                           ? column_parameter(body, factors, sums->shape, i)
                           : ir::cast(DType::f32, row_parameter(body, a_scale, sums->shape, i)) *
                                 ir::cast(DType::f32, column_parameter(body, b_scale, sums->shape, i));
    const Expr product = ir::cast(DType::f32, body.at(sums, {i.begin(), i.end()})) * scale;
    if (bias == nullptr) return product;
    return product + ir::cast(DType::f32, column_parameter(body, bias, sums->shape, i));
  });
}

}  // namespace o2w::onnx_frontend
