// SVMRegressor and SVMClassifier: kernels of the rows with the support vectors, weighted.
#include <algorithm>
#include <numeric>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/ml/coupling.h"
#include "frontends/onnx/ops/ml/scores.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;
using Indices = ir::Builder::Indices;

struct Kernel {
  std::string type;
  double gamma = 0, offset = 0, degree = 0;
};

Kernel kernel_attributes(Lowering& l) {
  Kernel kernel;
  kernel.type = l.string_attribute("kernel_type", "LINEAR");
  if (kernel.type != "LINEAR" && kernel.type != "POLY" && kernel.type != "RBF" && kernel.type != "SIGMOID") {
    l.fail("kernel_type is '{}', but must be LINEAR, POLY, RBF or SIGMOID", kernel.type);
  }
  const std::vector<double> parameters = l.floats_attribute("kernel_params", {});
  if (parameters.empty()) return kernel;
  if (parameters.size() < 3)
    l.fail("kernel_params must be gamma, coef0 and degree, but has {}", parameters.size());
  kernel.gamma = parameters[0];
  kernel.offset = parameters[1];
  kernel.degree = parameters[2];
  return kernel;
}

Expr whole_power(const Expr& x, int exponent) { return exponent == 1 ? x : x * whole_power(x, exponent - 1); }

// The kernel of every row of x [rows, features] with every row of `vectors` [count, features]: [rows, count].
Value* kernels(Lowering& l, Value* x, Value* vectors, const Kernel& kernel) {
  ir::Builder& b = l.b();
  require_equal(l, x->shape[1], vectors->shape[1],
                "the numbers of features and of a support vector's elements");
  if (kernel.type == "RBF") {
    Value* distance = b.reduce(Combiner::sum, DType::f32, {x->shape[0], vectors->shape[0]},
                               {vectors->shape[1]}, [&](ir::Body& body, Indices i) {
                                 const Expr d = body.at(x, {i[0], i[2]}) - body.at(vectors, {i[1], i[2]});
                                 return d * d;
                               });
    return b.map1(distance, [&](const Expr& d) { return ir::unary(ExprOp::exp, d * -kernel.gamma); });
  }
  Value* product = b.einsum(x, vectors, "mk", "nk", "mn", DType::f32);
  if (kernel.type == "LINEAR") return product;
  return b.map1(product, [&](const Expr& dot) {
    const Expr inner = dot * kernel.gamma + kernel.offset;
    if (kernel.type == "SIGMOID") return ir::unary(ExprOp::tanh, inner);
    if (kernel.degree == 2 || kernel.degree == 3) return whole_power(inner, static_cast<int>(kernel.degree));
    return ir::binary(ExprOp::pow, inner, ir::literal_float(DType::f32, kernel.degree));
  });
}

// The attribute as rows, [count, elements / count].
Value* rows_of_attribute(Lowering& l, const char* name, int64_t count) {
  const std::vector<double> numbers = l.floats_attribute(name, {});
  const auto size = static_cast<int64_t>(numbers.size());
  if (count <= 0 || size == 0 || size % count != 0) {
    l.fail("attribute '{}' has {} elements, which do not make {} rows", name, size, count);
  }
  return ml::constant_numbers(l, DType::f32, {count, size / count}, numbers);
}

std::vector<double> rho_attribute(Lowering& l, std::size_t least) {
  const std::vector<double> rho = l.floats_attribute("rho", {});
  if (rho.size() < least) l.fail("attribute 'rho' has {} elements, but {} are needed", rho.size(), least);
  return rho;
}

void lower_svm_regressor(Lowering& l) {
  Value* x = ml::rows_input(l, 0, DType::f32);
  const double rho = rho_attribute(l, 1)[0];
  const int64_t vectors = l.int_attribute("n_supports", 0);
  Value* weights = rows_of_attribute(l, "coefficients", 1);
  Value* features = x;
  if (vectors > 0) {
    features = kernels(l, x, rows_of_attribute(l, "support_vectors", vectors), kernel_attributes(l));
  }
  require_equal(l, features->shape[1], weights->shape[1],
                vectors > 0 ? "the numbers of support vectors and of coefficients"
                            : "the numbers of features and of coefficients");
  Value* sums = l.b().einsum(features, weights, "mk", "nk", "mn", DType::f32);
  const bool one_class = l.int_attribute("one_class", 0) != 0;
  l.output(0, l.b().map1(sums, [&](const Expr& sum) {
    const Expr score = sum + rho;
    return one_class ? ir::select(ir::gt(score, 0.0), Expr(1.0), ir::literal_float(DType::f32, -1.0)) : score;
  }));
}
const RegisterOperator svm_regressor({.domain = "ai.onnx.ml",
                                      .name = "SVMRegressor",
                                      .versions = {1},
                                      .types = {{"T", ml::kFeatures}},
                                      .lower = lower_svm_regressor});

struct SvmClassifier {
  ml::Labels labels;
  int64_t classes = 0;
  ml::PostTransform transform = ml::PostTransform::none;
  bool weights_are_positive = true;
};

// A linear classifier with one row of coefficients for each class and one intercept for all.
void classify_linearly(Lowering& l, Value* x, const SvmClassifier& svm) {
  ir::Builder& b = l.b();
  Kernel kernel;
  kernel.type = "LINEAR";
  const double rho = rho_attribute(l, 1)[0];
  Value* products = kernels(l, x, rows_of_attribute(l, "coefficients", svm.classes), kernel);
  Value* scores = b.map1(products, [&](const Expr& product) { return product + rho; });
  Value* best = b.reduce_axes(Combiner::arg_max, scores, {1}, false);
  if (svm.classes == 2) {
    Value* winner = best;
    best = b.tabulate(DType::i64, {x->shape[0]}, [&](ir::Body& body, Indices i) {
      const Expr largest = ir::max(body.at(scores, {i[0], 0}), body.at(scores, {i[0], 1}));
      const Expr second = svm.weights_are_positive ? ir::ge(largest, 0.5) : ir::gt(largest, 0.0);
      return ir::select(second, ir::literal_int(DType::i64, 1), body.at(winner, {i[0]}));
    });
  }
  l.output(0, svm.labels.at(l, best));
  if (svm.classes > 1) scores = ml::transformed(l, scores, svm.transform);
  if (svm.classes == 1 && svm.transform == ml::PostTransform::probit) scores = b.map1(scores, ml::probit);
  l.output(1, scores);
}

// Which classes the pairs (0, 1), (0, 2), ..., (1, 2), ... consist of.
struct Pairs {
  std::vector<int64_t> first, second;
};

Pairs pairs_of(int64_t classes) {
  Pairs pairs;
  for (int64_t i = 0; i < classes; ++i) {
    for (int64_t j = i + 1; j < classes; ++j) {
      pairs.first.push_back(i);
      pairs.second.push_back(j);
    }
  }
  return pairs;
}

// f64 [rows, pairs]: a positive score speaks for the pair's first class. Coefficients are [classes - 1,
// vectors]; in the column of a vector of class c, the row for its pair with class d is d where d < c, else d
// - 1.
Value* pair_scores(Lowering& l, Value* kernel, const std::vector<int64_t>& vectors_per_class,
                   const Pairs& pairs, const std::vector<double>& rho) {
  ir::Builder& b = l.b();
  const auto classes = static_cast<int64_t>(vectors_per_class.size());
  const Dim rows = kernel->shape[0], vectors = kernel->shape[1];
  Value* coefficients = rows_of_attribute(l, "coefficients", classes - 1);
  require_equal(l, coefficients->shape[1], vectors,
                "the numbers of support vectors and of a row's coefficients");
  std::vector<int64_t> starts(vectors_per_class.size(), 0);
  std::partial_sum(vectors_per_class.begin(), vectors_per_class.end() - 1, starts.begin() + 1);
  Value* start = ml::constant_integers(l, DType::i32, starts);
  Value* count = ml::constant_integers(l, DType::i32, vectors_per_class);
  const int64_t most = *std::max_element(vectors_per_class.begin(), vectors_per_class.end());
  // What the vectors of one class give for each of its pairs, [rows, classes, classes - 1]; in doubles, as
  // signs count.
  const auto position = [](const Expr& e) { return ir::cast(DType::index, e); };
  Value* parts = b.reduce(
      Combiner::sum, DType::f64, {rows, classes, classes - 1}, {most},
      [&](ir::Body& body, Indices i) {
        const Expr vector = ir::min(position(body.at(start, {i[1]})) + i[3], Expr(vectors) - 1);
        return ir::cast(DType::f64, body.at(coefficients, {i[2], vector}) * body.at(kernel, {i[0], vector}));
      },
      [&](ir::Body& body, Indices i) { return ir::lt(i[3], position(body.at(count, {i[1]}))); });
  Value* first = ml::constant_integers(l, DType::i32, pairs.first);
  Value* second = ml::constant_integers(l, DType::i32, pairs.second);
  const auto pair_count = static_cast<int64_t>(pairs.first.size());
  Value* bias = ml::constant_numbers(l, DType::f64, {pair_count}, rho);
  return b.tabulate(DType::f64, {rows, pair_count}, [&](ir::Body& body, Indices i) {
    const Expr c = position(body.at(first, {i[1]})), d = position(body.at(second, {i[1]}));
    return body.at(parts, {i[0], c, d - 1}) + body.at(parts, {i[0], d, c}) + body.at(bias, {i[1]});
  });
}

// The class that wins most of its pairs, i64 [rows].
Value* most_voted(Lowering& l, Value* scores, const Pairs& pairs, int64_t classes) {
  ir::Builder& b = l.b();
  Value* first = ml::constant_integers(l, DType::i64, pairs.first);
  Value* second = ml::constant_integers(l, DType::i64, pairs.second);
  Value* votes = b.reduce(Combiner::sum, DType::i64, {scores->shape[0], classes}, {scores->shape[1]},
                          [&](ir::Body& body, Indices i) {
                            const Expr winner = ir::select(ir::gt(body.at(scores, {i[0], i[2]}), 0.0),
                                                           body.at(first, {i[2]}), body.at(second, {i[2]}));
                            return ir::cast(DType::i64, ir::eq(winner, ir::cast(DType::i64, i[1])));
                          });
  return b.reduce_axes(Combiner::arg_max, votes, {1}, false);
}

void classify_by_pairs(Lowering& l, Value* x, const SvmClassifier& svm,
                       std::vector<int64_t> vectors_per_class) {
  ir::Builder& b = l.b();
  if (static_cast<int64_t>(vectors_per_class.size()) != svm.classes || svm.classes < 2) {
    l.fail("vectors_per_class has {} elements for {} classes", vectors_per_class.size(), svm.classes);
  }
  const Pairs pairs = pairs_of(svm.classes);
  const int64_t vectors = std::accumulate(vectors_per_class.begin(), vectors_per_class.end(), int64_t{0});
  Value* kernel = kernels(l, x, rows_of_attribute(l, "support_vectors", vectors), kernel_attributes(l));
  std::vector<double> rho = rho_attribute(l, pairs.first.size());
  Value* exact = pair_scores(l, kernel, vectors_per_class, pairs, rho);
  Value* scores = b.cast(exact, DType::f32);
  l.output(0, svm.labels.at(l, most_voted(l, exact, pairs, svm.classes)));

  const std::vector<double> prob_a = l.floats_attribute("prob_a", {}),
                            prob_b = l.floats_attribute("prob_b", {});
  if (!prob_a.empty()) {
    if (prob_a.size() != pairs.first.size() || prob_b.size() != prob_a.size()) {
      l.fail("prob_a and prob_b must have {} elements, but have {} and {}", pairs.first.size(), prob_a.size(),
             prob_b.size());
    }
    Value* chances = ml::coupled_chances(l, scores, svm.classes, prob_a, prob_b);
    l.output(1, ml::transformed(l, chances, svm.transform));
    return;
  }
  if (svm.classes > 2) {
    l.output(1, ml::transformed(l, scores, svm.transform));
    return;
  }
  l.output(1, b.tabulate(DType::f32, {x->shape[0], 2}, [&](ir::Body& body, Indices i) {
    const Expr score = body.at(scores, {i[0], 0});
    if (svm.transform == ml::PostTransform::probit)
      return ir::select(ir::eq(i[1], 0), ml::probit(score), Expr(0.0));
    if (svm.transform == ml::PostTransform::none) return ir::select(ir::eq(i[1], 0), -score, score);
    if (svm.transform == ml::PostTransform::logistic) {
      return ir::unary(ExprOp::sigmoid, ir::select(ir::eq(i[1], 0), -score, score));
    }
    return ir::select(ir::eq(i[1], 0), Expr(1.0) - score, score);
  }));
}

void lower_svm_classifier(Lowering& l) {
  Value* x = ml::rows_input(l, 0, DType::f32);
  SvmClassifier svm{.labels = ml::Labels(l, "classlabels_strings", "classlabels_ints")};
  svm.classes = static_cast<int64_t>(svm.labels.count());
  svm.transform = ml::post_transform_attribute(l);
  for (const double weight : l.floats_attribute("coefficients", {})) {
    if (weight < 0) svm.weights_are_positive = false;
  }
  std::vector<int64_t> vectors_per_class = l.ints_attribute("vectors_per_class", {});
  for (const int64_t count : vectors_per_class) {
    if (count < 0) l.fail("vectors_per_class holds {}", count);
  }
  if (std::accumulate(vectors_per_class.begin(), vectors_per_class.end(), int64_t{0}) > 0) {
    classify_by_pairs(l, x, svm, std::move(vectors_per_class));
  } else {
    classify_linearly(l, x, svm);
  }
}
const RegisterOperator svm_classifier({.domain = "ai.onnx.ml",
                                       .name = "SVMClassifier",
                                       .versions = {1},
                                       .types = {{"T", ml::kFeatures}},
                                       .lower = lower_svm_classifier});

}  // namespace
}  // namespace o2w::onnx_frontend
