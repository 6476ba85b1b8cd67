#include "compiler/passes/separate_windows.h"

#include <algorithm>

namespace o2w::passes {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprOp;
using ir::Node;
using ir::Region;
using ir::Value;

// An index of what is read that moves with one variable of the result and one of the window.
struct Axis {
  std::size_t dim = 0;  // of what is read
  int out = -1, window = -1;
  int64_t stride = 1;
};

std::optional<Axis> axis_of(const Expr& index, std::size_t dim, int rank) {
  const std::optional<ir::Affine> affine = ir::as_affine(index);
  if (!affine || affine->coefficients.size() != 2) return std::nullopt;
  const auto& [out, stride] = *affine->coefficients.begin();
  const auto& [window, step] = *affine->coefficients.rbegin();
  if (out >= rank || window < rank || !stride.is_constant() || stride.value() < 1 || !step.is_constant())
    return std::nullopt;
  return Axis{dim, out, window, stride.value()};
}

void conjuncts(const Expr& condition, std::vector<Expr>& list) {
  if (condition.get() == nullptr) return;
  if (condition->op == ExprOp::logical_and) {
    for (const Expr& arg : condition->args) conjuncts(arg, list);
  } else {
    list.push_back(condition);
  }
}

Expr joined(const std::vector<Expr>& list) {
  Expr all;
  for (const Expr& one : list) all = all.get() != nullptr ? all && one : one;
  return all;
}

// The outer dimension of windows goes first: along it, neighbours of a row are taken in vectors, whichever
// way the picture lies.
struct Separation {
  Axis first, second;
  std::vector<Expr> of_first, of_second;  // conditions
};

std::optional<Separation> separation_of(const Node& node) {
  const auto* pool = node.as<ir::Reduce>();
  if (pool == nullptr || (pool->combiner != ir::Combiner::max && pool->combiner != ir::Combiner::min) ||
      pool->extents.size() != 2 || node.inputs.size() != 1 || pool->body->op != ExprOp::read ||
      node.inputs[0]->type != node.outputs[0]->type) {
    return std::nullopt;
  }
  const int rank = node.outputs[0]->rank();
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < pool->body->args.size(); ++d) {
    const Expr& index = pool->body->args[d];
    if (!ir::uses_index(index, rank) && !ir::uses_index(index, rank + 1)) continue;
    const std::optional<Axis> axis = axis_of(index, d, rank);
    if (!axis) return std::nullopt;
    axes.push_back(*axis);
  }
  if (axes.size() != 2 || axes[0].window == axes[1].window || axes[0].out == axes[1].out) return std::nullopt;
  Separation result{axes[0], axes[1], {}, {}};
  for (std::size_t d = 0; d < pool->body->args.size(); ++d) {
    if (d != axes[0].dim && ir::uses_index(pool->body->args[d], axes[0].out)) return std::nullopt;
  }
  // Comparisons of either way, for a result.
  const auto size = [&](const Axis& axis) {
    return pool->extents[static_cast<std::size_t>(axis.window - rank)].constant().value_or(0);
  };
  const int64_t kh = size(axes[0]), kw = size(axes[1]);
  constexpr int64_t another_pass = 4;  // as many as storing and loading what is between costs
  if (2 * kh * kw < 3 * (kh * axes[1].stride + kw) + 2 * another_pass) return std::nullopt;
  std::vector<Expr> conditions;
  conjuncts(pool->guard, conditions);
  for (const Expr& condition : conditions) {
    const bool with_first =
        ir::uses_index(condition, axes[0].out) || ir::uses_index(condition, axes[0].window);
    bool with_others = false;
    for (int v = 0; v < rank + 2; ++v)
      with_others = with_others || (v != axes[0].out && v != axes[0].window && ir::uses_index(condition, v));
    bool reads = false;
    ir::walk(condition, [&](const ir::ExprNode& e) { reads = reads || e.op == ExprOp::read; });
    if ((with_first && with_others) || reads) return std::nullopt;
    (with_first ? result.of_first : result.of_second).push_back(condition);
  }
  return result;
}

// The reduction along the first dimension, at all positions of the second; the node becomes that of its
// results.
std::unique_ptr<Node> separate(ir::Graph& graph, Node& node, const Separation& s) {
  auto& pool = std::get<ir::Reduce>(node.attributes);
  const Value& x = *node.inputs[0];
  const int rank = node.outputs[0]->rank(), x_rank = x.rank();
  const auto first_dim = static_cast<int>(s.first.dim);

  ir::Shape shape = x.shape;
  shape[s.first.dim] = node.outputs[0]->shape[static_cast<std::size_t>(s.first.out)];
  std::vector<Expr> values;
  for (int v = 0; v < rank + 2; ++v) {
    values.push_back(ir::index_var(v == s.first.out ? first_dim : v == s.first.window ? x_rank : v));
  }
  std::vector<Expr> indices;
  for (int d = 0; d < x_rank; ++d) indices.push_back(ir::index_var(d));
  indices[s.first.dim] = ir::substitute_indices(pool.body->args[s.first.dim], values);
  auto made = std::make_unique<Node>();
  ir::Reduce along_first;
  along_first.combiner = pool.combiner;
  along_first.extents = {pool.extents[static_cast<std::size_t>(s.first.window - rank)]};
  along_first.body = ir::read(0, x.type, std::move(indices));
  const Expr first_guard = joined(s.of_first);
  if (first_guard.get() != nullptr) along_first.guard = ir::substitute_indices(first_guard, values);
  made->attributes = std::move(along_first);
  made->inputs = {node.inputs[0]};
  made->origin = node.origin;
  Value* between = graph.new_value(x.type, std::move(shape));
  between->producer = made.get();
  made->outputs = {between};

  // The second dimension's window variable is the only one now.
  values.clear();
  for (int v = 0; v < rank + 2; ++v) values.push_back(ir::index_var(v == s.second.window ? rank : v));
  std::vector<Expr> places = pool.body->args;
  places[s.first.dim] = ir::index_var(s.first.out);
  for (Expr& index : places) index = ir::substitute_indices(index, values);
  pool.body = ir::read(0, x.type, std::move(places));
  const Expr second_guard = joined(s.of_second);
  pool.guard = second_guard.get() != nullptr ? ir::substitute_indices(second_guard, values) : Expr();
  pool.extents = {pool.extents[static_cast<std::size_t>(s.second.window - rank)]};
  node.inputs = {between};
  return made;
}

void run(ir::Graph& graph, Region& region) {
  for (std::size_t k = 0; k < region.nodes.size(); ++k) {
    for (Region* inner : ir::regions_of(*region.nodes[k])) run(graph, *inner);
    const std::optional<Separation> separation = separation_of(*region.nodes[k]);
    if (!separation) continue;
    auto first = separate(graph, *region.nodes[k], *separation);
    region.nodes.insert(region.nodes.begin() + static_cast<std::ptrdiff_t>(k), std::move(first));
    ++k;
  }
}

}  // namespace

void separate_windows(ir::Graph& graph) { run(graph, graph.region); }

}  // namespace o2w::passes
