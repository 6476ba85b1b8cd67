#include "frontends/onnx/order.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>

namespace o2w::onnx_frontend {
namespace {

void add_captures(const NodeDef& node, std::set<std::string>& names) {
  for (const auto& [name, attribute] : node.attributes) {
    if (attribute.graph) names.merge(captured_names(*attribute.graph));
    for (const auto& graph : attribute.graphs) names.merge(captured_names(*graph));
  }
}

// Walks from any node that is left over back along producers that are left over: that must come around.
std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& producers,
                                    const std::vector<int>& waiting) {
  const auto left = [&](std::size_t node) { return waiting[node] > 0; };
  std::size_t node = 0;
  while (node < waiting.size() && !left(node)) ++node;
  if (node == waiting.size()) return {};
  std::vector<std::size_t> path;
  std::vector<int> seen_at(waiting.size(), -1);
  while (seen_at[node] < 0) {
    seen_at[node] = static_cast<int>(path.size());
    path.push_back(node);
    node = *std::find_if(producers[node].begin(), producers[node].end(), left);
  }
  path.erase(path.begin(), path.begin() + seen_at[node]);
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace

std::set<std::string> captured_names(const GraphDef& graph) {
  std::set<std::string> names;
  for (const NodeDef& node : graph.nodes) names.merge(names_read_by(node));
  for (const ValueDef& output : graph.outputs) names.insert(output.name);
  for (const NodeDef& node : graph.nodes) {
    for (const std::string& output : node.outputs) names.erase(output);
  }
  for (const ValueDef& input : graph.inputs) names.erase(input.name);
  for (const auto& [name, tensor] : graph.initializers) names.erase(name);
  return names;
}

std::set<std::string> names_read_by(const NodeDef& node) {
  std::set<std::string> names;
  for (const std::string& input : node.inputs) {
    if (!input.empty()) names.insert(input);
  }
  add_captures(node, names);
  return names;
}

NodeOrder order_nodes(const std::vector<NodeDef>& nodes, const std::vector<std::string>& wanted) {
  std::map<std::string, std::size_t> producer_of;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& output : nodes[i].outputs) {
      if (!output.empty()) producer_of.emplace(output, i);
    }
  }
  std::vector<std::vector<std::size_t>> producers(nodes.size());
  std::vector<bool> needed(nodes.size(), false);
  std::vector<std::size_t> pending;
  const auto need = [&](const std::string& name) -> std::optional<std::size_t> {
    const auto found = producer_of.find(name);
    if (found == producer_of.end()) return {};
    if (!needed[found->second]) {
      needed[found->second] = true;
      pending.push_back(found->second);
    }
    return found->second;
  };
  for (const std::string& name : wanted) need(name);
  while (!pending.empty()) {
    const std::size_t node = pending.back();
    pending.pop_back();
    for (const std::string& name : names_read_by(nodes[node])) {
      if (const auto producer = need(name)) producers[node].push_back(*producer);
    }
    std::sort(producers[node].begin(), producers[node].end());
    producers[node].erase(std::unique(producers[node].begin(), producers[node].end()), producers[node].end());
  }

  std::vector<std::vector<std::size_t>> consumers(nodes.size());
  std::vector<int> waiting(nodes.size(), 0);
  // Always the ready node that comes first in the file, so that a file in order stays in order.
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!needed[i]) continue;
    for (const std::size_t producer : producers[i]) consumers[producer].push_back(i);
    waiting[i] = static_cast<int>(producers[i].size());
    if (waiting[i] == 0) ready.push(i);
  }
  NodeOrder order;
  while (!ready.empty()) {
    const std::size_t node = ready.top();
    ready.pop();
    order.positions.push_back(node);
    for (const std::size_t consumer : consumers[node]) {
      if (--waiting[consumer] == 0) ready.push(consumer);
    }
  }
  order.cycle = find_cycle(producers, waiting);
  return order;
}

}  // namespace o2w::onnx_frontend
