#include "compiler/passes/fold_pads.h"

#include <limits>

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

// What a node puts around a tensor: how many elements before it, per dimension, and which value.
struct Padding {
  std::vector<Dim> before;
  double value = 0;
};

// A number, or the only element of a constant.
std::optional<double> number(const Node& node, const Expr& e) {
  if (e->op == ExprOp::literal) return e->literal.real;
  if (e->op != ExprOp::read) return std::nullopt;
  const ir::Tensor* constant = ir::constant_of(node.inputs[static_cast<std::size_t>(e->slot)]);
  if (constant == nullptr || constant->count() != 1) return std::nullopt;
  return constant->as_double(0);
}

std::optional<Padding> padding_of(const Node& node) {
  const auto* tabulate = node.as<ir::Tabulate>();
  if (tabulate == nullptr || node.outputs[0]->type != ir::DType::f32 ||
      tabulate->body->op != ExprOp::select) {
    return std::nullopt;
  }
  const Expr &condition = tabulate->body->args[0], &element = tabulate->body->args[1],
             &outside = tabulate->body->args[2];
  const std::optional<double> value = number(node, outside);
  if (!value || element->op != ExprOp::read || element->slot != 0 || node.inputs[0]->type != ir::DType::f32)
    return std::nullopt;
  const ir::Shape &from = node.inputs[0]->shape, &to = node.outputs[0]->shape;
  std::vector<Bound> bounds;
  if (element->args.size() != to.size() || !collect(condition, bounds)) return std::nullopt;
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
  return Padding{std::move(padding), *value};
}

// The padding of pictures only, not of batches and channels.
std::optional<Padding> picture_padding_of(const ir::Value& x) {
  if (x.producer == nullptr || x.rank() < 3) return std::nullopt;
  std::optional<Padding> padding = padding_of(*x.producer);
  for (std::size_t d = 0; padding && d < 2; ++d) {
    if (!padding->before[d].is(0) || x.producer->inputs[0]->shape[d] != x.shape[d]) return std::nullopt;
  }
  return padding;
}

bool fold_into_convolution(Node& node) {
  auto* convolution = std::get_if<ir::Convolution>(&node.attributes);
  if (convolution == nullptr || convolution->transposed) return false;
  const std::optional<Padding> padding = picture_padding_of(*node.inputs[0]);
  if (!padding || padding->value != 0) return false;
  for (std::size_t i = 0; i < convolution->pads_begin.size(); ++i)
    convolution->pads_begin[i] += padding->before[i + 2];
  node.inputs[0] = node.inputs[0]->producer->inputs[0];
  return true;
}

// --- Pools: what lies in the padding is left out of sums and maxima.

// Whether no element is below zero (some may be NaN), as far as its producers tell.
bool never_negative(const ir::Value& value, int depth);

bool never_negative(const Expr& e, const Node& node, int depth) {
  const auto argument = [&](std::size_t k) { return never_negative(e->args[k], node, depth); };
  switch (e->op) {
    case ExprOp::literal:
      return e->literal.real >= 0;
    case ExprOp::read:
      return depth > 0 && never_negative(*node.inputs[static_cast<std::size_t>(e->slot)], depth - 1);
    case ExprOp::abs:
    case ExprOp::exp:
    case ExprOp::sigmoid:
      return true;
    case ExprOp::max:
      return argument(0) || argument(1);
    case ExprOp::min:
    case ExprOp::add:
    case ExprOp::mul:
      return argument(0) && argument(1);
    case ExprOp::select:
      return argument(1) && argument(2);
    default:
      return false;
  }
}

bool never_negative(const ir::Value& value, int depth) {
  const Node* node = value.producer;
  if (node == nullptr || value.type != ir::DType::f32) return false;
  if (const auto* tabulate = node->as<ir::Tabulate>()) return never_negative(tabulate->body, *node, depth);
  return false;
}

// Every window along dimension `d` of the padded tensor `x`, at positions `at`, has an element that is no
// padding: the first does not end before it, and the last does not begin behind it.
bool reaches_inside(const Expr& at, const ir::Value& x, const Dim& before, const ir::Value& result,
                    const ir::Reduce& pool, int d) {
  const std::optional<ir::Affine> affine = ir::as_affine(at);
  if (!affine || affine->coefficients.size() != 2) return false;
  const auto [out, step] = *affine->coefficients.begin();
  const auto [place, dilation] = *affine->coefficients.rbegin();
  const int rank = result.rank();
  if (out != d || place < rank || !dilation.is(1) || step.lower() < 0) return false;
  const Dim window = pool.extents[static_cast<std::size_t>(place - rank)];
  const Dim size = x.producer->inputs[0]->shape[static_cast<std::size_t>(d)];
  const Dim last = affine->base + step * (result.shape[static_cast<std::size_t>(d)] - Dim(1));
  return ir::provably_less_equal(before, affine->base + window - Dim(1)) &&
         ir::provably_less_equal(last, before + size - Dim(1)) && ir::provably_less_equal(1, size);
}

bool fold_into_pool(Node& node) {
  auto* pool = std::get_if<ir::Reduce>(&node.attributes);
  if (pool == nullptr || node.inputs.size() != 1 || node.outputs[0]->type != ir::DType::f32 ||
      pool->body->op != ExprOp::read || node.outputs[0]->rank() != node.inputs[0]->rank()) {
    return false;
  }
  const ir::Value& x = *node.inputs[0];
  const std::optional<Padding> padding = picture_padding_of(x);
  if (!padding) return false;
  const ir::Shape& inner = x.producer->inputs[0]->shape;
  std::vector<Expr> indices = pool->body->args;
  Expr inside = pool->guard;
  bool all_reach = true;
  for (std::size_t d = 2; d < indices.size(); ++d) {
    const Dim& before = padding->before[d];
    if (before.is(0) && inner[d] == x.shape[d]) continue;
    all_reach =
        all_reach && reaches_inside(indices[d], x, before, *node.outputs[0], *pool, static_cast<int>(d));
    indices[d] = indices[d] - Expr(before);
    const auto check = [&](const Expr& one) { inside = inside.get() != nullptr ? inside && one : one; };
    if (before.upper() > 0) check(ir::ge(indices[d], Expr(0)));
    if ((inner[d] + before - x.shape[d]).lower() < 0) check(ir::lt(indices[d], Expr(inner[d])));
  }
  const bool leaves_sums = pool->combiner == ir::Combiner::sum && padding->value == 0;
  const bool leaves_maxima =
      pool->combiner == ir::Combiner::max &&
      (padding->value == -std::numeric_limits<double>::infinity() ||
       (padding->value == 0 && all_reach && never_negative(*x.producer->inputs[0], 4)));
  if (!leaves_sums && !leaves_maxima) return false;
  pool->body = ir::read(0, ir::DType::f32, std::move(indices));
  pool->guard = inside;
  node.inputs[0] = x.producer->inputs[0];
  return true;
}

void run(Region& region) {
  for (const auto& node : region.nodes) {
    for (Region* inner : ir::regions_of(*node)) run(*inner);
    while (fold_into_convolution(*node) || fold_into_pool(*node)) {
    }
  }
}

}  // namespace

void fold_pads(ir::Graph& graph) { run(graph.region); }

}  // namespace o2w::passes
