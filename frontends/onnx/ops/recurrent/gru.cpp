// GRU. Gates in the order z (update), r (reset), h (candidate):
//   z = f(Xz + H Rz^T), r = f(Xr + H Rr^T), H' = (1 - z) * candidate + z * H, where the candidate is
//   g(Xh + (r * H) Rh^T + Rbh), or with linear_before_reset g(Xh + r * (H Rh^T + Rbh)).
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/recurrent/recurrence.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::Value;

enum Gate { update, reset, candidate };

void lower(Lowering& l) {
  const bool linear_before_reset = l.int_attribute("linear_before_reset", 0) != 0;
  Recurrence recurrence(l, 3, 2, {"Sigmoid", "Tanh"},
                        [&](int gate) { return gate != candidate || !linear_before_reset; });
  const ir::DType type = recurrence.type();
  recurrence.run({5}, [&](const Recurrence::Step& step) -> std::vector<Value*> {
    ir::Builder& b = l.b();
    const Activation& f = recurrence.activation(step.direction, 0);
    const Activation& g = recurrence.activation(step.direction, 1);
    Value* h = step.states[0];
    const ir::Shape shape = {recurrence.batch(), recurrence.hidden()};
    const auto rows = [&](int first, int count) {
      return b.slice(step.recurrent, {recurrence.hidden() * Dim(first), 0}, {1, 1},
                     {recurrence.hidden() * Dim(count), recurrence.hidden()});
    };
    const auto gate = [&](ir::Body& body, ir::Builder::Indices i, Value* product, int number) {
      const Expr sum = step.input(body, i[0], number, i[1]) + step.gate(body, product, i[0], number, i[1]);
      return f(recurrence.clipped(sum));
    };
    const auto blend = [&](const Expr& z, const Expr& fresh, const Expr& old) {
      return (1.0 - z) * fresh + z * old;
    };
    if (linear_before_reset) {
      Value* product = b.einsum(h, step.recurrent, "mk", "nk", "mn", type);
      return {b.tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
        const Expr from_state = step.gate(body, product, i[0], candidate, i[1]) +
                                recurrence.recurrent_bias(body, step.direction, candidate, i[1]);
        const Expr sum = step.input(body, i[0], candidate, i[1]) + gate(body, i, product, reset) * from_state;
        return blend(gate(body, i, product, update), g(recurrence.clipped(sum)), body.at(h, {i[0], i[1]}));
      })};
    }
    Value* product = b.einsum(h, rows(update, 2), "mk", "nk", "mn", type);
    Value* kept = b.tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
      return gate(body, i, product, reset) * body.at(h, {i[0], i[1]});
    });
    Value* from_kept = b.einsum(kept, rows(candidate, 1), "mk", "nk", "mn", type);
    return {b.tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const Expr sum = step.input(body, i[0], candidate, i[1]) + body.at(from_kept, {i[0], i[1]});
      return blend(gate(body, i, product, update), g(recurrence.clipped(sum)), body.at(h, {i[0], i[1]}));
    })};
  });
}

const RegisterOperator gru({.name = "GRU",
                            .versions = {1, 3, 7, 14, 22},
                            .types = {{"T", kFloats, inputs(0, 1, 2, 3, 5)}, {"T1", kIndices, inputs(4)}},
                            .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
