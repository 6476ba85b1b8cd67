// CumSum and CumProd. The axis is an input.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/run_time_axes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

template <ir::Combiner combiner>
void lower_cumulative(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* axis = l.input(1);
  const bool exclusive = l.int_attribute("exclusive", 0) != 0;
  const bool reverse = l.int_attribute("reverse", 0) != 0;
  if (l.known_sizes(axis)) {
    const std::vector<int64_t> known = l.constant_ints(axis, "the axis");
    if (known.size() != 1) l.fail("the axis (input 1) must be one number, but has {} elements", known.size());
    l.output(0, l.b().cumulative(x, combiner, l.axis(known[0], x->rank()), exclusive, reverse));
    return;
  }
  const AroundAxis around = around_axis(l, x->shape, axis);
  ir::Value* rows = l.b().view(x, {around.before, around.size, around.behind});
  l.output(0, l.b().view(l.b().cumulative(rows, combiner, 1, exclusive, reverse), x->shape));
}

const RegisterOperator operators[] = {
    RegisterOperator({.name = "CumSum",
                      .versions = {11, 14},
                      .types = {{"T", kNumeric, inputs(0)}, {"T2", kIndices, inputs(1)}},
                      .lower = lower_cumulative<ir::Combiner::sum>}),
    RegisterOperator({.name = "CumProd",
                      .versions = {26},
                      .types = {{"T", kNumeric, inputs(0)}, {"T2", kIndices, inputs(1)}},
                      .lower = lower_cumulative<ir::Combiner::prod>}),
};

}  // namespace
}  // namespace o2w::onnx_frontend
