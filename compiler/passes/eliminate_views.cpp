#include "compiler/passes/eliminate_views.h"

#include <unordered_map>

namespace o2w::passes {
namespace {

using ir::Node;
using ir::Region;
using ir::Value;

void run(Region& region, std::unordered_map<Value*, Value*>& replaced) {
  const auto replace = [&](std::vector<Value*>& values) {
    for (Value*& value : values) {
      if (const auto found = replaced.find(value); found != replaced.end()) value = found->second;
    }
  };
  for (const auto& node : region.nodes) {
    replace(node->inputs);
    for (Region* inner : ir::regions_of(*node)) run(*inner, replaced);
    if (!node->is<ir::View>()) continue;
    const Node* before = node->inputs[0]->producer;
    if (before != nullptr && before->is<ir::View>()) node->inputs[0] = before->inputs[0];
    const Value &from = *node->inputs[0], &to = *node->outputs[0];
    if (from.shape == to.shape && from.type == to.type) replaced[node->outputs[0]] = node->inputs[0];
  }
  replace(region.results);
  std::erase_if(region.nodes, [&](const std::unique_ptr<Node>& node) {
    return node->is<ir::View>() && replaced.count(node->outputs[0]) != 0;
  });
}

}  // namespace

void eliminate_views(ir::Graph& graph) {
  std::unordered_map<Value*, Value*> replaced;
  run(graph.region, replaced);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) graph.outputs[i].value = graph.region.results[i];
}

}  // namespace o2w::passes
