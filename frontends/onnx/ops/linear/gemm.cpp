// Gemm and FusedGemm: alpha * op(A) * op(B) + beta * C.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// A float attribute in the type of the operator's elements (Gemm is also defined for integers).
Expr factor(Lowering& l, const char* name, DType type) {
  const double value = l.float_attribute(name, 1);
  return ir::is_float(type) ? ir::literal_of(type, value)
                            : ir::literal_int(type, static_cast<int64_t>(value));
}

void lower_with(Lowering& l, const Activation& activation) {
  Value* a = l.input(0);
  Value* b = l.input(1);
  Value* c = l.optional_input(2);
  l.expect_rank(a, 2, 2, "input A");
  l.expect_rank(b, 2, 2, "input B");
  const bool trans_a = l.int_attribute("transA", 0) != 0, trans_b = l.int_attribute("transB", 0) != 0;
  require_equal(l, a->shape[trans_a ? 0 : 1], b->shape[trans_b ? 1 : 0], "inner sizes of A and B");
  const DType compute = ir::compute_type(a->type);
  Value* product = l.b().einsum(a, b, trans_a ? "km" : "mk", trans_b ? "nk" : "kn", "mn", compute);
  const double alpha = l.float_attribute("alpha", 1), beta = l.float_attribute("beta", 1);
  if (beta == 0) c = nullptr;
  if (c != nullptr) {
    l.expect_rank(c, 0, 2, "input C");
    for (std::size_t d = 0; d < c->shape.size(); ++d) {
      const ir::Dim& have = c->shape[d];
      const ir::Dim& want = product->shape[2 - c->shape.size() + d];
      if (have.is(1)) continue;
      l.b().require(ir::Require::Relation::broadcastable, have, want,
                    fmt::format("input C of shape {} does not broadcast to {}", ir::to_string(c->shape),
                                ir::to_string(product->shape)));
    }
  }
  l.output(0, l.b().tabulate(a->type, product->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr value = body.at(product, {i[0], i[1]});
    if (alpha != 1) value = value * factor(l, "alpha", compute);
    if (c != nullptr) {
      Expr bias = body.at(c, ir::Builder::broadcast_read(c, product->shape, i));
      value = value + (beta == 1 ? bias : bias * factor(l, "beta", compute));
    }
    return activation(value);
  }));
}

void lower_gemm(Lowering& l) {
  lower_with(l, [](const Expr& x) { return x; });
}

void lower_fused_gemm(Lowering& l) { lower_with(l, fused_activation(l)); }

const RegisterOperator gemm(
    {.name = "Gemm", .versions = {1, 6, 7, 9, 11, 13}, .types = {{"T", kNumeric}}, .lower = lower_gemm});
const RegisterOperator fused_gemm({.domain = "com.microsoft",
                                   .name = "FusedGemm",
                                   .versions = {1},
                                   .types = {{"T", kFloats}},
                                   .lower = lower_fused_gemm});

}  // namespace
}  // namespace o2w::onnx_frontend
