#include "compiler/passes/dead_code.h"

#include <unordered_map>
#include <unordered_set>

namespace o2w::passes {
namespace {

using ir::Node;
using ir::Region;
using ir::Value;

class Liveness {
 public:
  explicit Liveness(const ir::Graph& graph) {
    ir::for_each_node(graph.region, [&](const Node& node) {
      for (const ir::SymbolRef& symbol : ir::symbols_defined_by(node)) definers_[symbol->name] = &node;
    });
    mark_region(graph.region);
    while (!pending_.empty()) {
      const Node* node = pending_.back();
      pending_.pop_back();
      visit(*node);
    }
  }

  bool is_live(const Node& node) const { return live_.count(&node) != 0; }

 private:
  void mark(const Node* node) {
    if (node != nullptr && live_.insert(node).second) pending_.push_back(node);
  }
  void mark_symbols(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (const auto found = definers_.find(name); found != definers_.end()) mark(found->second);
    }
  }
  void mark_shape(const ir::Shape& shape) {
    for (const ir::Dim& dim : shape) {
      for (const ir::SymbolRef& symbol : dim.symbols()) mark_symbols({symbol->name});
    }
  }
  // What a region is run for: its results and its checks.
  void mark_region(const Region& region) {
    for (const Value* parameter : region.parameters) mark_shape(parameter->shape);
    for (const Value* result : region.results) mark(result->producer);
    for (const auto& node : region.nodes) {
      if (node->is<ir::Require>()) mark(node.get());
    }
  }
  void visit(const Node& node) {
    for (const Value* input : node.inputs) mark(input->producer);
    mark_symbols(ir::symbols_used_by(node));
    for (const Region* region : ir::regions_of(node)) mark_region(*region);
  }

  std::unordered_map<std::string, const Node*> definers_;
  std::unordered_set<const Node*> live_;
  std::vector<const Node*> pending_;
};

void sweep(Region& region, const Liveness& liveness) {
  std::erase_if(region.nodes, [&](const std::unique_ptr<Node>& node) { return !liveness.is_live(*node); });
  for (const auto& node : region.nodes) {
    for (Region* inner : ir::regions_of(*node)) sweep(*inner, liveness);
  }
}

}  // namespace

void remove_dead_code(ir::Graph& graph) {
  const Liveness liveness(graph);
  sweep(graph.region, liveness);
  graph.collect_garbage();
}

}  // namespace o2w::passes
