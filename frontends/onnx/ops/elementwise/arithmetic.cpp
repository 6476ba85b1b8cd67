// Arithmetic on two or more operands.
#include <cmath>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/elementwise/two_operands.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;

template <ExprOp op>
void lower_arithmetic(Lowering& l) {
  l.input(0);
  const auto [a, b] = two_operands(l);
  l.output(0, l.b().map(a->type, {a, b}, [](std::span<const Expr> e) { return ir::binary(op, e[0], e[1]); }));
}

const RegisterOperator binary_operators[] = {
    RegisterOperator({.name = "Add",
                      .versions = {1, 6, 7, 13, 14},
                      .types = {{"T", kNumeric}},
                      .lower = lower_arithmetic<ExprOp::add>}),
    RegisterOperator({.name = "Sub",
                      .versions = {1, 6, 7, 13, 14},
                      .types = {{"T", kNumeric}},
                      .lower = lower_arithmetic<ExprOp::sub>}),
    RegisterOperator({.name = "Mul",
                      .versions = {1, 6, 7, 13, 14},
                      .types = {{"T", kNumeric}},
                      .lower = lower_arithmetic<ExprOp::mul>}),
    RegisterOperator({.name = "Div",
                      .versions = {1, 6, 7, 13, 14},
                      .types = {{"T", kNumeric}},
                      .lower = lower_arithmetic<ExprOp::div>}),
};

void lower_mod(Lowering& l) {
  ir::Value* a = l.input(0);
  ir::Value* b = l.input(1);
  const bool fmod = l.int_attribute("fmod", 0) != 0;
  if (!fmod && ir::is_float(a->type)) l.fail("attribute 'fmod' must be 1 for floating-point inputs");
  l.output(0, l.b().map(a->type, {a, b}, [&](std::span<const Expr> e) {
    return ir::binary(fmod ? ExprOp::fmod : ExprOp::mod, e[0], e[1]);
  }));
}
const RegisterOperator modulo(
    {.name = "Mod", .versions = {10, 13}, .types = {{"T", kNumeric}}, .lower = lower_mod});

// The usual constant exponents without a call of pow; null for others.
Expr power_of(const Expr& x, double exponent) {
  if (exponent == 1) return x;
  if (exponent == 2) return x * x;
  if (exponent == 3) return x * x * x;
  if (!ir::is_float(x->type)) return {};
  if (exponent == -1) return ir::unary(ExprOp::reciprocal, x);
  if (exponent == 0.5) {
    // Unlike sqrt, pow makes +0 of -0 and +inf of -inf.
    return ir::select(ir::eq(x, ir::lowest_of(x->type)), ir::highest_of(x->type),
                      ir::unary(ExprOp::sqrt, x + 0.0));
  }
  return {};
}

// Pow-12 and later let the types differ; the result has the base's. Integers are raised in f64, as in ONNX
// Runtime.
void lower_pow(Lowering& l) {
  l.input(0);
  l.input(1);
  const auto [base, exponent] = two_operands(l);
  const DType own = ir::compute_type(base->type);
  if (const ir::Tensor* constant = l.constant(exponent);
      constant && constant->count() == 1 && constant->rank() <= base->rank()) {
    const double number = constant->as_double(0);
    if (power_of(literal_number(own, 1), number)) {
      l.output(0, l.b().map1(base, [&](const Expr& x) { return power_of(x, number); }));
      return;
    }
  }
  const DType type = ir::is_float(own) ? own : DType::f64;
  l.output(0, l.b().map(base->type, {base, exponent}, [&](std::span<const Expr> e) {
    return ir::cast(own, ir::binary(ExprOp::pow, ir::cast(type, e[0]), ir::cast(type, e[1])));
  }));
}
const RegisterOperator power({.name = "Pow",
                              .versions = {1, 7, 12, 13, 15},
                              .types = {{"T", kNumeric, inputs(0)}, {"T1", kNumeric, inputs(1)}},
                              .lower = lower_pow});

// Any number of operands, at least one, combined from left to right.
template <ExprOp op>
void lower_variadic(Lowering& l) {
  std::vector<ir::Value*> operands;
  for (int i = 0; i < std::max(l.input_count(), 1); ++i) {
    operands.push_back(l.input(i));
  }
  const bool mean = l.node().op_type == "Mean";
  if (operands.size() == 1) {
    l.output(0, operands[0]);
    return;
  }
  l.output(0, l.b().map(operands[0]->type, operands, [&](std::span<const Expr> e) {
    Expr result = e[0];
    for (std::size_t i = 1; i < e.size(); ++i) result = ir::binary(op, result, e[i]);
    return mean ? result / static_cast<int64_t>(e.size()) : result;
  }));
}

const RegisterOperator variadic_operators[] = {
    RegisterOperator({.name = "Max",
                      .versions = {1, 6, 8, 12, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_variadic<ExprOp::max>}),
    RegisterOperator({.name = "Min",
                      .versions = {1, 6, 8, 12, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_variadic<ExprOp::min>}),
    RegisterOperator({.name = "Sum",
                      .versions = {1, 6, 8, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_variadic<ExprOp::add>}),
    RegisterOperator({.name = "Mean",
                      .versions = {1, 6, 8, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_variadic<ExprOp::add>}),
};

}  // namespace
}  // namespace o2w::onnx_frontend
