// The Reduce* family.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/reduction/reduced_axes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using Step = Expr (*)(const Expr&);

// ReduceSum took its axes as an input first (version 13), the others in version 18.
constexpr int kAxesInput = 18, kAxesInputOfSum = 13;

Expr square(const Expr& x) { return x * x; }
Expr magnitude(const Expr& x) { return ir::unary(ExprOp::abs, x); }
Expr square_root(const Expr& x) { return ir::unary(ExprOp::sqrt, x); }
Expr logarithm(const Expr& x) { return ir::unary(ExprOp::log, x); }

bool keep_dims(Lowering& l) { return l.int_attribute("keepdims", 1) != 0; }

// One pass: `before` on each element, then the combiner.
template <Combiner combiner, Step before = nullptr, int version_with_input = kAxesInput>
void lower_reduce(Lowering& l) {
  ReducedAxes axes(l, version_with_input);
  l.output(0, axes.reduce(combiner, l.input(0), keep_dims(l), before));
}

// From version 20 on, maximum and minimum of booleans: whether any, whether all.
template <Combiner combiner, Combiner of_booleans>
void lower_extreme(Lowering& l) {
  ir::Value* x = l.input(0);
  ReducedAxes axes(l, kAxesInput);
  l.output(0, axes.reduce(x->type == DType::boolean ? of_booleans : combiner, x, keep_dims(l)));
}

// A step follows the reduction: what is between them is kept in a type that can hold it (f16 sums overflow;
// roots of integers are not integers).
ir::Value* widened(Lowering& l, bool real) {
  ir::Value* x = l.input(0);
  const DType type = ir::compute_type(x->type);
  return l.b().cast(x, real && !ir::is_float(type) ? DType::f64 : type);
}

template <Step before, Step after>
void lower_sum_then(Lowering& l) {
  ReducedAxes axes(l, kAxesInput);
  ir::Value* sum = axes.reduce(Combiner::sum, widened(l, true), keep_dims(l), before);
  l.output(0, l.b().cast(l.b().map1(sum, after), l.input(0)->type));
}

void lower_mean(Lowering& l) {
  ReducedAxes axes(l, kAxesInput);
  ir::Value* sum = axes.reduce(Combiner::sum, widened(l, false), keep_dims(l));
  const ir::Dim count = axes.count();
  l.output(0, l.b().map(l.input(0)->type, {sum},
                        [&](std::span<const Expr> e) { return e[0] / ir::cast(e[0]->type, Expr(count)); }));
}

// log(sum(exp(x))) = m + log(sum(exp(x - m))) with the maximum m, so that exp cannot overflow.
void lower_log_sum_exp(Lowering& l) {
  ReducedAxes axes(l, kAxesInput);
  ir::Value* x = widened(l, true);
  ir::Value* largest = axes.reduce(Combiner::max, x, true);
  // inf - inf would be NaN; without the shift the infinities come out right.
  ir::Value* shift =
      l.b().map1(largest, [](const Expr& m) { return ir::select(ir::unary(ExprOp::isinf, m), 0.0, m); });
  ir::Value* shifted = l.b().map(x->type, {x, shift},
                                 [](std::span<const Expr> e) { return ir::unary(ExprOp::exp, e[0] - e[1]); });
  ir::Value* sum = axes.reduce(Combiner::sum, shifted, true);
  ir::Value* result = l.b().map(l.input(0)->type, {sum, shift}, [&](std::span<const Expr> e) {
    return ir::cast(ir::compute_type(l.input(0)->type), logarithm(e[0]) + e[1]);
  });
  l.output(0, keep_dims(l) ? result : axes.drop(result));
}

const std::vector<int> kVersions = {1, 11, 13, 18};

const RegisterOperator operators[] = {
    RegisterOperator({.name = "ReduceSum",
                      .versions = {1, 11, 13},
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_reduce<Combiner::sum, nullptr, kAxesInputOfSum>}),
    RegisterOperator({.name = "ReduceProd",
                      .versions = kVersions,
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_reduce<Combiner::prod>}),
    RegisterOperator({.name = "ReduceMax",
                      .versions = {1, 11, 12, 13, 18, 20},
                      .types = {{"T", kNumeric | kBool, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_extreme<Combiner::max, Combiner::logical_or>}),
    RegisterOperator({.name = "ReduceMin",
                      .versions = {1, 11, 12, 13, 18, 20},
                      .types = {{"T", kNumeric | kBool, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_extreme<Combiner::min, Combiner::logical_and>}),
    RegisterOperator({.name = "ReduceL1",
                      .versions = kVersions,
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_reduce<Combiner::sum, magnitude>}),
    RegisterOperator({.name = "ReduceSumSquare",
                      .versions = kVersions,
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_reduce<Combiner::sum, square>}),
    RegisterOperator({.name = "ReduceL2",
                      .versions = kVersions,
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_sum_then<square, square_root>}),
    RegisterOperator({.name = "ReduceLogSum",
                      .versions = kVersions,
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_sum_then<nullptr, logarithm>}),
    RegisterOperator({.name = "ReduceLogSumExp",
                      .versions = kVersions,
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_log_sum_exp}),
    RegisterOperator({.name = "ReduceMean",
                      .versions = kVersions,
                      .types = {{"T", kNumeric, inputs(0)}, {"axes", kInt64, inputs(1)}},
                      .lower = lower_mean}),
};

}  // namespace
}  // namespace o2w::onnx_frontend
