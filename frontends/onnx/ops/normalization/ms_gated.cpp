// com.microsoft.GatedAdd and GatedRMSNorm, of recurrent-attention language models.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/normalization/moments.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// x + y * gate, the product rounded to the tensors' type.
const RegisterOperator gated_add({.domain = "com.microsoft",
                                  .name = "GatedAdd",
                                  .versions = {1},
                                  .types = {{"T", kFloats}},
                                  .lower = [](Lowering& l) {
                                    Value* x = l.input(0);
                                    Value* product =
                                        l.b().map(x->type, {l.input(1), l.input(2)},
                                                  [](std::span<const Expr> e) { return e[0] * e[1]; });
                                    l.output(0, l.b().map(x->type, {x, product}, [](std::span<const Expr> e) {
                                      return e[0] + e[1];
                                    }));
                                  }});

// x / sqrt(mean(x^2) + epsilon) * scale * silu(gate) over groups of as many elements as scale has.
void lower_gated_norm(Lowering& l) {
  ir::Builder& b = l.b();
  Value* x = l.input(0);
  Value* scale = l.input(1);
  Value* gate = l.input(2);
  l.expect_rank(x, 1, 64, "input X");
  l.expect_rank(scale, 1, 1, "scale");
  l.expect_rank(gate, x->rank(), x->rank(), "gate");
  for (std::size_t d = 0; d < x->shape.size(); ++d)
    require_equal(l, x->shape[d], gate->shape[d], "shapes of X and gate");
  const double epsilon = l.float_attribute("epsilon", 1e-6);
  ir::Shape shape = x->shape;
  shape.back() = divide_exactly(l, shape.back(), scale->shape[0], "last dimension of X by the size of scale");
  shape.push_back(scale->shape[0]);
  const DType type = ir::compute_type(x->type);
  Value* wide = b.cast(b.view(x, shape), type);
  Value* inverse = b.map1(mean_square(l, wide, {wide->rank() - 1}),
                          [&](const Expr& e) { return inverse_root(e, epsilon); });
  Value* y = b.map(x->type, {wide, inverse, scale, b.view(gate, shape)}, [&](std::span<const Expr> e) {
    return e[0] * e[1] * e[2] * (e[3] * ir::unary(ir::ExprOp::sigmoid, e[3]));
  });
  l.output(0, b.view(y, x->shape));
}
const RegisterOperator gated_norm({.domain = "com.microsoft",
                                   .name = "GatedRMSNorm",
                                   .versions = {1},
                                   .types = {{"T", kFloats}},
                                   .lower = lower_gated_norm});

}  // namespace
}  // namespace o2w::onnx_frontend
