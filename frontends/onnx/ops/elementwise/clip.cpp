// Clip: attributes up to version 6, optional scalar inputs from 11 on. A bound that is missing bounds
// nothing.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;

void lower_clip(Lowering& l) {
  ir::Value* x = l.input(0);
  std::vector<ir::Value*> operands = {x};
  // A bound is a literal where it is known, otherwise operand number `operand`.
  struct Bound {
    Expr literal;
    std::size_t operand = 0;
    Expr value(std::span<const Expr> e) const { return operand ? e[operand] : literal; }
  };
  const auto bound = [&](const char* name, int input) {
    Bound result;
    if (l.version() < 11) {
      if (l.has_attribute(name)) result.literal = literal_number(x->type, l.float_attribute(name));
    } else if (ir::Value* value = l.optional_input(input)) {
      if (const ir::Tensor* constant = l.constant(value); constant && constant->count() == 1) {
        result.literal = literal_from(*constant);
      } else {
        operands.push_back(as_scalar(l, value, name));
        result.operand = operands.size() - 1;
      }
    }
    return result;
  };
  const Bound low = bound("min", 1), high = bound("max", 2);
  l.output(0, l.b().map(x->type, operands, [&](std::span<const Expr> e) {
    Expr result = e[0];
    if (const Expr least = low.value(e)) result = ir::max(result, least);
    if (const Expr most = high.value(e)) result = ir::min(result, most);  // last: where min > max, max wins
    return result;
  }));
}
const RegisterOperator clip(
    {.name = "Clip", .versions = {1, 6, 11, 12, 13}, .types = {{"T", kNumeric}}, .lower = lower_clip});

}  // namespace
}  // namespace o2w::onnx_frontend
