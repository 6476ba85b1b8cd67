// Operators that are one scalar function of one operand.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::ExprOp;

using TypedInput = ir::Value* (*)(Lowering&, int);

template <ExprOp op, TypedInput operand>
void lower_unary(Lowering& l) {
  l.output(0, l.b().map1(operand(l, 0), [](const Expr& x) { return ir::unary(op, x); }));
}

template <ExprOp op, TypedInput operand>
RegisterOperator unary_operator(const char* name, std::vector<int> versions) {
  return RegisterOperator({.name = name, .versions = std::move(versions), .lower = lower_unary<op, operand>});
}

const RegisterOperator operators[] = {
    unary_operator<ExprOp::abs, numeric_input>("Abs", {1, 6, 13}),
    unary_operator<ExprOp::neg, numeric_input>("Neg", {1, 6, 13}),
    unary_operator<ExprOp::sign, numeric_input>("Sign", {9, 13}),
    unary_operator<ExprOp::floor, float_input>("Floor", {1, 6, 13}),
    unary_operator<ExprOp::ceil, float_input>("Ceil", {1, 6, 13}),
    unary_operator<ExprOp::round_even, float_input>("Round", {11, 22}),
    unary_operator<ExprOp::sqrt, float_input>("Sqrt", {1, 6, 13}),
    unary_operator<ExprOp::reciprocal, float_input>("Reciprocal", {1, 6, 13}),
    unary_operator<ExprOp::exp, float_input>("Exp", {1, 6, 13}),
    unary_operator<ExprOp::log, float_input>("Log", {1, 6, 13}),
    unary_operator<ExprOp::sin, float_input>("Sin", {7, 22}),
    unary_operator<ExprOp::cos, float_input>("Cos", {7, 22}),
    unary_operator<ExprOp::tan, float_input>("Tan", {7, 22}),
    unary_operator<ExprOp::asin, float_input>("Asin", {7, 22}),
    unary_operator<ExprOp::acos, float_input>("Acos", {7, 22}),
    unary_operator<ExprOp::atan, float_input>("Atan", {7, 22}),
    unary_operator<ExprOp::sinh, float_input>("Sinh", {9, 22}),
    unary_operator<ExprOp::cosh, float_input>("Cosh", {9, 22}),
    unary_operator<ExprOp::asinh, float_input>("Asinh", {9, 22}),
    unary_operator<ExprOp::acosh, float_input>("Acosh", {9, 22}),
    unary_operator<ExprOp::atanh, float_input>("Atanh", {9, 22}),
    unary_operator<ExprOp::tanh, float_input>("Tanh", {1, 6, 13}),
    unary_operator<ExprOp::erf, float_input>("Erf", {9, 13}),
    unary_operator<ExprOp::sigmoid, float_input>("Sigmoid", {1, 6, 13}),
    unary_operator<ExprOp::logical_not, boolean_input>("Not", {1}),
    unary_operator<ExprOp::bitwise_not, integer_input>("BitwiseNot", {18}),
};

void lower_isnan(Lowering& l) {
  l.output(0, l.b().map(ir::DType::boolean, {float_input(l, 0)},
                        [](std::span<const Expr> x) { return ir::unary(ExprOp::isnan, x[0]); }));
}
const RegisterOperator is_nan({.name = "IsNaN", .versions = {9, 13, 20}, .lower = lower_isnan});

void lower_isinf(Lowering& l) {
  const bool negative = l.int_attribute("detect_negative", 1) != 0;
  const bool positive = l.int_attribute("detect_positive", 1) != 0;
  l.output(0, l.b().map(ir::DType::boolean, {float_input(l, 0)}, [&](std::span<const Expr> x) {
    const Expr infinite = ir::unary(ExprOp::isinf, x[0]);
    if (negative && positive) return infinite;
    if (!negative && !positive) return ir::literal_bool(false);
    return infinite && (positive ? ir::gt(x[0], 0.0) : ir::lt(x[0], 0.0));
  }));
}
const RegisterOperator is_inf({.name = "IsInf", .versions = {10, 20}, .lower = lower_isinf});

}  // namespace
}  // namespace o2w::onnx_frontend
