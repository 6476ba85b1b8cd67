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

// x * factor[c] + offset[c]: with constant statistics both vectors are folded.
Value* normalize(Lowering& l, Value* x, Value* scale, Value* bias, Value* mean, Value* variance) {
  const DType compute = ir::compute_type(x->type);
  const double epsilon = l.float_attribute("epsilon", 1e-5);
  const auto as = [&](const Expr& e) { return ir::cast(compute, e); };
  Value* factor = l.b().map(compute, {scale, variance}, [&](std::span<const Expr> e) {
    return as(e[0]) * inverse_root(as(e[1]), epsilon);
  });
  Value* offset = l.b().map(compute, {bias, mean, factor},
                            [&](std::span<const Expr> e) { return as(e[0]) - as(e[1]) * e[2]; });
  return l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr channel = i.size() > 1 ? i[1] : Expr(0);
    return body.at(x, {i.begin(), i.end()}) * body.at(factor, {channel}) + body.at(offset, {channel});
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

void lower(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 1, 64, "input X");
  const ir::Dim channels = x->rank() > 1 ? x->shape[1] : ir::Dim(1);
  for (int k = 1; k < 5; ++k) {
    l.expect_rank(l.input(k), 1, 1, "scale, B, mean or var");
    require_equal(l, l.input(k)->shape[0], channels, "size of scale, B, mean or var and channels");
  }
  if (l.version() < 9 && l.int_attribute("spatial", 1) == 0) {
    l.fail("attribute spatial = 0 (statistics per activation) is not supported; use spatial = 1");
  }
  Value* mean = l.input(3);
  Value* variance = l.input(4);
  if (l.version() < 14 || l.int_attribute("training_mode", 0) == 0) {
    for (int k = 1; k < l.output_count(); ++k) {
      if (l.wants_output(k))
        l.fail("output {} exists in training mode only; export the model for inference", k);
    }
    l.output(0, normalize(l, x, l.input(1), l.input(2), mean, variance));
    return;
  }
  std::vector<int> axes = {0};
  for (int axis = 2; axis < x->rank(); ++axis) axes.push_back(axis);
  const Moments m = moments(l, x, axes);
  Value* batch_mean = l.b().view(m.mean, {channels});
  Value* batch_variance = l.b().view(m.variance, {channels});
  l.output(0, normalize(l, x, l.input(1), l.input(2), batch_mean, batch_variance));
  if (l.wants_output(1)) l.output(1, running(l, mean, batch_mean));
  if (l.wants_output(2)) l.output(2, running(l, variance, batch_variance));
}

const RegisterOperator batch_norm(
    {.name = "BatchNormalization",
     .versions = {1, 6, 7, 9, 14, 15},
     .limits =
         "training outputs only from version 14 on; spatial = 0 (version 8 and before) is not supported",
     .types = {{"T", kFloats, inputs(0)}, {"T1", kFloats, inputs(1, 2)}, {"T2", kFloats, inputs(3, 4)}},
     .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
