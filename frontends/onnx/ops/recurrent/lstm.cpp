// LSTM. Gates in the order i, o, f, c:
//   i = f(Xi + H Ri^T + Pi * C), f = f(Xf + H Rf^T + Pf * C), C' = f * C + i * g(Xc + H Rc^T),
//   o = f(Xo + H Ro^T + Po * C'), H' = o * h(C'); with input_forget the forget gate is 1 - i.
#include "frontends/onnx/ops/recurrent/lstm.h"

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::Value;

enum Gate { input_gate, output_gate, forget_gate, cell_gate };
enum Peephole { input_peephole, output_peephole, forget_peephole };

}  // namespace

void lower_lstm(Lowering& l, RecurrentProducts* products) {
  Recurrence recurrence(l, 4, 3, {"Sigmoid", "Tanh", "Tanh"}, [](int) { return true; }, products);
  const bool coupled = l.int_attribute("input_forget", 0) != 0;
  const ir::DType type = recurrence.type();
  Value* peepholes = nullptr;
  if (l.optional_input(7) != nullptr) {
    peepholes = l.input(7);
    l.expect_rank(peepholes, 2, 2, "peepholes P");
    require_equal(l, peepholes->shape[0], recurrence.directions(),
                  "first size of P and number of directions");
    require_equal(l, peepholes->shape[1], recurrence.hidden() * Dim(3), "second size of P");
  }
  recurrence.run({5, 6}, [&](const Recurrence::Step& step) -> std::vector<Value*> {
    ir::Builder& b = l.b();
    const int d = step.direction;
    Value* c = step.states[1];
    const ir::Shape shape = {recurrence.batch(), recurrence.hidden()};
    Value* product = recurrence.state_product(step);
    const auto sum = [&](ir::Body& body, ir::Builder::Indices i, int gate) {
      return step.input(body, i[0], gate, i[1]) + step.gate(body, product, i[0], gate, i[1]);
    };
    const auto gated = [&](ir::Body& body, ir::Builder::Indices i, int gate, int peephole, const Expr& cell) {
      Expr total = sum(body, i, gate);
      if (peepholes != nullptr) {
        const Expr weight = body.at(peepholes, {Expr(d), i[1] + Expr(recurrence.hidden() * Dim(peephole))});
        total = total + ir::cast(type, weight) * cell;
      }
      return recurrence.activation(d, 0)(recurrence.clipped(total));
    };
    Value* next_c = b.tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const Expr cell = body.at(c, {i[0], i[1]});
      const Expr in = gated(body, i, input_gate, input_peephole, cell);
      const Expr keep = coupled ? 1.0 - in : gated(body, i, forget_gate, forget_peephole, cell);
      return keep * cell + in * recurrence.activation(d, 1)(recurrence.clipped(sum(body, i, cell_gate)));
    });
    Value* next_h = b.tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const Expr cell = body.at(next_c, {i[0], i[1]});
      return gated(body, i, output_gate, output_peephole, cell) * recurrence.activation(d, 2)(cell);
    });
    return {next_h, next_c};
  });
}

namespace {

const RegisterOperator lstm({.name = "LSTM",
                             .versions = {1, 7, 14, 22},
                             .types = {{"T", kFloats, inputs(0, 1, 2, 3, 5, 6, 7)},
                                       {"T1", kIndices, inputs(4)}},
                             .lower = [](Lowering& l) { lower_lstm(l, nullptr); }});

}  // namespace
}  // namespace o2w::onnx_frontend
