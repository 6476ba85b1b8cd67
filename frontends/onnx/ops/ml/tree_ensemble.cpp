// TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble: a routine walks the trees and combines what
// their leaves give; what becomes of these scores is said here, as ONNX Runtime does it.
#include <algorithm>
#include <set>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/ml/scores.h"
#include "frontends/onnx/ops/ml/tree_attributes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::DType;
using ir::Expr;
using ir::Value;
using Indices = ir::Builder::Indices;

enum class Aggregate : uint8_t { average, sum, min, max };  // in the order of TreeEnsemble-5's numbers

trees::Aggregate combination(Aggregate aggregate) {
  if (aggregate == Aggregate::min) return trees::kMin;
  return aggregate == Aggregate::max ? trees::kMax : trees::kSum;
}

Aggregate aggregate_attribute(Lowering& l) {
  const std::string name = l.string_attribute("aggregate_function", "SUM");
  if (name == "AVERAGE") return Aggregate::average;
  if (name == "SUM") return Aggregate::sum;
  if (name == "MIN") return Aggregate::min;
  if (name == "MAX") return Aggregate::max;
  l.fail("aggregate_function is '{}', but must be AVERAGE, SUM, MIN or MAX", name);
}

// Scores [rows, targets] of x's type, averaged and with the base values added.
Value* regression(Lowering& l, Value* x, const ml::TreeEnsembleDef& ensemble, Aggregate aggregate,
                  const std::vector<double>& base_values) {
  const ml::TreeScores trees = ml::score_trees(l, x, ensemble, combination(aggregate));
  const bool has_base = !base_values.empty();
  if (has_base && static_cast<int64_t>(base_values.size()) != ensemble.targets) {
    l.fail("there are {} base values for {} targets", base_values.size(), ensemble.targets);
  }
  Value* base = has_base ? ml::constant_numbers(l, x->type, {ensemble.targets}, base_values) : nullptr;
  return l.b().tabulate(x->type, trees.scores->shape, [&](ir::Body& body, Indices i) {
    Expr score = body.at(trees.scores, {i[0], i[1]});
    if (aggregate == Aggregate::average) score = score / static_cast<double>(ensemble.roots.size());
    if (!has_base) return score;
    score = score + body.at(base, {i[1]});
    // Of several targets, one that no tree has a weight for stays zero.
    return ensemble.targets == 1 ? score : ir::select(body.at(trees.scored, {i[0], i[1]}), score, Expr(0.0));
  });
}

// A single score is no distribution: only the transformation that looks at one score is applied.
Value* finished(Lowering& l, Value* scores, int64_t targets, ml::PostTransform transform, DType type) {
  if (transform == ml::PostTransform::none || (targets == 1 && transform != ml::PostTransform::probit)) {
    return l.b().cast(scores, type);
  }
  return l.b().cast(ml::transformed(l, l.b().cast(scores, DType::f32), transform), type);
}

void lower_tree_regressor(Lowering& l) {
  ml::TreeEnsembleDef ensemble = ml::listed_trees(l, "target");
  ensemble.targets = l.int_attribute("n_targets", 0);
  Value* x = ml::rows_input(l, 0, ml::threshold_type(l, 0));
  Value* scores = regression(l, x, ensemble, aggregate_attribute(l), ml::numbers_attribute(l, "base_values"));
  l.output(0, finished(l, scores, ensemble.targets, ml::post_transform_attribute(l), DType::f32));
}
const RegisterOperator tree_regressor({.domain = "ai.onnx.ml",
                                       .name = "TreeEnsembleRegressor",
                                       .versions = {1, 3, 5},
                                       .types = {{"T", ml::kFeatures}},
                                       .lower = lower_tree_regressor});

void lower_tree_ensemble(Lowering& l) {
  ml::TreeEnsembleDef ensemble = ml::tensor_trees(l);
  ensemble.targets = l.int_attribute("n_targets");
  const int64_t aggregate = l.int_attribute("aggregate_function", 1);
  if (aggregate < 0 || aggregate > 3) l.fail("aggregate_function is {}, but must be 0 to 3", aggregate);
  const int64_t transform = l.int_attribute("post_transform", 0);
  if (transform < 0 || transform > 4) l.fail("post_transform is {}, but must be 0 to 4", transform);
  const DType type = l.input(0)->type;
  Value* x = ml::rows_input(l, 0, ml::threshold_type(l, 0));
  Value* scores = regression(l, x, ensemble, static_cast<Aggregate>(aggregate), {});
  l.output(0, finished(l, scores, ensemble.targets, static_cast<ml::PostTransform>(transform), type));
}
const RegisterOperator tree_ensemble({.domain = "ai.onnx.ml",
                                      .name = "TreeEnsemble",
                                      .versions = {5},
                                      .types = {{"T", {DType::f16, DType::f32, DType::f64}}},
                                      .lower = lower_tree_ensemble});

// --- Classification.

struct Classifier {
  ml::Labels labels;
  std::vector<double> base_values;
  ml::PostTransform transform;
  // All weights belong to one of two classes: one score decides.
  bool binary = false;
  bool weights_are_positive = true;
};

// Three classes and more: the best score wins.
void classify_many(Lowering& l, const Classifier& classifier, const ml::TreeScores& trees) {
  ir::Builder& b = l.b();
  const DType type = trees.scores->type;
  Value* scores = trees.scores;
  Value* best = nullptr;
  if (!classifier.base_values.empty()) {
    Value* base = ml::constant_numbers(l, type, {scores->shape[1].value()}, classifier.base_values);
    scores = b.map(type, {scores, base}, [](std::span<const Expr> e) { return e[0] + e[1]; });
    best = b.reduce_axes(Combiner::arg_max, scores, {1}, false);
  } else {
    // Classes that no tree has a weight for do not take part.
    best = b.reduce(Combiner::arg_max, DType::i64, {scores->shape[0]}, {scores->shape[1]},
                    [&](ir::Body& body, Indices i) {
                      return ir::select(body.at(trees.scored, {i[0], i[1]}), body.at(scores, {i[0], i[1]}),
                                        ir::lowest_of(type));
                    });
  }
  l.output(0, classifier.labels.at(l, best));
  l.output(1, ml::transformed(l, b.cast(scores, DType::f32), classifier.transform));
}

// Two classes. Where only the first has a score, that one decides and both classes' scores follow from it.
void classify_two(Lowering& l, const Classifier& classifier, const ml::TreeScores& trees) {
  ir::Builder& b = l.b();
  const DType type = trees.scores->type;
  const ir::Dim rows = trees.scores->shape[0];
  const std::vector<double>& base = classifier.base_values;
  if (base.size() > 2) l.fail("there are {} base values for two classes", base.size());
  const auto scored = [&](ir::Body& body, const Expr& row, int k) { return body.at(trees.scored, {row, k}); };

  Value* values = b.tabulate(type, {rows, 2}, [&](ir::Body& body, Indices i) {
    Expr first = body.at(trees.scores, {i[0], 0}), second = body.at(trees.scores, {i[0], 1});
    if (base.size() == 1) first = first + base[0];
    if (base.size() == 2) {
      // As ONNX Runtime has it, though nobody says what two base values mean here.
      const Expr alone = second + base[1], both = first + base[1];
      second = ir::select(scored(body, i[0], 1), both, alone);
      first = ir::select(scored(body, i[0], 1), -both, first + base[0]);
    }
    const Expr value = ir::select(ir::eq(i[1], 0), first, second);
    return ir::select(body.at(trees.scored, {i[0], i[1]}), value, Expr(0.0));
  });
  const double threshold = classifier.binary && classifier.weights_are_positive ? 0.5 : 0.0;
  Value* positive = b.tabulate(DType::i64, {rows}, [&](ir::Body& body, Indices i) {
    const Expr score =
        ir::select(scored(body, i[0], 1), body.at(values, {i[0], 1}), body.at(values, {i[0], 0}));
    return ir::cast(DType::i64, ir::gt(score, threshold));
  });
  // Scores of both classes are not compared, and the labels are then 0 and 1 whatever the model calls its
  // classes.
  const bool own_labels = classifier.binary || classifier.labels.are_strings();
  l.output(0, (own_labels ? classifier.labels : ml::Labels(std::vector<int64_t>{0, 1})).at(l, positive));

  Value* narrow = b.cast(values, DType::f32);
  Value* both = ml::transformed(l, narrow, classifier.transform);
  if (base.size() == 2) {
    l.output(1, both);
    return;
  }
  l.output(1, b.tabulate(DType::f32, {rows, 2}, [&](ir::Body& body, Indices i) {
    const Expr score = body.at(narrow, {i[0], 0});
    Expr first = score, second = ir::literal_of(DType::f32, 0);
    if (classifier.transform == ml::PostTransform::probit) {
      first = ml::probit(score);
    } else if (classifier.binary || base.empty()) {
      const bool complement = classifier.binary && classifier.weights_are_positive;
      if (classifier.transform == ml::PostTransform::logistic) {
        first = ir::unary(ir::ExprOp::sigmoid, -score);
        second = ir::unary(ir::ExprOp::sigmoid, score);
      } else {
        first = complement ? Expr(1.0) - score : -score;
        second = score;
      }
    }
    return ir::select(scored(body, i[0], 1), body.at(both, {i[0], i[1]}),
                      ir::select(ir::eq(i[1], 0), first, second));
  }));
}

void classify_one(Lowering& l, const Classifier& classifier, const ml::TreeScores& trees) {
  ir::Builder& b = l.b();
  if (classifier.base_values.size() > 1)
    l.fail("there are {} base values for one class", classifier.base_values.size());
  const double base = classifier.base_values.empty() ? 0 : classifier.base_values[0];
  Value* scores = b.map1(trees.scores, [&](const Expr& score) { return score + base; });
  Value* positive = b.tabulate(DType::i64, {scores->shape[0]}, [&](ir::Body& body, Indices i) {
    return ir::cast(DType::i64, ir::gt(body.at(scores, {i[0], 0}), 0.0));
  });
  l.output(0, classifier.labels.for_two_classes().at(l, positive));
  l.output(1, finished(l, scores, 1, classifier.transform, DType::f32));
}

void lower_tree_classifier(Lowering& l) {
  ml::TreeEnsembleDef ensemble = ml::listed_trees(l, "class");
  Classifier classifier{.labels = ml::Labels(l, "classlabels_strings", "classlabels_int64s"),
                        .base_values = ml::numbers_attribute(l, "base_values"),
                        .transform = ml::post_transform_attribute(l)};
  ensemble.targets = static_cast<int64_t>(classifier.labels.count());
  std::set<int64_t> classes;
  for (const ml::LeafWeight& weight : ensemble.weights) {
    classes.insert(weight.target);
    if (weight.value < 0) classifier.weights_are_positive = false;
  }
  classifier.binary = ensemble.targets == 2 && classes.size() == 1;
  if (ensemble.targets > 2 && !classifier.base_values.empty() &&
      classifier.base_values.size() != classifier.labels.count()) {
    l.fail("there are {} base values for {} classes", classifier.base_values.size(), ensemble.targets);
  }
  Value* x = ml::rows_input(l, 0, ml::threshold_type(l, 0));
  const ml::TreeScores trees = ml::score_trees(l, x, ensemble, trees::kSum);
  if (ensemble.targets == 1) return classify_one(l, classifier, trees);
  if (ensemble.targets == 2) return classify_two(l, classifier, trees);
  classify_many(l, classifier, trees);
}
const RegisterOperator tree_classifier({.domain = "ai.onnx.ml",
                                        .name = "TreeEnsembleClassifier",
                                        .versions = {1, 3, 5},
                                        .types = {{"T", ml::kFeatures}},
                                        .lower = lower_tree_classifier});

}  // namespace
}  // namespace o2w::onnx_frontend
