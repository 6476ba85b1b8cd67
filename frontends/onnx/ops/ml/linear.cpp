// LinearRegressor and LinearClassifier: X * coefficients^T + intercepts.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/ml/scores.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::DType;
using ir::Expr;
using ir::Value;
using Indices = ir::Builder::Indices;

// [rows, targets]; without intercepts an empty list.
Value* linear_scores(Lowering& l, Value* x, int64_t targets, const std::vector<double>& coefficients,
                     const std::vector<double>& intercepts) {
  const auto count = static_cast<int64_t>(coefficients.size());
  if (targets <= 0 || count == 0 || count % targets != 0) {
    l.fail("{} coefficients do not make {} rows, one for each target", count, targets);
  }
  const int64_t features = count / targets;
  require_equal(l, x->shape[1], features, "the numbers of features and of coefficients of a target");
  Value* weights = ml::constant_numbers(l, DType::f32, {targets, features}, coefficients);
  Value* product = l.b().einsum(x, weights, "mk", "nk", "mn", DType::f32);
  if (intercepts.empty()) return product;
  Value* bias = ml::constant_numbers(l, DType::f32, {targets}, intercepts);
  return l.b().map(DType::f32, {product, bias}, [](std::span<const Expr> e) { return e[0] + e[1]; });
}

void lower_linear_regressor(Lowering& l) {
  Value* x = ml::rows_input(l, 0, DType::f32);
  const int64_t targets = l.int_attribute("targets", 1);
  std::vector<double> intercepts = l.floats_attribute("intercepts", {});
  if (static_cast<int64_t>(intercepts.size()) != targets) intercepts.clear();
  Value* scores = linear_scores(l, x, targets, l.floats_attribute("coefficients", {}), intercepts);
  const ml::PostTransform transform = ml::post_transform_attribute(l);
  // A single score is no distribution: only the transformation that looks at one score is applied.
  if (targets > 1 || transform == ml::PostTransform::probit) scores = ml::transformed(l, scores, transform);
  l.output(0, scores);
}
const RegisterOperator linear_regressor({.domain = "ai.onnx.ml",
                                         .name = "LinearRegressor",
                                         .versions = {1},
                                         .types = {{"T", ml::kFeatures}},
                                         .lower = lower_linear_regressor});

void lower_linear_classifier(Lowering& l) {
  ir::Builder& b = l.b();
  Value* x = ml::rows_input(l, 0, DType::f32);
  const ml::Labels labels(l, "classlabels_strings", "classlabels_ints");
  const std::vector<double> intercepts = l.floats_attribute("intercepts", {});
  const auto targets = static_cast<int64_t>(intercepts.empty() ? labels.count() : intercepts.size());
  const std::vector<double> coefficients = l.floats_attribute("coefficients", {});
  Value* scores = linear_scores(l, x, targets, coefficients, intercepts);
  const ir::Dim rows = x->shape[0];
  const ml::PostTransform transform = ml::post_transform_attribute(l);
  if (targets > 1) {
    if (static_cast<int64_t>(labels.count()) < targets) {
      l.fail("there are {} class labels for {} classes", labels.count(), targets);
    }
    l.output(0, labels.at(l, b.reduce_axes(Combiner::arg_max, scores, {1}, false)));
    l.output(1, ml::transformed(l, scores, transform));
    return;
  }
  // One score decides between two classes.
  if (labels.count() != 2)
    l.fail("one row of coefficients tells two classes, but there are {}", labels.count());
  Value* positive = b.tabulate(DType::i64, {rows}, [&](ir::Body& body, Indices i) {
    return ir::cast(DType::i64, ir::gt(body.at(scores, {i[0], 0}), 0.0));
  });
  l.output(0, labels.at(l, positive));
  if (transform == ml::PostTransform::probit) scores = ml::transformed(l, scores, transform);
  l.output(1, b.tabulate(DType::f32, {rows, 2}, [&](ir::Body& body, Indices i) {
    const Expr score = body.at(scores, {i[0], 0});
    if (transform == ml::PostTransform::logistic) {
      return ir::unary(ir::ExprOp::sigmoid, ir::select(ir::eq(i[1], 0), -score, score));
    }
    return ir::select(ir::eq(i[1], 0), Expr(1.0) - score, score);
  }));
}
const RegisterOperator linear_classifier({.domain = "ai.onnx.ml",
                                          .name = "LinearClassifier",
                                          .versions = {1},
                                          .types = {{"T", ml::kFeatures}},
                                          .lower = lower_linear_classifier});

}  // namespace
}  // namespace o2w::onnx_frontend
