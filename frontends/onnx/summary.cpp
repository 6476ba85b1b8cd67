#include "frontends/onnx/summary.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "frontends/onnx/functions.h"
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ports.h"

namespace o2w::onnx_frontend {

using ir::Dim;

namespace {

constexpr int64_t most = std::numeric_limits<int64_t>::max();

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? most : sum;
}

// Counts nodes by operator. Each function's body is counted once and then added per call, so that calls of
// calls take no time.
class OperatorCounts {
 public:
  using Key = std::tuple<std::string, std::string, int64_t>;  // domain, name, opset
  using Counts = std::map<Key, int64_t>;
  using Opsets = std::map<std::string, int64_t>;

  explicit OperatorCounts(const ModelDef& model) : model_(model) {}

  Counts all() {
    Counts counts;
    add(model_.graph, model_.opset_imports, counts);
    return counts;
  }

 private:
  void add(const GraphDef& graph, const Opsets& opsets, Counts& counts) {
    for (const auto& [name, tensor] : graph.initializers) add_parameter(tensor);
    for (const NodeDef& node : graph.nodes) add(node, opsets, counts);
  }

  void add(const NodeDef& node, const Opsets& opsets, Counts& counts) {
    const auto import = opsets.find(node.domain);
    const auto fallback = model_.opset_imports.find(node.domain);
    const int64_t opset = import != opsets.end()                   ? import->second
                          : fallback != model_.opset_imports.end() ? fallback->second
                                                                   : std::numeric_limits<int32_t>::max();
    const FunctionDef* function = find_function(model_, node);
    const bool known = find_operator(node.domain, node.op_type, opset).op != nullptr;
    if (function != nullptr && !active_.contains(function) && (!known || !node.domain.empty())) {
      for (const auto& [key, count] : of(*function)) counts[key] = saturating_add(counts[key], count);
      return;
    }
    ++counts[{node.domain, node.op_type, opset}];
    for (const auto& [name, attribute] : node.attributes) {
      // Some exporters write all weights as Constant nodes.
      if (attribute.kind == AttributeDef::Kind::tensor) add_parameter(attribute.tensor);
      if (attribute.graph) add(*attribute.graph, opsets, counts);
      for (const auto& graph : attribute.graphs) add(*graph, opsets, counts);
    }
  }

  void add_parameter(const ir::Tensor& tensor) {
    parameters = saturating_add(parameters, tensor.count());
    parameter_bytes = saturating_add(parameter_bytes, tensor.byte_count());
  }

  const Counts& of(const FunctionDef& function) {
    const auto found = functions_.find(&function);
    if (found != functions_.end()) return found->second;
    Counts counts;
    // A function that calls itself is an error of the import; here its inner call counts as an operator.
    active_.insert(&function);
    for (const NodeDef& node : function.nodes) add(node, function.opset_imports, counts);
    active_.erase(&function);
    return functions_[&function] = std::move(counts);
  }

  const ModelDef& model_;
  std::map<const FunctionDef*, Counts> functions_;
  std::set<const FunctionDef*> active_;

 public:
  int64_t parameters = 0, parameter_bytes = 0;
};

Dim macs_of(const ir::Region& region);

Dim macs_of(const ir::Node& node) {
  if (const auto* einsum = node.as<ir::Einsum>()) {
    std::map<char, Dim> extents;
    const auto add = [&](const std::string& labels, const ir::Value* value) {
      for (std::size_t i = 0; i < labels.size(); ++i) extents.insert_or_assign(labels[i], value->shape[i]);
    };
    add(einsum->lhs, node.inputs[0]);
    add(einsum->rhs, node.inputs[1]);
    Dim product = 1;
    for (const auto& [label, extent] : extents) product *= extent;
    return product;
  }
  if (const auto* convolution = node.as<ir::Convolution>()) {
    const ir::Shape& filter = node.inputs[1]->shape;
    // Of the filter every element of the output (of the input, when transposed) meets one group's channels.
    Dim product = ir::element_count(convolution->transposed ? node.inputs[0]->shape : node.outputs[0]->shape);
    for (std::size_t i = 1; i < filter.size(); ++i) product *= filter[i];
    return product;
  }
  if (const auto* loop = node.as<ir::Loop>()) return macs_of(*loop->body) * loop->trip_count.value_or(Dim(1));
  if (const auto* branch = node.as<ir::If>())
    return ir::max(macs_of(*branch->then_region), macs_of(*branch->else_region));
  return 0;
}

Dim macs_of(const ir::Region& region) {
  Dim sum = 0;
  for (const auto& node : region.nodes) sum += macs_of(*node);
  return sum;
}

PortSummary declared(const ValueDef& def) {
  PortSummary summary{def.name, std::string(ir::user_name(def.type.element)), "?"};
  switch (def.type.kind) {
    case TypeDef::Kind::sequence:
    case TypeDef::Kind::optional: {
      const PortSummary element =
          def.type.inner ? declared({"", *def.type.inner}) : PortSummary{"", "unknown", ""};
      summary.type =
          fmt::format("{}({}{})", def.type.kind == TypeDef::Kind::sequence ? "sequence" : "optional",
                      element.type, element.shape);
      summary.shape.clear();
      return summary;
    }
    case TypeDef::Kind::map:
      summary.type = "map";
      break;
    case TypeDef::Kind::unknown:
      summary.type = "unknown";
      break;
    case TypeDef::Kind::tensor:
    case TypeDef::Kind::sparse:
      break;
  }
  if (!def.type.shape) return summary;
  summary.shape = "[";
  for (const DimDef& dim : *def.type.shape) {
    if (summary.shape.size() > 1) summary.shape += ", ";
    summary.shape += dim.value ? std::to_string(*dim.value) : dim.name.empty() ? "?" : dim.name;
  }
  summary.shape += "]";
  return summary;
}

void describe_ports(const ir::Graph& graph, ModelSummary& summary) {
  const auto describe = [](const ir::Port& port) {
    if (port.value->list && port.value->list->kind == ir::ListType::Kind::tensor) {
      return PortSummary{port.name, std::string(ir::user_name(port.value->list->element)), "[...]"};
    }
    if (port.value->list) return PortSummary{port.name, ir::to_string(*port.value->list), ""};
    return PortSummary{port.name, std::string(ir::user_name(port.value->type)),
                       ir::to_string(port.value->shape)};
  };
  std::map<std::string, DimSummary> dims;
  for (const ir::Port& port : graph.inputs) {
    summary.inputs.push_back(describe(port));
    for (const Dim& dim : port.value->shape) {
      const ir::SymbolRef symbol = dim.as_symbol();
      if (symbol == nullptr) continue;
      DimSummary& entry = dims[symbol->name];
      entry.name = symbol->name;
      entry.lower = symbol->lower;
      entry.upper = symbol->upper;
      if (entry.inputs.empty() || entry.inputs.back() != port.name) entry.inputs.push_back(port.name);
    }
  }
  for (const ir::Port& port : graph.outputs) summary.outputs.push_back(describe(port));
  for (auto& [name, dim] : dims) summary.dims.push_back(std::move(dim));
}

}  // namespace

ModelSummary summarize(const ModelDef& model, const ImportOptions& options, const ir::Graph* graph) {
  ModelSummary summary;
  summary.ir_version = model.ir_version;
  summary.producer = model.producer;
  OperatorCounts counts(model);
  for (const auto& [key, count] : counts.all()) {
    const auto& [domain, name, opset] = key;
    OperatorSummary& entry = summary.operators.emplace_back();
    entry.domain = domain;
    entry.name = name;
    entry.opset = opset;
    entry.count = count;
    if (const OperatorMatch match = find_operator(domain, name, opset); match.op != nullptr) {
      entry.version = match.version;
    }
    summary.nodes = saturating_add(summary.nodes, count);
  }
  summary.parameters = counts.parameters;
  summary.parameter_bytes = counts.parameter_bytes;

  if (graph != nullptr) {
    describe_ports(*graph, summary);
    summary.macs = macs_of(graph->region);
    return summary;
  }
  for (const ValueDef& input : model.graph.inputs) {
    if (is_port(model.graph, input, options)) summary.inputs.push_back(declared(input));
  }
  for (const ValueDef& output : model.graph.outputs) summary.outputs.push_back(declared(output));
  return summary;
}

}  // namespace o2w::onnx_frontend
