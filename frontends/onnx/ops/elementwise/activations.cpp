// Activation functions. Formulas are those of the ONNX specification, arranged so that they neither overflow
// nor lose digits, and so that each needs at most one exponential.
#include <numbers>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::ExprOp;

Expr exp(const Expr& x) { return ir::unary(ExprOp::exp, x); }
Expr abs(const Expr& x) { return ir::unary(ExprOp::abs, x); }

template <typename Make>
void activation(Lowering& l, const Make& make) {
  l.output(0, l.b().map1(l.input(0), make));
}

// Relu-14 takes integers too.
const RegisterOperator relu({.name = "Relu",
                             .versions = {1, 6, 13, 14},
                             .types = {{"T", kFloats | kSigned}},
                             .lower = [](Lowering& l) {
                               l.output(0,
                                        l.b().map1(l.input(0), [](const Expr& x) { return ir::max(x, 0); }));
                             }});

const RegisterOperator leaky_relu(
    {.name = "LeakyRelu", .versions = {1, 6, 16}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 0.01);
       activation(l, [=](const Expr& x) { return ir::select(ir::lt(x, 0.0), x * alpha, x); });
     }});

const RegisterOperator elu(
    {.name = "Elu", .versions = {1, 6, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 1.0);
       activation(l, [=](const Expr& x) { return ir::select(ir::lt(x, 0.0), (exp(x) - 1.0) * alpha, x); });
     }});

const RegisterOperator selu(
    {.name = "Selu", .versions = {1, 6, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const bool first = l.version() < 6;
       const double alpha = l.float_attribute("alpha", first ? 1.6732 : 1.67326319217681884765625);
       const double gamma = l.float_attribute("gamma", first ? 1.0507 : 1.05070102214813232421875);
       activation(
           l, [=](const Expr& x) { return ir::select(ir::gt(x, 0.0), x, exp(x) * alpha - alpha) * gamma; });
     }});

const RegisterOperator celu(
    {.name = "Celu", .versions = {12}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 1.0);
       activation(
           l, [=](const Expr& x) { return ir::max(x, 0.0) + ir::min((exp(x / alpha) - 1.0) * alpha, 0.0); });
     }});

const RegisterOperator thresholded_relu(
    {.name = "ThresholdedRelu", .versions = {1, 10, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 1.0);
       activation(l, [=](const Expr& x) { return ir::select(ir::gt(x, alpha), x, 0.0); });
     }});

const RegisterOperator hard_sigmoid(
    {.name = "HardSigmoid", .versions = {1, 6, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 0.2);
       const double beta = l.float_attribute("beta", 0.5);
       activation(l, [=](const Expr& x) { return ir::max(ir::min(x * alpha + beta, 1.0), 0.0); });
     }});

const RegisterOperator hard_swish(
    {.name = "HardSwish", .versions = {14, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       activation(l, [](const Expr& x) { return x * ir::max(ir::min(x * (1.0 / 6.0) + 0.5, 1.0), 0.0); });
     }});

// x * tanh(log(1 + e^x)) = x * n / (n + 2) with n = e^x (e^x + 2). From x = 20 on the quotient is 1 in any
// float type.
const RegisterOperator mish(
    {.name = "Mish", .versions = {18, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       activation(l, [](const Expr& x) {
         const Expr e = exp(ir::min(x, 20.0));
         const Expr n = e * (e + 2.0);
         return x * (n / (n + 2.0));
       });
     }});

// log(1 + e^x), without overflow for large x.
const RegisterOperator softplus(
    {.name = "Softplus", .versions = {1, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       activation(l, [](const Expr& x) { return ir::max(x, 0.0) + ir::unary(ExprOp::log1p, exp(-abs(x))); });
     }});

const RegisterOperator softsign(
    {.name = "Softsign", .versions = {1, 22}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       activation(l, [](const Expr& x) { return x / (abs(x) + 1.0); });
     }});

const RegisterOperator swish(
    {.name = "Swish", .versions = {24}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 1.0);
       activation(
           l, [=](const Expr& x) { return x * ir::unary(ExprOp::sigmoid, alpha == 1.0 ? x : x * alpha); });
     }});

void lower_gelu(Lowering& l) {
  const std::string approximation = l.string_attribute("approximate", "none");
  if (approximation == "none") {
    activation(l, [](const Expr& x) {
      return x * 0.5 * (ir::unary(ExprOp::erf, x * (std::numbers::sqrt2 / 2)) + 1.0);
    });
  } else if (approximation == "tanh") {
    const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2 / pi)
    activation(l, [=](const Expr& x) {
      return x * 0.5 * (ir::unary(ExprOp::tanh, (x + x * x * x * 0.044715) * scale) + 1.0);
    });
  } else {
    l.fail("attribute 'approximate' is '{}'; ONNX knows 'none' and 'tanh'", approximation);
  }
}
const RegisterOperator gelu(
    {.name = "Gelu", .versions = {20}, .types = {{"T", kFloats}}, .lower = lower_gelu});

// Integers are compared with and shifted by the real attributes in f64, which holds all but the largest
// 64-bit ones exactly.
void lower_shrink(Lowering& l) {
  const double lambd = l.float_attribute("lambd", 0.5), bias = l.float_attribute("bias", 0.0);
  ir::Value* x = l.input(0);
  l.output(0, l.b().map1(x, [&](const Expr& element) {
    const Expr real = ir::is_float(x->type) ? element : ir::cast(ir::DType::f64, element);
    return ir::select(ir::lt(real, -lambd), real + bias, ir::select(ir::gt(real, lambd), real - bias, 0.0));
  }));
}
const RegisterOperator shrink(
    {.name = "Shrink", .versions = {9}, .types = {{"T", kNumeric}}, .lower = lower_shrink});

// Up to version 6 a slope of C elements belongs to the channels (dimension 1); from 7 on it broadcasts as in
// numpy.
void lower_prelu(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* slope = l.input(1);
  if (l.version() < 7 && slope->rank() == 1 && x->rank() > 2 && !slope->shape[0].is(1)) {
    ir::Shape per_channel(static_cast<std::size_t>(x->rank()) - 1, 1);
    per_channel[0] = slope->shape[0];
    slope = l.b().view(slope, per_channel);
  }
  if (slope->rank() > x->rank()) {
    l.fail("the slope (shape {}) must broadcast to the input (shape {})", ir::to_string(slope->shape),
           ir::to_string(x->shape));
  }
  l.output(0, l.b().map(x->type, {x, slope}, [](std::span<const Expr> e) {
    return ir::select(ir::lt(e[0], 0), e[0] * e[1], e[0]);
  }));
}
const RegisterOperator prelu(
    {.name = "PRelu", .versions = {1, 6, 7, 9, 16}, .types = {{"T", kNumeric}}, .lower = lower_prelu});

}  // namespace
}  // namespace o2w::onnx_frontend
