// BatchNormalization: per channel, with given statistics or, in training mode, those of the batch.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/normalization/moments.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// The parameters' element for a point of x: per channel or, in old versions with spatial = 0, per activation.
std::vector<Expr> parameter_at(const Value* x, bool spatial, ir::Builder::Indices i) {
  if (spatial) return {x->rank() > 1 ? i[1] : Expr(0)};
  return {i.begin() + 1, i.end()};
}

// x * factor + offset: with constant statistics both are folded.
Value* normalize(Lowering& l, Value* x, bool spatial, Value* mean, Value* variance) {
  const DType compute = ir::compute_type(x->type);
  const double epsilon = l.float_attribute("epsilon", 1e-5);
  const auto as = [&](const Expr& e) { return ir::cast(compute, e); };
  Value* factor = l.b().map(compute, {l.input(1), variance}, [&](std::span<const Expr> e) {
    return as(e[0]) * inverse_root(as(e[1]), epsilon);
  });
  Value* offset = l.b().map(compute, {l.input(2), mean, factor},
                            [&](std::span<const Expr> e) { return as(e[0]) - as(e[1]) * e[2]; });
  return l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const std::vector<Expr> at = parameter_at(x, spatial, i);
    return body.at(x, {i.begin(), i.end()}) * body.at(factor, at) + body.at(offset, at);
  });
}

// running * momentum + current * (1 - momentum).
Value* running(Lowering& l, Value* old, Value* current) {
  const double momentum = l.float_attribute("momentum", 0.9);
  const DType compute = ir::compute_type(old->type);
  return l.b().map(old->type, {old, current}, [&](std::span<const Expr> e) {
    return e[0] * momentum + ir::cast(compute, e[1]) * (1.0 - momentum);
  });
}

// Statistics of the batch are used where training_mode says so; before version 14, where the node asks for
// them.
bool trains(Lowering& l) {
  if (l.version() >= 14) return l.int_attribute("training_mode", 0) != 0;
  for (int k = 1; k < l.output_count(); ++k) {
    if (l.wants_output(k)) return true;
  }
  return false;
}

void lower(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 1, 64, "input X");
  const bool spatial = l.version() >= 9 || l.int_attribute("spatial", 1) != 0;
  if (!spatial) l.expect_rank(x, 2, 64, "input X");
  const ir::Shape parameters =
      spatial ? ir::Shape{x->rank() > 1 ? x->shape[1] : ir::Dim(1)} : trailing(x->shape, 1);
  const int rank = static_cast<int>(parameters.size());
  for (int k = 1; k < 5; ++k) {
    l.expect_rank(l.input(k), rank, rank, "scale, B, mean or var");
    for (std::size_t d = 0; d < parameters.size(); ++d)
      require_equal(l, l.input(k)->shape[d], parameters[d], "sizes of scale, B, mean or var and of X");
  }
  Value *mean = l.input(3), *variance = l.input(4);
  if (!trains(l)) {
    for (int k = 1; k < l.output_count(); ++k) {
      if (l.wants_output(k))
        l.fail("output {} exists in training mode only; export the model for inference", k);
    }
    l.output(0, normalize(l, x, spatial, mean, variance));
    return;
  }
  std::vector<int> axes = {0};
  for (int axis = 2; spatial && axis < x->rank(); ++axis) axes.push_back(axis);
  const Moments m = moments(l, x, axes);
  Value* batch_mean = l.b().view(m.mean, parameters);
  Value* batch_variance = l.b().view(m.variance, parameters);
  l.output(0, normalize(l, x, spatial, batch_mean, batch_variance));
  if (l.wants_output(1)) l.output(1, running(l, mean, batch_mean));
  if (l.wants_output(2)) l.output(2, running(l, variance, batch_variance));
  // Until version 14: the statistics themselves, kept for the gradient.
  if (l.wants_output(3)) l.output(3, l.b().cast(batch_mean, mean->type));
  if (l.wants_output(4)) l.output(4, l.b().cast(batch_variance, variance->type));
}

const RegisterOperator batch_norm({.name = "BatchNormalization",
                                   .versions = {1, 6, 7, 9, 14, 15},
                                   .types = {{"T", kFloats, inputs(0)},
                                             {"T1", kFloats, inputs(1, 2), kMixed},
                                             {"T2", kFloats, inputs(3, 4), kMixed}},
                                   .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
