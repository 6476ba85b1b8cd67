// Features rescaled, replaced and thresholded: Scaler, Normalizer, Imputer, Binarizer.
#include <cmath>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/ml/scores.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;
using Indices = ir::Builder::Indices;

// The dimension along which attributes with one element per feature count.
std::size_t feature_axis(Lowering& l, const Value* x) {
  if (x->rank() == 0) l.fail("the input must have rank 1 or more, but is a scalar");
  return x->rank() == 1 ? 0 : 1;
}

// What `list` (one element for all features, or one for each) holds for the element at `i` of x.
Expr of_feature(ir::Body& body, Value* list, Indices i, std::size_t axis) {
  return body.at(list, {list->shape[0].is(1) ? Expr(0) : i[axis]});
}

void lower_scaler(Lowering& l) {
  Value* x = l.input(0);
  const std::vector<double> offset = l.floats_attribute("offset", {}),
                            scale = l.floats_attribute("scale", {});
  if (scale.empty() || offset.size() != scale.size()) {
    l.fail("there are {} offsets and {} scales; they must be as many, and at least one", offset.size(),
           scale.size());
  }
  const std::size_t axis = feature_axis(l, x);
  const auto count = static_cast<int64_t>(scale.size());
  if (count != 1) require_equal(l, x->shape[axis], count, "the numbers of features and of scales");
  const DType type = ml::threshold_type(l, 0);
  Value* offsets = ml::constant_numbers(l, type, {count}, offset);
  Value* scales = ml::constant_numbers(l, type, {count}, scale);
  l.output(0, l.b().tabulate(DType::f32, x->shape, [&](ir::Body& body, Indices i) {
    const Expr element = ir::cast(type, body.at(x, {i.begin(), i.end()}));
    return (element - of_feature(body, offsets, i, axis)) * of_feature(body, scales, i, axis);
  }));
}
const RegisterOperator scaler({.domain = "ai.onnx.ml",
                               .name = "Scaler",
                               .versions = {1},
                               .types = {{"T", ml::kFeatures}},
                               .lower = lower_scaler});

void lower_normalizer(Lowering& l) {
  ir::Builder& b = l.b();
  const ir::Shape shape = l.input(0)->shape;
  Value* x = ml::rows_input(l, 0, DType::f32);
  const std::string norm = l.string_attribute("norm", "MAX");
  const auto absolute = [](const Expr& e) { return ir::unary(ExprOp::abs, e); };
  Value* size = nullptr;
  if (norm == "MAX") {
    size = b.reduce_axes(Combiner::max, x, {1}, true);
  } else if (norm == "L1") {
    size = b.reduce_axes(Combiner::sum, x, {1}, true, absolute);
  } else if (norm == "L2") {
    size = b.reduce_axes(Combiner::sum, x, {1}, true, [](const Expr& e) { return e * e; });
  } else {
    l.fail("norm is '{}', but must be MAX, L1 or L2", norm);
  }
  // Rows of size zero stay as they are.
  Value* y = b.map(DType::f32, {x, size}, [&](std::span<const Expr> e) {
    Expr scaled = e[0] / e[1];
    if (norm == "L2") {
      const Expr root = ir::unary(ExprOp::sqrt, e[0] * e[0] / e[1]);
      scaled = ir::select(ir::lt(e[0], 0.0), -root, root);
    }
    return ir::select(ir::ne(e[1], 0.0), scaled, e[0]);
  });
  l.output(0, b.view(y, shape));
}
const RegisterOperator normalizer({.domain = "ai.onnx.ml",
                                   .name = "Normalizer",
                                   .versions = {1},
                                   .types = {{"T", ml::kFeatures}},
                                   .lower = lower_normalizer});

void lower_imputer(Lowering& l) {
  Value* x = l.input(0);
  const bool integers = ir::is_integer(x->type);
  const std::size_t axis = feature_axis(l, x);
  const std::vector<double> reals = l.floats_attribute("imputed_value_floats", {});
  const std::vector<int64_t> whole = l.ints_attribute("imputed_value_int64s", {});
  auto count = static_cast<int64_t>(integers ? whole.size() : reals.size());
  if (count == 0) {
    l.fail("attribute '{}' must list what replaces missing values",
           integers ? "imputed_value_int64s" : "imputed_value_floats");
  }
  Value* imputed =
      integers ? ml::constant_integers(l, x->type, whole) : ml::constant_numbers(l, x->type, {count}, reals);
  // With neither one value nor one for each feature, the first one serves all.
  const ir::Dim& features = x->shape[axis];
  if (count != 1 && features.is_constant() && !features.is(count)) {
    imputed = integers ? ml::constant_integers(l, x->type, {whole[0]})
                       : ml::constant_numbers(l, x->type, {1}, {reals[0]});
    count = 1;
  }
  if (count != 1) require_equal(l, features, count, "the numbers of features and of imputed values");
  const double missing_real = l.float_attribute("replaced_value_float", 0);
  const int64_t missing_integer = l.int_attribute("replaced_value_int64", 0);
  l.output(0, l.b().tabulate(x->type, x->shape, [&](ir::Body& body, Indices i) {
    const Expr element = body.at(x, {i.begin(), i.end()});
    Expr missing;
    if (integers) {
      missing = ir::eq(element, ir::literal_int(element->type, missing_integer));
    } else if (std::isnan(missing_real)) {
      missing = ir::unary(ExprOp::isnan, element);
    } else {
      missing = ir::eq(element, ir::literal_float(element->type, missing_real));
    }
    return ir::select(missing, of_feature(body, imputed, i, axis), element);
  }));
}
const RegisterOperator imputer({.domain = "ai.onnx.ml",
                                .name = "Imputer",
                                .versions = {1},
                                .types = {{"T", ml::kFeatures}},
                                .lower = lower_imputer});

void lower_binarizer(Lowering& l) {
  Value* x = l.input(0);
  const double threshold = l.float_attribute("threshold", 0);
  // Integers are compared as doubles: the threshold may lie between two of them.
  const DType compute = ir::is_integer(x->type) ? DType::f64 : ir::compute_type(x->type);
  l.output(0, l.b().map1(x, [&](const Expr& e) {
    return ir::cast(e->type, ir::gt(ir::cast(compute, e), ir::literal_float(compute, threshold)));
  }));
}
const RegisterOperator binarizer({.domain = "ai.onnx.ml",
                                  .name = "Binarizer",
                                  .versions = {1},
                                  .types = {{"T", ml::kFeatures}},
                                  .lower = lower_binarizer});

}  // namespace
}  // namespace o2w::onnx_frontend
