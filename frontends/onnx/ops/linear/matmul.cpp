// MatMul and FusedMatMul.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/blocks_product.h"

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
  if (const auto weights = block_weights_of(l.input(1)); weights && a->type == DType::f32) {
    l.expect_rank(a, 1, 64, "input A");
    require_equal(l, a->shape.back(), weights->k, "inner sizes of A and B");
    l.output(0, blocks_product(l, a, *weights, nullptr, l.input(1)->name));
    return;
  }
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

const RegisterOperator matmul(
    {.name = "MatMul", .versions = {1, 9, 13}, .types = {{"T", kNumeric}}, .lower = lower_matmul});
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

}  // namespace
}  // namespace o2w::onnx_frontend
