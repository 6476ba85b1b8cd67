#include "compiler/passes/fold_pads.h"

namespace o2w::passes {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprOp;
using ir::Node;
using ir::Region;

// What a comparison says: variable number `variable`, times `sign`, plus `base` is at least zero.
struct Bound {
  int variable = -1;
  int sign = 1;
  Dim base;
};

std::optional<Bound> bound_of(const Expr& comparison) {
  if (comparison->args.size() != 2) return std::nullopt;
  const std::optional<ir::Affine> a = ir::as_affine(comparison->args[0]),
                                  b = ir::as_affine(comparison->args[1]);
  if (!a || !b) return std::nullopt;
  const bool less = comparison->op == ExprOp::lt || comparison->op == ExprOp::le;
  const ir::Affine &large = less ? *b : *a, &small = less ? *a : *b;
  Dim base = large.base - small.base;
  switch (comparison->op) {
    case ExprOp::ge:
    case ExprOp::le:
      break;
    case ExprOp::gt:
    case ExprOp::lt:
      base = base - Dim(1);
      break;
    default:
      return std::nullopt;
  }
  if (large.coefficients.size() + small.coefficients.size() != 1) return std::nullopt;
  const auto& [variable, coefficient] = *(large.coefficients.empty() ? small : large).coefficients.begin();
  if (!coefficient.is(1)) return std::nullopt;
  return Bound{variable, large.coefficients.empty() ? -1 : 1, base};
}

// All conditions that an expression joins by `and`; false if one is no comparison of an index variable.
bool collect(const Expr& condition, std::vector<Bound>& bounds) {
  if (condition->op == ExprOp::logical_and)
    return collect(condition->args[0], bounds) && collect(condition->args[1], bounds);
  const std::optional<Bound> bound = bound_of(condition);
  if (bound) bounds.push_back(*bound);
  return bound.has_value();
}

// For a node that puts zeros around a tensor: how many before it, per dimension.
std::optional<std::vector<Dim>> padding_of(const Node& node) {
  const auto* tabulate = node.as<ir::Tabulate>();
  if (tabulate == nullptr || node.inputs.size() != 1 || node.inputs[0]->type != ir::DType::f32 ||
      node.outputs[0]->type != ir::DType::f32 || tabulate->body->op != ExprOp::select) {
    return std::nullopt;
  }
  const Expr &condition = tabulate->body->args[0], &element = tabulate->body->args[1],
             &outside = tabulate->body->args[2];
  const ir::Shape &from = node.inputs[0]->shape, &to = node.outputs[0]->shape;
  const bool is_zero = outside->op == ExprOp::literal && outside->literal.real == 0;
  std::vector<Bound> bounds;
  if (!is_zero || element->op != ExprOp::read || element->args.size() != to.size() ||
      !collect(condition, bounds))
    return std::nullopt;
  std::vector<Dim> padding;
  for (std::size_t d = 0; d < to.size(); ++d) {
    const std::optional<ir::Affine> index = ir::as_affine(element->args[d]);
    if (!index || index->coefficients.size() != 1 ||
        index->coefficients.begin()->first != static_cast<int>(d) ||
        !index->coefficients.begin()->second.is(1)) {
      return std::nullopt;
    }
    padding.push_back(Dim(0) - index->base);
    if (padding.back().lower() < 0) return std::nullopt;
  }
  // Every condition keeps an index inside the tensor, and together they keep all.
  std::vector<bool> from_below(to.size(), false), from_above(to.size(), false);
  for (const Bound& bound : bounds) {
    const auto d = static_cast<std::size_t>(bound.variable);
    if (d >= to.size()) return std::nullopt;
    const Dim inside = bound.sign > 0 ? Dim(0) - padding[d] : from[d] + padding[d] - Dim(1);
    if (bound.base != inside) return std::nullopt;
    (bound.sign > 0 ? from_below : from_above)[d] = true;
  }
  for (std::size_t d = 0; d < to.size(); ++d) {
    if ((!from_below[d] && padding[d].upper() > 0) ||
        (!from_above[d] && (from[d] + padding[d] - to[d]).lower() < 0))
      return std::nullopt;
  }
  return padding;
}

bool fold(Node& node) {
  auto* convolution = std::get_if<ir::Convolution>(&node.attributes);
  if (convolution == nullptr || convolution->transposed || node.inputs[0]->producer == nullptr) return false;
  const Node& pad = *node.inputs[0]->producer;
  const std::optional<std::vector<Dim>> padding = padding_of(pad);
  if (!padding) return false;
  for (std::size_t d = 0; d < 2; ++d) {
    if (!(*padding)[d].is(0) || pad.inputs[0]->shape[d] != pad.outputs[0]->shape[d]) return false;
  }
  for (std::size_t i = 0; i < convolution->pads_begin.size(); ++i)
    convolution->pads_begin[i] += (*padding)[i + 2];
  node.inputs[0] = pad.inputs[0];
  return true;
}

void run(Region& region) {
  for (const auto& node : region.nodes) {
    for (Region* inner : ir::regions_of(*node)) run(*inner);
    while (fold(*node)) {
    }
  }
}

}  // namespace

void fold_pads(ir::Graph& graph) { run(graph.region); }

}  // namespace o2w::passes
