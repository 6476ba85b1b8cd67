// Operators that are one scalar function of one operand.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::ExprOp;

template <ExprOp op>
void lower_unary(Lowering& l) {
  l.output(0, l.b().map1(l.input(0), [](const Expr& x) { return ir::unary(op, x); }));
}

template <ExprOp op>
RegisterOperator unary_operator(const char* name, TypeSet types, std::vector<int> versions) {
  return RegisterOperator(
      {.name = name, .versions = std::move(versions), .types = {{"T", types}}, .lower = lower_unary<op>});
}

const RegisterOperator operators[] = {
    unary_operator<ExprOp::abs>("Abs", kNumeric, {1, 6, 13}),
    unary_operator<ExprOp::neg>("Neg", kNumeric, {1, 6, 13}),
    unary_operator<ExprOp::sign>("Sign", kNumeric, {9, 13}),
    unary_operator<ExprOp::floor>("Floor", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::ceil>("Ceil", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::round_even>("Round", kFloats, {11, 22}),
    unary_operator<ExprOp::sqrt>("Sqrt", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::reciprocal>("Reciprocal", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::exp>("Exp", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::log>("Log", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::sin>("Sin", kFloats, {7, 22}),
    unary_operator<ExprOp::cos>("Cos", kFloats, {7, 22}),
    unary_operator<ExprOp::tan>("Tan", kFloats, {7, 22}),
    unary_operator<ExprOp::asin>("Asin", kFloats, {7, 22}),
    unary_operator<ExprOp::acos>("Acos", kFloats, {7, 22}),
    unary_operator<ExprOp::atan>("Atan", kFloats, {7, 22}),
    unary_operator<ExprOp::sinh>("Sinh", kFloats, {9, 22}),
    unary_operator<ExprOp::cosh>("Cosh", kFloats, {9, 22}),
    unary_operator<ExprOp::asinh>("Asinh", kFloats, {9, 22}),
    unary_operator<ExprOp::acosh>("Acosh", kFloats, {9, 22}),
    unary_operator<ExprOp::atanh>("Atanh", kFloats, {9, 22}),
    unary_operator<ExprOp::tanh>("Tanh", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::erf>("Erf", kFloats, {9, 13}),
    unary_operator<ExprOp::sigmoid>("Sigmoid", kFloats, {1, 6, 13}),
    unary_operator<ExprOp::logical_not>("Not", kBool, {1}),
    unary_operator<ExprOp::bitwise_not>("BitwiseNot", kIntegers, {18}),
};

void lower_isnan(Lowering& l) {
  l.output(0, l.b().map(ir::DType::boolean, {l.input(0)},
                        [](std::span<const Expr> x) { return ir::unary(ExprOp::isnan, x[0]); }));
}
const RegisterOperator is_nan({.name = "IsNaN",
                               .versions = {9, 13, 20},
                               .types = {{"T", kFloats | kNarrowFloats}},
                               .lower = lower_isnan});

void lower_isinf(Lowering& l) {
  const bool negative = l.int_attribute("detect_negative", 1) != 0;
  const bool positive = l.int_attribute("detect_positive", 1) != 0;
  l.output(0, l.b().map(ir::DType::boolean, {l.input(0)}, [&](std::span<const Expr> x) {
    const Expr infinite = ir::unary(ExprOp::isinf, x[0]);
    if (negative && positive) return infinite;
    if (!negative && !positive) return ir::literal_bool(false);
    return infinite && (positive ? ir::gt(x[0], 0.0) : ir::lt(x[0], 0.0));
  }));
}
const RegisterOperator is_inf(
    {.name = "IsInf", .versions = {10, 20}, .types = {{"T", kFloats | kNarrowFloats}}, .lower = lower_isinf});

}  // namespace
}  // namespace o2w::onnx_frontend
