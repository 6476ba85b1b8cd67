// Comparisons, boolean logic, bit operations and the choice between two operands.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/elementwise/two_operands.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;

template <ExprOp op>
void lower_comparison(Lowering& l) {
  const auto [a, b] = two_operands(l);
  l.output(0, l.b().map(DType::boolean, {a, b}, [](std::span<const Expr> e) {
    // Only Equal takes booleans; as numbers they compare just as well.
    const bool booleans = e[0]->type == DType::boolean;
    return booleans ? ir::binary(op, ir::cast(DType::u8, e[0]), ir::cast(DType::u8, e[1]))
                    : ir::binary(op, e[0], e[1]);
  }));
}

const RegisterOperator comparisons[] = {
    RegisterOperator({.name = "Equal",
                      .versions = {1, 7, 11, 13, 19},
                      .types = {{"T", kNumeric | kBool | kStrings}},
                      .lower = lower_comparison<ExprOp::eq>}),
    RegisterOperator({.name = "Greater",
                      .versions = {1, 7, 9, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_comparison<ExprOp::gt>}),
    RegisterOperator({.name = "GreaterOrEqual",
                      .versions = {12, 16},
                      .types = {{"T", kNumeric}},
                      .lower = lower_comparison<ExprOp::ge>}),
    RegisterOperator({.name = "Less",
                      .versions = {1, 7, 9, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_comparison<ExprOp::lt>}),
    RegisterOperator({.name = "LessOrEqual",
                      .versions = {12, 16},
                      .types = {{"T", kNumeric}},
                      .lower = lower_comparison<ExprOp::le>}),
};

template <ExprOp op>
void lower_boolean(Lowering& l) {
  l.input(0);
  l.input(1);
  const auto [a, b] = two_operands(l);
  l.output(0, l.b().map(DType::boolean, {a, b},
                        [](std::span<const Expr> e) { return ir::binary(op, e[0], e[1]); }));
}

const RegisterOperator boolean_operators[] = {
    RegisterOperator({.name = "And",
                      .versions = {1, 7},
                      .types = {{"T", kBool}},
                      .lower = lower_boolean<ExprOp::logical_and>}),
    RegisterOperator({.name = "Or",
                      .versions = {1, 7},
                      .types = {{"T", kBool}},
                      .lower = lower_boolean<ExprOp::logical_or>}),
    RegisterOperator({.name = "Xor",
                      .versions = {1, 7},
                      .types = {{"T", kBool}},
                      .lower = lower_boolean<ExprOp::logical_xor>}),
};

void lower_bits(Lowering& l, ExprOp op) {
  ir::Value* a = l.input(0);
  ir::Value* b = l.input(1);
  l.output(0,
           l.b().map(a->type, {a, b}, [op](std::span<const Expr> e) { return ir::binary(op, e[0], e[1]); }));
}

const RegisterOperator bitwise_operators[] = {
    RegisterOperator({.name = "BitwiseAnd",
                      .versions = {18},
                      .types = {{"T", kIntegers}},
                      .lower = [](Lowering& l) { lower_bits(l, ExprOp::bitwise_and); }}),
    RegisterOperator({.name = "BitwiseOr",
                      .versions = {18},
                      .types = {{"T", kIntegers}},
                      .lower = [](Lowering& l) { lower_bits(l, ExprOp::bitwise_or); }}),
    RegisterOperator({.name = "BitwiseXor",
                      .versions = {18},
                      .types = {{"T", kIntegers}},
                      .lower = [](Lowering& l) { lower_bits(l, ExprOp::bitwise_xor); }}),
};

void lower_bit_shift(Lowering& l) {
  const std::string direction = l.string_attribute("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    l.fail("attribute 'direction' is '{}'; it must be LEFT or RIGHT", direction);
  }
  lower_bits(l, direction == "LEFT" ? ExprOp::shift_left : ExprOp::shift_right);
}
const RegisterOperator bit_shift(
    {.name = "BitShift", .versions = {11}, .types = {{"T", kIntegers}}, .lower = lower_bit_shift});

void lower_where(Lowering& l) {
  ir::Value* condition = l.input(0);
  ir::Value* a = l.input(1);
  ir::Value* b = l.input(2);
  l.output(0, l.b().map(a->type, {condition, a, b},
                        [](std::span<const Expr> e) { return ir::select(e[0], e[1], e[2]); }));
}
const RegisterOperator where({.name = "Where",
                              .versions = {9, 16},
                              .types = {{"B", kBool, inputs(0)}, {"T", kAny, inputs(1, 2)}},
                              .lower = lower_where});

}  // namespace
}  // namespace o2w::onnx_frontend
