#include "compiler/passes/eliminate_transposes.h"

#include <unordered_map>

namespace o2w::passes {
namespace {

using ir::Node;
using ir::Region;
using ir::Value;

// For a node that only permutes dimensions: for each dimension of the input, which one of the output it is.
std::optional<std::vector<int>> permutation_of(const Node& node) {
  const auto* tabulate = node.as<ir::Tabulate>();
  if (tabulate == nullptr || node.inputs.size() != 1 || node.inputs[0]->type != node.outputs[0]->type)
    return std::nullopt;
  // A storage-only type is read and written back through its compute type, which changes nothing.
  const ir::ExprNode* body = tabulate->body.get();
  if (ir::is_storage_only(node.inputs[0]->type)) {
    for (int i = 0; i < 2 && body->op == ir::ExprOp::cast; ++i) body = body->args[0].get();
  }
  if (body->op != ir::ExprOp::read || body->args.size() != node.outputs[0]->shape.size()) return std::nullopt;
  std::vector<int> permutation;
  std::vector<bool> seen(body->args.size(), false);
  for (std::size_t k = 0; k < body->args.size(); ++k) {
    const ir::Expr& index = body->args[k];
    if (index->op != ir::ExprOp::index) return std::nullopt;
    const auto from = static_cast<std::size_t>(index->slot);
    if (from >= seen.size() || seen[from]) return std::nullopt;
    // A crop also reads at plain indices.
    if (node.inputs[0]->shape[k] != node.outputs[0]->shape[from]) return std::nullopt;
    seen[from] = true;
    permutation.push_back(index->slot);
  }
  return permutation;
}

bool is_identity(const std::vector<int>& permutation) {
  for (std::size_t k = 0; k < permutation.size(); ++k) {
    if (permutation[k] != static_cast<int>(k)) return false;
  }
  return true;
}

void set_permutation(Node& node, Value* input, const std::vector<int>& permutation) {
  std::vector<ir::Expr> indices;
  for (int k : permutation) indices.push_back(ir::index_var(k));
  const ir::Expr element = ir::read(0, input->type, std::move(indices));
  node.inputs = {input};
  node.attributes = ir::Tabulate{ir::cast(input->type, ir::cast(ir::compute_type(input->type), element))};
}

void run(Region& region, std::unordered_map<Value*, Value*>& replaced) {
  const auto replace = [&](std::vector<Value*>& values) {
    for (Value*& value : values) {
      if (const auto found = replaced.find(value); found != replaced.end()) value = found->second;
    }
  };
  for (const auto& node : region.nodes) {
    replace(node->inputs);
    for (Region* inner : ir::regions_of(*node)) run(*inner, replaced);
    std::optional<std::vector<int>> permutation = permutation_of(*node);
    if (!permutation) continue;
    const Node* before = node->inputs[0]->producer;
    if (const auto first = before != nullptr ? permutation_of(*before) : std::nullopt) {
      std::vector<int> composed;
      for (int k : *first) composed.push_back((*permutation)[static_cast<std::size_t>(k)]);
      permutation = std::move(composed);
      set_permutation(*node, before->inputs[0], *permutation);
    }
    if (is_identity(*permutation)) replaced[node->outputs[0]] = node->inputs[0];
  }
  replace(region.results);
}

}  // namespace

void eliminate_transposes(ir::Graph& graph) {
  std::unordered_map<Value*, Value*> replaced;
  run(graph.region, replaced);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) graph.outputs[i].value = graph.region.results[i];
}

}  // namespace o2w::passes
