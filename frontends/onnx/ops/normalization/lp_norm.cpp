// LpNormalization and LRN.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

// x / norm along one axis; where the norm is 0 the result is 0.
void lower_lp(Lowering& l) {
  Value* x = l.input(0);
  const int axis = l.axis(l.int_attribute("axis", -1), x->rank());
  const int64_t p = l.int_attribute("p", 2);
  if (p != 1 && p != 2) l.fail("attribute p is {}, expected 1 or 2", p);
  const DType compute = ir::compute_type(x->type);
  Value* sum = l.b().reduce_axes(ir::Combiner::sum, l.b().cast(x, compute), {axis}, true,
                                 [&](const Expr& e) { return p == 2 ? e * e : ir::unary(ExprOp::abs, e); });
  l.output(0, l.b().map(x->type, {x, sum}, [&](std::span<const Expr> e) {
    const Expr norm = p == 2 ? ir::unary(ExprOp::sqrt, e[1]) : e[1];
    return select(eq(norm, 0.0), ir::literal_of(compute, 0), e[0] / norm);
  }));
}

// x / (bias + alpha / size * sum over neighbouring channels of x^2) ^ beta.
void lower_lrn(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 2, 64, "input X");
  const int64_t size = l.int_attribute("size");
  if (size < 1 || size > 65536) l.fail("attribute size is {}, expected 1..65536", size);
  const double alpha = l.float_attribute("alpha", 1e-4), beta = l.float_attribute("beta", 0.75);
  const double bias = l.float_attribute("bias", 1);
  const DType compute = ir::compute_type(x->type);
  const auto channel = [&](ir::Builder::Indices i) { return i[1] + i.back() - Expr((size - 1) / 2); };
  Value* sum = l.b().reduce(
      ir::Combiner::sum, compute, x->shape, {size},
      [&](ir::Body& body, ir::Builder::Indices i) {
        std::vector<Expr> indices(i.begin(), i.end() - 1);
        indices[1] = channel(i);
        const Expr e = body.at(x, std::move(indices));
        return e * e;
      },
      [&](ir::Body&, ir::Builder::Indices i) {
        return ge(channel(i), Expr(0)) && lt(channel(i), Expr(x->shape[1]));
      });
  l.output(0, l.b().map(x->type, {x, sum}, [&](std::span<const Expr> e) {
    return e[0] / ir::binary(ExprOp::pow, e[1] * (alpha / static_cast<double>(size)) + bias, Expr(beta));
  }));
}

const RegisterOperator lp(
    {.name = "LpNormalization", .versions = {1, 22}, .types = {{"T", kFloats}}, .lower = lower_lp});
const RegisterOperator lrn(
    {.name = "LRN", .versions = {1, 13}, .types = {{"T", kFloats}}, .lower = lower_lrn});

}  // namespace
}  // namespace o2w::onnx_frontend
