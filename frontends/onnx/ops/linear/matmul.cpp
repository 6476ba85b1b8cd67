// MatMul, FusedMatMul and the integer matrix products.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

Value* product(Lowering& l, Value* a, Value* b, DType type) {
  l.expect_rank(a, 1, 64, "input A");
  l.expect_rank(b, 1, 64, "input B");
  require_equal(l, a->shape.back(), b->shape[b->shape.size() < 2 ? 0 : b->shape.size() - 2],
                "inner sizes of A and B");
  return l.b().matmul(a, b, type);
}

void lower_matmul(Lowering& l) {
  Value* a = l.input(0);
  l.output(0, l.b().cast(product(l, a, l.input(1), ir::compute_type(a->type)), a->type));
}

Value* swapped(Lowering& l, Value* x, bool last, bool batch) {
  std::vector<int> order = axis_range(0, x->rank());
  // transBatch moves the first dimension between the batch dimensions and the rows: [k, b.., m] is read as
  // [b.., k, m].
  if (batch && x->rank() >= 3) {
    order.erase(order.begin());
    order.insert(order.end() - 1, 0);
  }
  if (last && x->rank() >= 2) std::swap(order[order.size() - 1], order[order.size() - 2]);
  return order == axis_range(0, x->rank()) ? x : l.b().transpose(x, order);
}

void lower_fused_matmul(Lowering& l) {
  Value* a = l.input(0);
  const DType compute = ir::compute_type(a->type);
  Value* lhs = swapped(l, a, l.int_attribute("transA", 0) != 0, l.int_attribute("transBatchA", 0) != 0);
  Value* rhs =
      swapped(l, l.input(1), l.int_attribute("transB", 0) != 0, l.int_attribute("transBatchB", 0) != 0);
  const double alpha = l.float_attribute("alpha", 1);
  const Activation activation = fused_activation(l);
  Value* y = product(l, lhs, rhs, compute);
  l.output(0, l.b().map(a->type, {y}, [&](std::span<const Expr> e) {
    return activation(alpha == 1 ? e[0] : e[0] * alpha);
  }));
}

// Scales and zero points of A go with its rows, those of B with its columns.
Value* integer_product(Lowering& l, Value* a, Value* a_zero, Value* b, Value* b_zero) {
  l.expect_rank(a, 1, 64, "input A");
  l.expect_rank(b, 1, 64, "input B");
  Value* lhs = subtract_zero_point(l, a, a_zero, std::max(a->rank() - 2, 0));
  return product(l, lhs, subtract_zero_point(l, b, b_zero, b->rank() - 1), DType::i32);
}

void lower_matmul_integer(Lowering& l) {
  l.output(0, integer_product(l, l.input(0), l.optional_input(2), l.input(1), l.optional_input(3)));
}

// A scale for output point `i`: one element, one per row or column, or a tensor of A's or B's rank.
Expr scale_at(ir::Body& body, Value* scale, const ir::Shape& shape, ir::Builder::Indices i, bool of_rows) {
  if (scale->rank() > 1) {
    return ir::cast(DType::f32, body.at(scale, ir::Builder::broadcast_read(scale, shape, i)));
  }
  const std::size_t back = of_rows ? 2 : 1;
  const Expr position = i.size() >= back ? i[i.size() - back] : Expr(0);
  return ir::cast(DType::f32, vector_or_scalar_at(body, scale, position));
}

// Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point.
void lower_qlinear_matmul(Lowering& l) {
  Value* a_scale = l.input(1);
  Value* b_scale = l.input(4);
  Value* y_scale = l.input(6);
  Value* y_zero = l.input(7);
  Value* sums = integer_product(l, l.input(0), l.input(2), l.input(3), l.input(5));
  l.output(0, l.b().tabulate(y_zero->type, sums->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr scale = scale_at(body, a_scale, sums->shape, i, true) *
                       scale_at(body, b_scale, sums->shape, i, false) /
                       scale_at(body, y_scale, sums->shape, i, true);
    const Expr sum = ir::cast(DType::f32, body.at(sums, {i.begin(), i.end()}));
    return quantize(sum * scale, vector_or_scalar_at(body, y_zero, i.size() >= 2 ? i[i.size() - 2] : Expr(0)),
                    y_zero->type);
  }));
}

const RegisterOperator matmul({.name = "MatMul", .versions = {1, 9, 13}, .lower = lower_matmul});
const RegisterOperator fused_matmul({.domain = "com.microsoft",
                                     .name = "FusedMatMul",
                                     .versions = {1},
                                     .types = {{"T", kFloats}},
                                     .lower = lower_fused_matmul});
// The name that FusedMatMul had first.
const RegisterOperator transpose_matmul({.domain = "com.microsoft",
                                         .name = "TransposeMatMul",
                                         .versions = {1},
                                         .types = {{"T", kFloats}},
                                         .lower = lower_fused_matmul});
const RegisterOperator fused_matmul_activation(
    {.domain = "com.microsoft",
     .name = "FusedMatMulActivation",
     .versions = {1},
     .limits = "activations along an axis (Softmax and its like) are not supported",
     .types = {{"T", kFloats}},
     .lower = lower_fused_matmul});
const RegisterOperator matmul_integer({.name = "MatMulInteger",
                                       .versions = {10},
                                       .lower = lower_matmul_integer});
const RegisterOperator qlinear_matmul({.name = "QLinearMatMul",
                                       .versions = {10, 21},
                                       .lower = lower_qlinear_matmul});

}  // namespace
}  // namespace o2w::onnx_frontend
