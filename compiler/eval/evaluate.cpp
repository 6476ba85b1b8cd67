#include "compiler/eval/evaluate.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "compiler/eval/node_eval.h"
#include "compiler/eval/routines.h"
#include "compiler/support/error.h"

namespace o2w::eval {

using ir::DType;
using ir::Node;
using ir::Region;
using ir::Tensor;
using ir::Value;

namespace {

// Larger than any tensor a module could address; keeps products of sizes in range.
constexpr int64_t largest_byte_count = int64_t{1} << 40;

std::string list(const std::vector<int64_t>& dims) {
  std::string text = "[";
  for (std::size_t k = 0; k < dims.size(); ++k) text += (k == 0 ? "" : ", ") + std::to_string(dims[k]);
  return text + "]";
}

// Contents mapped from a file may lie at any address: those go through a copy in `copies` (whose capacity
// must suffice).
const Tensor* aligned_for_type(const Tensor* tensor, std::vector<Tensor>& copies) {
  const auto size = static_cast<std::uintptr_t>(ir::byte_size(tensor->type()));
  if (size <= 1 || reinterpret_cast<std::uintptr_t>(tensor->bytes()) % std::min<std::uintptr_t>(size, 8) == 0)
    return tensor;
  copies.push_back(*tensor);
  copies.back().mutable_bytes();
  return &copies.back();
}

// Values of the nodes of one or more nested regions while they run.
class Machine {
 public:
  explicit Machine(SymbolValues symbols) : symbols_(std::move(symbols)) {}

  void run(const Region& region);
  void set(const Value* value, Tensor tensor);
  const Tensor& get(const Value* value) const;
  SymbolValues& symbols() { return symbols_; }
  std::vector<Tensor> compute(const Node& node, const std::vector<const Tensor*>& inputs);

 private:
  // For every node of a region, the values that nobody reads after it.
  using Releases = std::vector<std::vector<const Value*>>;
  const Releases& releases_of(const Region& region);

  void run_node(const Node& node);
  void bind(const Node& node, const ir::Bind& bind);
  void require(const Node& node, const ir::Require& require);
  std::vector<Tensor> run_if(const Node& node, const ir::If& branch);
  std::vector<Tensor> run_loop(const Node& node, const ir::Loop& loop);
  std::vector<Tensor> run_routine(const NodeCall& call, const ir::Opaque& opaque);
  void define(const std::vector<ir::SymbolRef>& symbols, const ir::Shape& shape,
              const std::vector<int64_t>& sizes);
  void define_all(const std::vector<ir::SymbolRef>& symbols, const Node& node,
                  const std::vector<Tensor>& outputs);
  void define(const Node& node, const ir::Symbol& symbol, int64_t value);

  SymbolValues symbols_;
  std::unordered_map<const Value*, Tensor> values_;
  std::unordered_map<const Region*, Releases> releases_;
  uint64_t draws_ = 0;
};

void Machine::set(const Value* value, Tensor tensor) { values_[value] = std::move(tensor); }

const Tensor& Machine::get(const Value* value) const {
  const auto found = values_.find(value);
  if (found == values_.end()) fail_internal("value %{} is used before it is computed", value->id);
  return found->second;
}

void collect_uses(const Region& region, std::set<const Value*>& uses) {
  for (const auto& node : region.nodes) {
    uses.insert(node->inputs.begin(), node->inputs.end());
    for (const Region* nested : ir::regions_of(static_cast<const Node&>(*node))) collect_uses(*nested, uses);
  }
  uses.insert(region.results.begin(), region.results.end());
}

const Machine::Releases& Machine::releases_of(const Region& region) {
  if (auto known = releases_.find(&region); known != releases_.end()) return known->second;
  // Only what the region itself defines ends here: a loop may read the outer values again on its next round.
  std::set<const Value*> own(region.parameters.begin(), region.parameters.end());
  for (const auto& node : region.nodes) own.insert(node->outputs.begin(), node->outputs.end());
  std::set<const Value*> alive(region.results.begin(), region.results.end());
  Releases releases(region.nodes.size());
  for (std::size_t i = region.nodes.size(); i-- > 0;) {
    const Node& node = *region.nodes[i];
    std::set<const Value*> uses(node.inputs.begin(), node.inputs.end());
    for (const Region* nested : ir::regions_of(node)) collect_uses(*nested, uses);
    uses.insert(node.outputs.begin(), node.outputs.end());
    for (const Value* value : uses) {
      if (own.count(value) != 0 && alive.insert(value).second) releases[i].push_back(value);
    }
  }
  return releases_.emplace(&region, std::move(releases)).first->second;
}

void Machine::run(const Region& region) {
  const Releases& releases = releases_of(region);
  for (std::size_t i = 0; i < region.nodes.size(); ++i) {
    run_node(*region.nodes[i]);
    for (const Value* value : releases[i]) values_.erase(value);
  }
}

void Machine::run_node(const Node& node) {
  std::vector<const Tensor*> inputs;
  std::vector<Tensor> aligned;
  aligned.reserve(node.inputs.size());
  for (const Value* value : node.inputs) {
    inputs.push_back(aligned_for_type(&get(value), aligned));
  }
  std::vector<Tensor> outputs;
  if (const auto* attributes = node.as<ir::Bind>())
    bind(node, *attributes);
  else if (const auto* check = node.as<ir::Require>())
    require(node, *check);
  else if (const auto* branch = node.as<ir::If>())
    outputs = run_if(node, *branch);
  else if (const auto* loop = node.as<ir::Loop>())
    outputs = run_loop(node, *loop);
  else
    outputs = compute(node, inputs);

  ensure(outputs.size() == node.outputs.size(), "a node gives all its outputs");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Value* value = node.outputs[i];
    ensure(outputs[i].type() == value->type, "an output has its value's type");
    const NodeCall call{&node, {}, &symbols_, 0};
    const std::vector<int64_t> expected = call.sizes(value->shape);
    if (outputs[i].dims() != expected) {
      fail_internal("{}: output {} has shape {} instead of {}", describe(node), i, list(outputs[i].dims()),
                    list(expected));
    }
    set(value, std::move(outputs[i]));
  }
}

std::vector<Tensor> Machine::compute(const Node& node, const std::vector<const Tensor*>& inputs) {
  NodeCall call{&node, inputs, &symbols_, 0};
  if (const auto* a = node.as<ir::Constant>()) return {a->tensor};
  if (const auto* a = node.as<ir::Tabulate>()) return {evaluate_tabulate(call, *a)};
  if (const auto* a = node.as<ir::Reduce>()) return {evaluate_reduce(call, *a)};
  if (const auto* a = node.as<ir::Scatter>()) return {evaluate_scatter(call, *a)};
  if (const auto* a = node.as<ir::Einsum>()) return {evaluate_einsum(call, *a)};
  if (const auto* a = node.as<ir::Convolution>()) return {evaluate_convolution(call, *a)};
  if (const auto* a = node.as<ir::Concat>()) return {evaluate_concat(call, *a)};
  if (node.is<ir::View>()) return {evaluate_view(call)};
  if (const auto* a = node.as<ir::Cumulative>()) return {evaluate_cumulative(call, *a)};
  if (const auto* a = node.as<ir::Sort>()) return evaluate_sort(call, *a);
  if (const auto* a = node.as<ir::Compact>()) {
    Tensor positions = evaluate_compact(call);
    define(node, *a->count, positions.dims()[1]);
    return {std::move(positions)};
  }
  if (const auto* a = node.as<ir::Random>()) {
    call.stream = draws_++;
    return {evaluate_random(call, *a)};
  }
  if (const auto* a = node.as<ir::Opaque>()) return run_routine(call, *a);
  fail_internal("{}: a {} node cannot be evaluated alone", describe(node), node.kind_name());
}

// ---- Symbols

void Machine::define(const Node& node, const ir::Symbol& symbol, int64_t value) {
  if (value < symbol.lower || value > symbol.upper) {
    fail_model("{}: the size '{}' is {}, outside of {}..{}", describe(node), symbol.name, value, symbol.lower,
               symbol.upper);
  }
  symbols_[symbol.name] = value;
}

void Machine::bind(const Node& node, const ir::Bind& bind) {
  const Tensor& sizes = get(node.inputs.at(0));
  if (sizes.count() != static_cast<int64_t>(bind.symbols.size())) {
    fail_model("{}: {} sizes are given where {} are expected", describe(node), sizes.count(),
               bind.symbols.size());
  }
  for (std::size_t i = 0; i < bind.symbols.size(); ++i)
    define(node, *bind.symbols[i], sizes.as_int(static_cast<int64_t>(i)));
}

void Machine::require(const Node& node, const ir::Require& require) {
  const NodeCall call{&node, {}, &symbols_, 0};
  const std::optional<int64_t> a = require.a.evaluate(symbols_), b = require.b.evaluate(symbols_);
  if (!a || !b) fail_internal("{}: a check uses a size that is not defined", describe(node));
  bool holds = false;
  switch (require.relation) {
    case ir::Require::Relation::equal:
      holds = *a == *b;
      break;
    case ir::Require::Relation::broadcastable:
      holds = *a == *b || *a == 1 || *b == 1;
      break;
    case ir::Require::Relation::less_equal:
      holds = *a <= *b;
      break;
  }
  if (!holds) {
    fail_model("{}: {} ({} is {}, {} is {})", describe(node), require.message, require.a.to_string(), *a,
               require.b.to_string(), *b);
  }
}

// Sets those of `symbols` that stand alone as a dimension of `shape` to the size found there.
void Machine::define(const std::vector<ir::SymbolRef>& symbols, const ir::Shape& shape,
                     const std::vector<int64_t>& sizes) {
  ensure(shape.size() == sizes.size(), "a tensor has its value's rank");
  for (std::size_t k = 0; k < shape.size(); ++k) {
    const ir::SymbolRef symbol = shape[k].as_symbol();
    if (!symbol) continue;
    const bool ours =
        std::any_of(symbols.begin(), symbols.end(), [&](const auto& s) { return s->name == symbol->name; });
    if (ours) symbols_[symbol->name] = sizes[k];
  }
}

void Machine::define_all(const std::vector<ir::SymbolRef>& symbols, const Node& node,
                         const std::vector<Tensor>& outputs) {
  ensure(outputs.size() == node.outputs.size(), "a node gives all its outputs");
  for (std::size_t i = 0; i < outputs.size(); ++i) define(symbols, node.outputs[i]->shape, outputs[i].dims());
}

// ---- Control flow

bool truth(const Tensor& tensor) { return tensor.count() > 0 && tensor.as_int(0) != 0; }

std::vector<Tensor> Machine::run_if(const Node& node, const ir::If& branch) {
  const Region& region = truth(get(node.inputs.at(0))) ? *branch.then_region : *branch.else_region;
  run(region);
  std::vector<Tensor> results;
  for (const Value* value : region.results) results.push_back(get(value));
  define_all(branch.result_symbols, node, results);
  return results;
}

// Stacks the rounds' results along a new first dimension. `one` are the sizes of a round's result, for the
// case that there was none.
Tensor stacked(const std::vector<Tensor>& rounds, DType type, std::vector<int64_t> one) {
  if (!rounds.empty()) one = rounds.front().dims();
  std::vector<int64_t> dims = one;
  dims.insert(dims.begin(), static_cast<int64_t>(rounds.size()));
  std::vector<uint8_t> bytes;
  for (const Tensor& round : rounds) {
    if (round.dims() != one) fail_model("the shape of a scan output differs from round to round");
    bytes.insert(bytes.end(), round.bytes(), round.bytes() + round.byte_count());
  }
  return {type, std::move(dims), std::move(bytes)};
}

std::vector<Tensor> Machine::run_loop(const Node& node, const ir::Loop& loop) {
  const Region& body = *loop.body;
  std::optional<int64_t> limit;
  if (loop.trip_count) {
    limit = loop.trip_count->evaluate(symbols_);
    if (!limit)
      fail_internal("{}: the trip count {} is not defined", describe(node), loop.trip_count->to_string());
  }
  const std::size_t carried_count = static_cast<std::size_t>(loop.carried);
  const std::size_t skip = loop.has_condition ? 1 : 0;
  bool go_on = !loop.has_condition || truth(get(node.inputs.at(0)));
  std::vector<Tensor> carried;
  for (std::size_t k = 0; k < carried_count; ++k) carried.push_back(get(node.inputs.at(skip + k)));
  std::vector<std::vector<Tensor>> scans(body.results.size() - skip - carried_count);

  int64_t iteration = 0;
  for (; go_on && (!limit || iteration < *limit); ++iteration) {
    set(body.parameters.at(0), Tensor::scalar(DType::i64, iteration));
    for (std::size_t k = 0; k < carried_count; ++k) {
      const Value* parameter = body.parameters.at(1 + k);
      define(loop.carried_symbols, parameter->shape, carried[k].dims());
      set(parameter, carried[k]);
    }
    run(body);
    if (loop.has_condition) go_on = truth(get(body.results.at(0)));
    for (std::size_t k = 0; k < carried_count; ++k) carried[k] = get(body.results.at(skip + k));
    for (std::size_t k = 0; k < scans.size(); ++k)
      scans[k].push_back(get(body.results.at(skip + carried_count + k)));
  }
  if (loop.iterations) define(node, *loop.iterations, iteration);

  std::vector<Tensor> outputs = std::move(carried);
  for (std::size_t k = 0; k < scans.size(); ++k) {
    const Value* result = node.outputs.at(carried_count + k);
    std::vector<int64_t> one;
    for (std::size_t d = 1; d < result->shape.size(); ++d)
      one.push_back(result->shape[d].evaluate(symbols_).value_or(0));
    outputs.push_back(stacked(scans[k], result->type, std::move(one)));
  }
  define_all(loop.result_symbols, node, outputs);
  return outputs;
}

std::vector<Tensor> Machine::run_routine(const NodeCall& call, const ir::Opaque& opaque) {
  const Routine* routine = find_routine(opaque.routine);
  if (routine == nullptr)
    fail_internal("{}: the evaluator has no routine '{}'", describe(*call.node), opaque.routine);
  RoutineCall arguments;
  arguments.attributes = &opaque;
  arguments.inputs = call.inputs;
  for (std::size_t i = 0; i < call.node->outputs.size(); ++i) {
    arguments.output_types.push_back(call.output_type(i));
    arguments.output_sizes.push_back(i < opaque.capacity.size() ? call.sizes(opaque.capacity[i])
                                                                : call.output_sizes(i));
  }
  std::vector<Tensor> outputs;
  try {
    outputs = (*routine)(arguments);
  } catch (const ModelError& error) {
    fail_model("{}: {}", describe(*call.node), error.what());
  }
  define_all(opaque.counts, *call.node, outputs);
  return outputs;
}

// Input symbols from the sizes of the inputs.
SymbolValues symbols_of_inputs(const ir::Graph& graph, const std::vector<Tensor>& inputs) {
  if (inputs.size() != graph.inputs.size()) {
    fail_model("the model has {} inputs, {} are given", graph.inputs.size(), inputs.size());
  }
  SymbolValues symbols;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ir::Port& port = graph.inputs[i];
    const auto& dims = inputs[i].dims();
    if (inputs[i].type() != port.value->type) {
      fail_model("input '{}': expected {}, got {}", port.name, ir::user_name(port.value->type),
                 ir::user_name(inputs[i].type()));
    }
    const std::string mismatch = "input '" + port.name + "': expected shape " +
                                 ir::to_string(port.value->shape) + ", got " + list(dims);
    if (dims.size() != port.value->shape.size()) throw ModelError(mismatch);
    for (std::size_t k = 0; k < dims.size(); ++k) {
      const ir::SymbolRef symbol = port.value->shape[k].as_symbol();
      if (!symbol) continue;
      if (dims[k] < symbol->lower || dims[k] > symbol->upper) throw ModelError(mismatch);
      if (!symbols.emplace(symbol->name, dims[k]).second && symbols[symbol->name] != dims[k])
        throw ModelError(mismatch);
    }
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ir::Port& port = graph.inputs[i];
    for (std::size_t k = 0; k < inputs[i].dims().size(); ++k) {
      if (port.value->shape[k].evaluate(symbols) != inputs[i].dims()[k]) {
        fail_model("input '{}': expected shape {}, got {}", port.name, ir::to_string(port.value->shape),
                   list(inputs[i].dims()));
      }
    }
  }
  return symbols;
}

}  // namespace

std::string describe(const Node& node) {
  if (!node.origin) return std::string(node.kind_name()) + " node";
  return "node '" + node.origin->node + "' (" + node.origin->op + ")";
}

std::vector<int64_t> NodeCall::sizes(const ir::Shape& shape) const {
  std::vector<int64_t> result;
  for (const ir::Dim& dim : shape) {
    const std::optional<int64_t> size = dim.evaluate(*symbols);
    if (!size) fail_model("{}: the size {} is not known", describe(*node), dim.to_string());
    result.push_back(*size);
  }
  return result;
}

Tensor NodeCall::new_output(std::size_t i) const {
  std::vector<int64_t> dims = output_sizes(i);
  const DType type = output_type(i);
  int64_t bytes = ir::byte_size(type);
  for (const int64_t dim : dims) {
    if (dim < 0) fail_model("{}: the output's shape {} has a negative size", describe(*node), list(dims));
    if (dim != 0 && bytes > largest_byte_count / dim) {
      fail_model("{}: the output's shape {} is too large", describe(*node), list(dims));
    }
    bytes *= dim;
  }
  return {type, std::move(dims)};
}

Tensor converted(const Tensor& tensor, DType type) {
  if (tensor.type() == type) return tensor;
  Tensor result(type, tensor.dims());
  cast_elements(tensor.type(), type, tensor.bytes(), result.mutable_bytes(), tensor.count());
  return result;
}

std::vector<Tensor> evaluate(const ir::Graph& graph, const std::vector<Tensor>& inputs) {
  Machine machine(symbols_of_inputs(graph, inputs));
  for (std::size_t i = 0; i < inputs.size(); ++i) machine.set(graph.inputs[i].value, inputs[i]);
  machine.run(graph.region);
  std::vector<Tensor> outputs;
  for (const ir::Port& port : graph.outputs) {
    const Tensor& result = machine.get(port.value);
    const bool is_wrapped = port.value->list && port.value->list->kind == ir::ListType::Kind::tensor;
    outputs.push_back(is_wrapped ? result.elements().at(0) : result);
  }
  return outputs;
}

namespace {

bool constant_expressions(const Node& node) {
  bool constant = true;
  for (const ir::Expr* expression : ir::expressions_of(node)) {
    if (expression->get() == nullptr) continue;
    ir::walk(*expression, [&](const ir::ExprNode& part) { constant = constant && part.dim.is_constant(); });
  }
  return constant;
}

bool foldable_kind(const Node& node) {
  if (const auto* reduce = node.as<ir::Reduce>()) return ir::is_static(reduce->extents);
  if (const auto* scatter = node.as<ir::Scatter>()) return ir::is_static(scatter->extents);
  if (const auto* convolution = node.as<ir::Convolution>()) return ir::is_static(convolution->pads_begin);
  if (const auto* opaque = node.as<ir::Opaque>())
    return opaque->counts.empty() && find_routine(opaque->routine) != nullptr;
  return node.is<ir::Constant>() || node.is<ir::Tabulate>() || node.is<ir::Einsum>() ||
         node.is<ir::Concat>() || node.is<ir::View>() || node.is<ir::Cumulative>() || node.is<ir::Sort>();
}

}  // namespace

std::optional<std::vector<Tensor>> fold(const Node& node, int64_t byte_limit) {
  if (!foldable_kind(node) || !constant_expressions(node)) return std::nullopt;
  int64_t bytes = 0;
  for (const Value* output : node.outputs) {
    // Lists have no contents that a module could hold from the start.
    if (!ir::is_static(output->shape) || output->type == DType::list) return std::nullopt;
    int64_t size = std::max(ir::byte_size(output->type), 1);
    for (const ir::Dim& dim : output->shape) {
      if (dim.value() < 0 || (dim.value() != 0 && size > byte_limit / dim.value())) return std::nullopt;
      size *= dim.value();
    }
    bytes += size;
    if (bytes > byte_limit) return std::nullopt;
  }
  std::vector<Tensor> aligned;
  aligned.reserve(node.inputs.size());
  std::vector<const Tensor*> inputs;
  for (const Value* value : node.inputs) {
    const Tensor* tensor = ir::constant_of(value);
    if (tensor == nullptr) return std::nullopt;
    inputs.push_back(aligned_for_type(tensor, aligned));
  }
  try {
    Machine machine({});
    return machine.compute(node, inputs);
  } catch (const ModelError&) {
    // An index out of range, say. It is an error only if the node runs at all, and will be one then.
    return std::nullopt;
  }
}

}  // namespace o2w::eval
