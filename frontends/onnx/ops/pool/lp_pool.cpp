// LpPool and GlobalLpPool: (sum |x|^p)^(1/p).
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/pool/pooling.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::ExprOp;
using ir::Value;

double exponent(Lowering& l) {
  // A float attribute in version 1 of both operators, an integer since.
  const double p =
      l.version() == 1 ? l.float_attribute("p", 2) : static_cast<double>(l.int_attribute("p", 2));
  if (!(p > 0)) l.fail("attribute p is {}, expected a positive number", p);
  return p;
}

Expr powered(const Expr& x, double p) {
  if (p == 2) return x * x;
  Expr magnitude = ir::unary(ExprOp::abs, x);
  return p == 1 ? magnitude : ir::binary(ExprOp::pow, magnitude, Expr(p));
}

Expr root(const Expr& x, double p) {
  if (p == 1) return x;
  return p == 2 ? ir::unary(ExprOp::sqrt, x) : ir::binary(ExprOp::pow, x, Expr(1 / p));
}

void finish(Lowering& l, Value* sum, double p) {
  l.output(0, l.b().map(l.input(0)->type, {sum}, [&](std::span<const Expr> e) { return root(e[0], p); }));
}

void lower_lp_pool(Lowering& l) {
  Value* x = l.input(0);
  const double p = exponent(l);
  finish(l,
         reduce_window(l, x, pool_window(l, x), ir::Combiner::sum, ir::compute_type(x->type),
                       [&](const Expr& e) { return powered(e, p); }),
         p);
}

void lower_global_lp_pool(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 3, 64, "input X");
  const double p = exponent(l);
  Value* wide = l.b().cast(x, ir::compute_type(x->type));
  finish(l,
         l.b().reduce_axes(ir::Combiner::sum, wide, axis_range(2, x->rank()), true,
                           [&](const Expr& e) { return powered(e, p); }),
         p);
}

const RegisterOperator lp_pool(
    {.name = "LpPool", .versions = {1, 2, 11, 18, 22}, .types = {{"T", kFloats}}, .lower = lower_lp_pool});
const RegisterOperator global_lp_pool({.name = "GlobalLpPool",
                                       .versions = {1, 2, 22},
                                       .types = {{"T", kFloats}},
                                       .lower = lower_global_lp_pool});

}  // namespace
}  // namespace o2w::onnx_frontend
