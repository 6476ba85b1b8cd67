// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/softmax/softmax.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// The loss of log-probabilities [N, C, d..] for the classes `target` [N, d..], weighted per class (`weight`
// may be null), reduced as the attribute says.
Value* likelihood_loss(Lowering& l, Value* logs, Value* target, Value* weight, DType type) {
  l.expect_rank(logs, 2, 64, "input");
  l.expect_rank(target, logs->rank() - 1, logs->rank() - 1, "target");
  for (std::size_t d = 0; d < target->shape.size(); ++d) {
    require_equal(l, target->shape[d], logs->shape[d == 0 ? 0 : d + 1], "shapes of input and target");
  }
  if (weight != nullptr) {
    l.expect_rank(weight, 1, 1, "weight");
    require_equal(l, weight->shape[0], logs->shape[1], "size of weight and classes");
  }
  const std::string reduction = l.string_attribute("reduction", "mean");
  if (reduction != "none" && reduction != "sum" && reduction != "mean") {
    l.fail("attribute reduction is '{}', expected none, sum or mean", reduction);
  }
  const bool ignores = l.has_attribute("ignore_index");
  const int64_t ignored = l.int_attribute("ignore_index", -1);
  const DType compute = ir::compute_type(logs->type);
  const auto zero = ir::literal_of(compute, 0);

  // A class, checked against their number, and `make` of it; 0 for ignored targets.
  const auto of_class = [&](ir::Body& body, ir::Builder::Indices i,
                            const std::function<Expr(const Expr&)>& make) {
    const Expr label = body.at(target, {i.begin(), i.end()});
    const Expr value = make(ir::checked_index(ir::cast(DType::index, label), logs->shape[1]));
    return ignores ? select(eq(label, ir::literal_int(label->type, ignored)), zero, value) : value;
  };
  const auto weight_of = [&](ir::Body& body, const Expr& label) {
    return weight == nullptr ? ir::literal_of(compute, 1) : ir::cast(compute, body.at(weight, {label}));
  };
  const DType loss_type = reduction == "none" ? type : compute;
  Value* losses = l.b().tabulate(loss_type, target->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return of_class(body, i, [&](const Expr& label) {
      std::vector<Expr> indices(i.begin(), i.end());
      indices.insert(indices.begin() + 1, label);
      const Expr log = body.at(logs, std::move(indices));
      return weight == nullptr ? -log : -log * weight_of(body, label);
    });
  });
  if (reduction == "none") return losses;
  const auto all = axis_range(0, losses->rank());
  Value* sum = l.b().reduce_axes(ir::Combiner::sum, losses, all, false);
  if (reduction == "sum") return l.b().cast(sum, type);
  if (weight == nullptr && !ignores) {
    const Expr count = size_as(compute, ir::element_count(target->shape));
    return l.b().map(type, {sum}, [&](std::span<const Expr> e) { return e[0] / count; });
  }
  Value* weights = l.b().tabulate(compute, target->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return of_class(body, i, [&](const Expr& label) { return weight_of(body, label); });
  });
  Value* total = l.b().reduce_axes(ir::Combiner::sum, weights, all, false);
  return l.b().map(type, {sum, total}, [](std::span<const Expr> e) { return e[0] / e[1]; });
}

void lower_likelihood(Lowering& l) {
  Value* logs = l.input(0);
  l.output(0, likelihood_loss(l, logs, l.input(1), l.optional_input(2), logs->type));
}

void lower_cross_entropy(Lowering& l) {
  Value* scores = l.input(0);
  l.expect_rank(scores, 2, 64, "scores");
  Value* logs = log_softmax(l, scores, {1}, ir::compute_type(scores->type));
  l.output(0, likelihood_loss(l, logs, l.input(1), l.optional_input(2), scores->type));
  if (l.wants_output(1)) l.output(1, l.b().cast(logs, scores->type));
}

const RegisterOperator likelihood({.name = "NegativeLogLikelihoodLoss",
                                   .versions = {12, 13, 22},
                                   .types = {{"T", kFloats, inputs(0, 2)}, {"Tind", kIndices, inputs(1)}},
                                   .lower = lower_likelihood});
const RegisterOperator cross_entropy({.name = "SoftmaxCrossEntropyLoss",
                                      .versions = {12, 13},
                                      .types = {{"T", kFloats, inputs(0, 2)}, {"Tind", kIndices, inputs(1)}},
                                      .lower = lower_cross_entropy});

}  // namespace
}  // namespace o2w::onnx_frontend
