// RNN: H = f(X W^T + H R^T + Wb + Rb).
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/recurrent/recurrence.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Value;

void lower(Lowering& l) {
  Recurrence recurrence(l, 1, 1, {"Tanh"}, [](int) { return true; });
  recurrence.run({5}, [&](const Recurrence::Step& step) -> std::vector<Value*> {
    ir::Builder& b = l.b();
    Value* product = b.einsum(step.states[0], step.recurrent, "mk", "nk", "mn", recurrence.type());
    return {b.tabulate(recurrence.type(), product->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const ir::Expr sum = step.input(body, i[0], 0, i[1]) + body.at(product, {i[0], i[1]});
      return recurrence.activation(step.direction, 0)(recurrence.clipped(sum));
    })};
  });
}

const RegisterOperator rnn({.name = "RNN",
                            .versions = {1, 7, 14, 22},
                            .types = {{"T", kFloats, inputs(0, 1, 2, 3, 5)}, {"T1", kIndices, inputs(4)}},
                            .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
