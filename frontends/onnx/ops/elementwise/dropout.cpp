// Dropout: the identity when it is not training, which before version 12 is always so for a compiled model.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/generators/random.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;

ir::Value* ones(Lowering& l, DType type, const ir::Shape& shape) {
  return l.b().tabulate(type, shape, [&](ir::Body&, ir::Builder::Indices) {
    return type == DType::boolean ? ir::literal_bool(true) : literal_number(type, 1);
  });
}

// Training: an element stays with probability 1 - ratio and is then scaled by 1 / (1 - ratio).
void lower_training(Lowering& l, ir::Value* x, ir::Value* training) {
  const DType real = ir::compute_type(x->type);
  ir::Value* ratio = l.optional_input(1);
  if (ratio) {
    ratio = l.b().cast(as_scalar(l, l.input(1), "the ratio"), real);
  } else {
    ratio = l.b().scalar(real, 0.5);
  }
  ir::Value* uniform =
      random_value(l, ir::Random::Distribution::uniform, 0, 1, seed_attribute(l), real, x->shape);
  ir::Value* mask = l.b().map(DType::boolean, {uniform, ratio, training},
                              [](std::span<const Expr> e) { return ir::ge(e[0], e[1]) || !e[2]; });
  l.output(0, l.b().map(x->type, {x, mask, ratio, training}, [](std::span<const Expr> e) {
    const Expr kept = ir::select(e[1], e[0] / (Expr(1.0) - e[2]), 0.0);
    return ir::select(e[3], kept, e[0]);
  }));
  l.output(1, mask);
}

void lower_dropout(Lowering& l) {
  ir::Value* x = l.input(0);
  if (l.version() >= 12 && l.optional_input(2)) {
    ir::Value* training = as_scalar(l, l.input(2), "training_mode");
    const ir::Tensor* constant = l.constant(training);
    if (!constant || constant->as_int(0) != 0) {
      lower_training(l, x, training);
      return;
    }
  }
  l.output(0, x);
  // The mask is boolean from version 10 on, before that of the data's type.
  if (l.wants_output(1)) l.output(1, ones(l, l.version() >= 10 ? DType::boolean : x->type, x->shape));
}
const RegisterOperator dropout(
    {.name = "Dropout",
     .versions = {1, 6, 7, 10, 12, 13, 22},
     .types = {{"T", kFloats, inputs(0)}, {"T1", kFloats, inputs(1)}, {"T2", kBool, inputs(2)}},
     .lower = lower_dropout});

}  // namespace
}  // namespace o2w::onnx_frontend
