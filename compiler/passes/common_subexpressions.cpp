#include "compiler/passes/common_subexpressions.h"

#include <cstring>
#include <string_view>
#include <unordered_map>

namespace o2w::passes {
namespace {

using ir::Expr;
using ir::Node;
using ir::Region;
using ir::same;
using ir::Tensor;
using ir::Value;

void mix(std::size_t& seed, std::size_t value) {
  seed ^= value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2);
}
void mix(std::size_t& seed, const Expr& e) { mix(seed, ir::hash(e)); }
void mix(std::size_t& seed, const ir::Shape& shape) {
  for (const ir::Dim& dim : shape) mix(seed, dim.hash());
}
void mix(std::size_t& seed, const Tensor& tensor) {
  for (int64_t dim : tensor.dims()) mix(seed, static_cast<std::size_t>(dim));
  const std::string_view bytes(reinterpret_cast<const char*>(tensor.bytes()),
                               static_cast<std::size_t>(tensor.byte_count()));
  mix(seed, std::hash<std::string_view>{}(bytes));
}

// Nothing for kinds that are not merged.
std::optional<std::size_t> hash_of(const Node& node) {
  std::size_t seed = node.attributes.index();
  if (const auto* constant = node.as<ir::Constant>()) {
    mix(seed, constant->tensor);
  } else if (node.is<ir::Tabulate>() || node.is<ir::Reduce>() || node.is<ir::Scatter>()) {
    for (const Expr* e : ir::expressions_of(node)) mix(seed, *e);
  } else if (const auto* require = node.as<ir::Require>()) {
    mix(seed, ir::Shape{require->a, require->b});
  } else if (const auto* einsum = node.as<ir::Einsum>()) {
    mix(seed, std::hash<std::string>{}(einsum->lhs + "," + einsum->rhs + "," + einsum->out));
  } else if (!node.is<ir::Convolution>() && !node.is<ir::Concat>() && !node.is<ir::View>() &&
             !node.is<ir::Cumulative>() && !node.is<ir::Sort>() && !node.is<ir::Opaque>()) {
    return std::nullopt;
  }
  if (!ir::symbols_defined_by(node).empty()) return std::nullopt;
  for (const Value* input : node.inputs) mix(seed, std::hash<const void*>{}(input));
  for (const Value* output : node.outputs) mix(seed, output->shape);
  return seed;
}

bool same(const ir::Constant& a, const ir::Constant& b) { return a.tensor.same_bits(b.tensor); }
bool same(const ir::Tabulate& a, const ir::Tabulate& b) { return same(a.body, b.body); }
bool same(const ir::Reduce& a, const ir::Reduce& b) {
  return a.combiner == b.combiner && a.extents == b.extents && a.select_last == b.select_last &&
         same(a.body, b.body) && same(a.guard, b.guard);
}
bool same(const ir::Einsum& a, const ir::Einsum& b) {
  return a.lhs == b.lhs && a.rhs == b.rhs && a.out == b.out;
}
bool same(const ir::Convolution& a, const ir::Convolution& b) {
  return a.strides == b.strides && a.dilations == b.dilations && a.pads_begin == b.pads_begin &&
         a.group == b.group && a.transposed == b.transposed;
}
bool same(const ir::Concat& a, const ir::Concat& b) { return a.axis == b.axis; }
bool same(const ir::View&, const ir::View&) { return true; }
bool same(const ir::Scatter& a, const ir::Scatter& b) {
  if (a.combiner != b.combiner || a.extents != b.extents || a.target.size() != b.target.size()) return false;
  for (std::size_t k = 0; k < a.target.size(); ++k) {
    if (!same(a.target[k], b.target[k])) return false;
  }
  return same(a.body, b.body) && same(a.guard, b.guard);
}
bool same(const ir::Cumulative& a, const ir::Cumulative& b) {
  return a.combiner == b.combiner && a.axis == b.axis && a.exclusive == b.exclusive && a.reverse == b.reverse;
}
bool same(const ir::Sort& a, const ir::Sort& b) { return a.axis == b.axis && a.largest == b.largest; }
bool same(const ir::Require& a, const ir::Require& b) {
  return a.relation == b.relation && a.a == b.a && a.b == b.b;
}
bool same(const ir::Opaque& a, const ir::Opaque& b) {
  return a.routine == b.routine && a.ints == b.ints && a.floats == b.floats && a.capacity == b.capacity;
}
template <typename T>
bool same(const T&, const T&) {
  return false;  // the kinds that hash_of leaves out
}

bool same_node(const Node& a, const Node& b) {
  if (a.attributes.index() != b.attributes.index() || a.inputs != b.inputs ||
      a.outputs.size() != b.outputs.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.outputs.size(); ++i) {
    if (a.outputs[i]->type != b.outputs[i]->type || a.outputs[i]->shape != b.outputs[i]->shape) return false;
  }
  return std::visit(
      [&](const auto& kind) {
        using Kind = std::decay_t<decltype(kind)>;
        return same(kind, *b.as<Kind>());
      },
      a.attributes);
}

class Merger {
 public:
  void run(Region& region) {
    std::vector<Table::iterator> added;
    std::vector<const Node*> merged;
    for (const auto& node : region.nodes) {
      replace(node->inputs);
      for (Region* inner : ir::regions_of(*node)) run(*inner);
      const std::optional<std::size_t> hash = hash_of(*node);
      if (!hash) continue;
      if (const Node* earlier = find(*hash, *node)) {
        for (std::size_t i = 0; i < node->outputs.size(); ++i)
          replaced_[node->outputs[i]] = earlier->outputs[i];
        merged.push_back(node.get());
      } else {
        added.push_back(table_.emplace(*hash, node.get()));
      }
    }
    replace(region.results);
    const std::unordered_map<const Node*, bool> gone = [&] {
      std::unordered_map<const Node*, bool> set;
      for (const Node* node : merged) set[node] = true;
      return set;
    }();
    std::erase_if(region.nodes,
                  [&](const std::unique_ptr<Node>& node) { return gone.count(node.get()) != 0; });
    // What was computed in here is not there for the regions beside.
    for (const Table::iterator entry : added) table_.erase(entry);
  }

 private:
  using Table = std::unordered_multimap<std::size_t, Node*>;

  void replace(std::vector<Value*>& values) const {
    for (Value*& value : values) {
      if (const auto found = replaced_.find(value); found != replaced_.end()) value = found->second;
    }
  }
  const Node* find(std::size_t hash, const Node& node) const {
    const auto [begin, end] = table_.equal_range(hash);
    for (auto entry = begin; entry != end; ++entry) {
      if (same_node(*entry->second, node)) return entry->second;
    }
    return nullptr;
  }

  Table table_;
  std::unordered_map<Value*, Value*> replaced_;
};

}  // namespace

void merge_common_subexpressions(ir::Graph& graph) {
  Merger().run(graph.region);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) graph.outputs[i].value = graph.region.results[i];
  graph.collect_garbage();
}

}  // namespace o2w::passes
