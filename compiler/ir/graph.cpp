#include "compiler/ir/graph.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "compiler/support/error.h"

namespace o2w::ir {

const char* Node::kind_name() const {
  // In the order of the variant.
  static constexpr const char* kNames[] = {
      "constant", "tabulate", "reduce", "einsum",  "convolution", "concat", "view",   "scatter", "cumulative",
      "sort",     "compact",  "bind",   "require", "if",          "loop",   "random", "opaque"};
  static_assert(std::size(kNames) == std::variant_size_v<Attributes>);
  return kNames[attributes.index()];
}

Value* Graph::new_value(DType type, Shape shape, std::string value_name) {
  return new_value_numbered(next_id_, type, std::move(shape), std::move(value_name));
}

Value* Graph::new_value_numbered(int id, DType type, Shape shape, std::string value_name) {
  auto value = std::make_unique<Value>();
  value->id = id;
  value->name = std::move(value_name);
  value->type = type;
  value->shape = std::move(shape);
  next_id_ = std::max(next_id_, id + 1);
  values_.push_back(std::move(value));
  return values_.back().get();
}

SymbolRef Graph::new_symbol(const std::string& hint, int64_t lower, int64_t upper, bool from_input) {
  const std::string stem = hint.empty() ? "n" : hint;
  std::string unique = stem;
  // Resumes counting where the last symbol of this stem left off: names stay unique without a search per
  // symbol.
  for (int& suffix = suffixes_[stem]; symbols_.count(unique) != 0;)
    unique = fmt::format("{}_{}", stem, ++suffix);
  auto symbol = std::make_shared<Symbol>(Symbol{unique, lower, upper, from_input});
  symbols_[unique] = symbol;
  return symbol;
}

void Graph::tighten(const std::string& symbol_name, int64_t lower, int64_t upper) {
  const auto found = symbols_.find(symbol_name);
  ensure(found != symbols_.end(), "bounds for a symbol that is not the graph's");
  found->second->lower = std::max(found->second->lower, lower);
  found->second->upper = std::min(found->second->upper, upper);
}

SymbolRef Graph::find_symbol(const std::string& symbol_name) const {
  const auto found = symbols_.find(symbol_name);
  return found == symbols_.end() ? nullptr : found->second;
}

void Graph::collect_garbage() {
  std::set<const Value*> used;
  for (const Port& port : inputs) used.insert(port.value);
  for (const Port& port : outputs) used.insert(port.value);
  const auto mark_region = [&](const Region& marked) {
    used.insert(marked.parameters.begin(), marked.parameters.end());
    used.insert(marked.results.begin(), marked.results.end());
  };
  mark_region(region);
  for_each_node(static_cast<const Region&>(region), [&](const Node& node) {
    used.insert(node.inputs.begin(), node.inputs.end());
    used.insert(node.outputs.begin(), node.outputs.end());
    for (const Region* inner : regions_of(node)) mark_region(*inner);
  });
  std::erase_if(values_, [&](const std::unique_ptr<Value>& value) { return used.count(value.get()) == 0; });
}

const Tensor* constant_of(const Value* value) {
  if (value->producer == nullptr) return nullptr;
  const auto* constant = value->producer->as<Constant>();
  return constant != nullptr ? &constant->tensor : nullptr;
}

void for_each_node(Region& region, const std::function<void(Node&, Region&)>& visit) {
  for (const auto& node : region.nodes) {
    visit(*node, region);
    for (Region* inner : regions_of(*node)) for_each_node(*inner, visit);
  }
}

void for_each_node(const Region& region, const std::function<void(const Node&)>& visit) {
  for (const auto& node : region.nodes) {
    visit(*node);
    for (const Region* inner : regions_of(static_cast<const Node&>(*node))) for_each_node(*inner, visit);
  }
}

std::vector<const Region*> regions_of(const Node& node) {
  if (const auto* branch = node.as<If>()) return {branch->then_region.get(), branch->else_region.get()};
  if (const auto* loop = node.as<Loop>()) return {loop->body.get()};
  return {};
}

std::vector<Region*> regions_of(Node& node) {
  if (auto* branch = node.as<If>()) return {branch->then_region.get(), branch->else_region.get()};
  if (auto* loop = node.as<Loop>()) return {loop->body.get()};
  return {};
}

namespace {

template <typename NodeT, typename ExprT>
std::vector<ExprT*> collect_expressions(NodeT& node) {
  std::vector<ExprT*> found;
  const auto add = [&](ExprT& expression) {
    if (expression) found.push_back(&expression);
  };
  if (auto* tabulate = node.template as<Tabulate>()) {
    add(tabulate->body);
  } else if (auto* reduce = node.template as<Reduce>()) {
    add(reduce->body);
    add(reduce->guard);
  } else if (auto* scatter = node.template as<Scatter>()) {
    for (auto& target : scatter->target) add(target);
    add(scatter->body);
    add(scatter->guard);
  }
  return found;
}

}  // namespace

std::vector<Expr*> expressions_of(Node& node) { return collect_expressions<Node, Expr>(node); }

std::vector<const Expr*> expressions_of(const Node& node) {
  return collect_expressions<const Node, const Expr>(node);
}

std::vector<Dim> dims_of(const Node& node) {
  std::vector<Dim> dims;
  const auto add = [&](const Shape& shape) { dims.insert(dims.end(), shape.begin(), shape.end()); };
  for (const Value* output : node.outputs) add(output->shape);
  if (const auto* reduce = node.as<Reduce>()) {
    add(reduce->extents);
  } else if (const auto* scatter = node.as<Scatter>()) {
    add(scatter->extents);
  } else if (const auto* convolution = node.as<Convolution>()) {
    add(convolution->pads_begin);
  } else if (const auto* require = node.as<Require>()) {
    add({require->a, require->b});
  } else if (const auto* loop = node.as<Loop>()) {
    if (loop->trip_count) dims.push_back(*loop->trip_count);
  } else if (const auto* opaque = node.as<Opaque>()) {
    for (const Shape& shape : opaque->capacity) add(shape);
  }
  return dims;
}

std::vector<std::string> symbols_used_by(const Node& node) {
  std::set<std::string> names;
  const auto add = [&](const Dim& dim) {
    if (dim.is_constant()) return;
    for (const SymbolRef& symbol : dim.symbols()) names.insert(symbol->name);
  };
  for (const Dim& dim : dims_of(node)) add(dim);
  for (const Expr* expression : expressions_of(node)) {
    walk(*expression, [&](const ExprNode& part) { add(part.dim); });
  }
  return {names.begin(), names.end()};
}

std::vector<SymbolRef> symbols_defined_by(const Node& node) {
  std::vector<SymbolRef> found;
  const auto add = [&](const SymbolRef& symbol) {
    if (symbol) found.push_back(symbol);
  };
  const auto add_all = [&](const std::vector<SymbolRef>& symbols) {
    for (const SymbolRef& symbol : symbols) add(symbol);
  };
  if (const auto* compact = node.as<Compact>()) {
    add(compact->count);
  } else if (const auto* bind = node.as<Bind>()) {
    add_all(bind->symbols);
  } else if (const auto* branch = node.as<If>()) {
    add_all(branch->result_symbols);
  } else if (const auto* loop = node.as<Loop>()) {
    add(loop->iterations);
    add_all(loop->carried_symbols);
    add_all(loop->result_symbols);
  } else if (const auto* opaque = node.as<Opaque>()) {
    add_all(opaque->counts);
  }
  return found;
}

std::map<const Value*, int> count_uses(const Graph& graph) {
  std::map<const Value*, int> uses;
  for (const Value* result : graph.region.results) ++uses[result];
  for_each_node(graph.region, [&](const Node& node) {
    for (const Value* input : node.inputs) ++uses[input];
    for (const Region* inner : regions_of(node)) {
      for (const Value* result : inner->results) ++uses[result];
    }
  });
  return uses;
}

void replace_uses(Graph& graph, Value* from, Value* to) {
  const auto replace_in = [&](std::vector<Value*>& values) {
    std::replace(values.begin(), values.end(), from, to);
  };
  replace_in(graph.region.results);
  for (Port& port : graph.outputs) {
    if (port.value == from) port.value = to;
  }
  for_each_node(graph.region, [&](Node& node, Region&) {
    replace_in(node.inputs);
    for (Region* inner : regions_of(node)) replace_in(inner->results);
  });
}

}  // namespace o2w::ir
