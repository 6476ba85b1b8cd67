// InstanceNormalization, GroupNormalization, MeanVarianceNormalization.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/normalization/moments.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

void lower_instance(Lowering& l) {
  Value* x = l.input(0);
  Value* scale = l.input(1);
  Value* bias = l.input(2);
  l.expect_rank(x, 2, 64, "input");
  for (Value* vector : {scale, bias}) {
    l.expect_rank(vector, 1, 1, "scale or B");
    require_equal(l, vector->shape[0], x->shape[1], "size of scale or B and channels");
  }
  const double epsilon = l.float_attribute("epsilon", 1e-5);
  const Moments m = moments(l, x, axis_range(2, x->rank()));
  const DType compute = m.centered->type;
  // A value of its own: where channels are innermost, a root and a quotient per element would be as many as
  // elements.
  Value* factor = l.b().tabulate(compute, m.variance->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return inverse_root(body.at(m.variance, {i.begin(), i.end()}), epsilon) *
           ir::cast(compute, body.at(scale, {i[1]}));
  });
  l.output(0, l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> row(i.size(), Expr(0));
    row[0] = i[0];
    row[1] = i[1];
    return body.at(m.centered, {i.begin(), i.end()}) * body.at(factor, std::move(row)) +
           ir::cast(compute, body.at(bias, {i[1]}));
  }));
}

// Scale and bias have one entry per group in version 18, one per channel since version 21.
void lower_group(Lowering& l) {
  Value* x = l.input(0);
  Value* scale = l.input(1);
  Value* bias = l.input(2);
  l.expect_rank(x, 2, 64, "input X");
  const int64_t groups = l.int_attribute("num_groups");
  if (groups < 1 || groups > INT32_MAX)
    l.fail("attribute num_groups is {}, expected 1..{}", groups, INT32_MAX);
  const bool per_group = l.version() < 21;
  const Dim per = divide_exactly(l, x->shape[1], groups, "channels by num_groups");
  for (Value* vector : {scale, bias}) {
    l.expect_rank(vector, 1, 1, "scale or bias");
    require_equal(l, vector->shape[0], per_group ? Dim(groups) : x->shape[1], "size of scale or bias");
  }
  const double epsilon = l.float_attribute("epsilon", 1e-5);
  // [N, groups, channels of a group, d..]
  ir::Shape shape = {x->shape[0], groups, per};
  const ir::Shape rest = trailing(x->shape, 2);
  shape.insert(shape.end(), rest.begin(), rest.end());
  const auto stash = ir::dtype_from_onnx(static_cast<int>(l.int_attribute("stash_type", 1)));
  const bool wider = stash && *stash == DType::f64;
  Value* grouped = l.b().view(wider ? l.b().cast(x, DType::f64) : x, shape);
  const Moments m = moments(l, grouped, axis_range(2, grouped->rank()));
  const DType compute = m.centered->type;
  Value* y = l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> row(i.size(), Expr(0));
    row[0] = i[0];
    row[1] = i[1];
    const Expr entry = per_group ? i[1] : i[1] * Expr(per) + i[2];
    const Expr factor = inverse_root(body.at(m.variance, std::move(row)), epsilon) *
                        ir::cast(compute, body.at(scale, {entry}));
    return body.at(m.centered, {i.begin(), i.end()}) * factor + ir::cast(compute, body.at(bias, {entry}));
  });
  l.output(0, l.b().view(y, x->shape));
}

// (x - mean) / (deviation + 1e-9), the function body of the specification.
void lower_mean_variance(Lowering& l) {
  Value* x = l.input(0);
  const Moments m = moments(l, x, l.axes(l.ints_attribute("axes", {0, 2, 3}), x->rank()));
  l.output(0, l.b().map(x->type, {m.centered, m.variance}, [](std::span<const Expr> e) {
    return e[0] / (ir::unary(ExprOp::sqrt, e[1]) + 1e-9);
  }));
}

const RegisterOperator instance({.name = "InstanceNormalization",
                                 .versions = {1, 6, 22},
                                 .types = {{"T", kFloats}},
                                 .lower = lower_instance});
const RegisterOperator group(
    {.name = "GroupNormalization", .versions = {18, 21}, .types = {{"T", kFloats}}, .lower = lower_group});
const RegisterOperator mean_variance({.name = "MeanVarianceNormalization",
                                      .versions = {9, 13},
                                      .types = {{"T", kFloats}},
                                      .lower = lower_mean_variance});

}  // namespace
}  // namespace o2w::onnx_frontend
