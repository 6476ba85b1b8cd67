#include "frontends/onnx/walk.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <new>
#include <set>
#include <stdexcept>
#include <utility>

#include "compiler/ir/type_mismatch.h"
#include "compiler/support/error.h"
#include "frontends/onnx/folding.h"
#include "frontends/onnx/invalid_branch.h"
#include "frontends/onnx/known_gaps.h"
#include "frontends/onnx/order.h"
#include "frontends/onnx/ports.h"
#include "frontends/onnx/tensor_data.h"

namespace o2w::onnx_frontend {

using ir::Value;

namespace {

// Functions that call functions, and loops whose bodies are lowered again, can multiply a small file's nodes
// without end.
constexpr int64_t most_nodes = 250'000;
constexpr std::size_t deepest_calls = 64;

// Thrown out of a subgraph's lowering when its problems are in the diagnostics already: the owner is given up
// without a word.
class AlreadyReported : public ModelError {
 public:
  AlreadyReported() : ModelError("reported before") {}
};

// Ends the walk: going on would only take longer.
class TooManyNodes : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename T>
class Restore {
 public:
  explicit Restore(T& variable) : variable_(variable), before_(variable) {}
  ~Restore() { variable_ = std::move(before_); }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  T& variable_;
  T before_;
};

std::string label(const NodeDef& node, int64_t version) {
  return fmt::format("{}{}{}-{}", node.domain, node.domain.empty() ? "" : ".", node.op_type, version);
}

std::vector<std::string> names_of(const std::vector<ValueDef>& defs) {
  std::vector<std::string> names;
  names.reserve(defs.size());
  for (const ValueDef& def : defs) names.push_back(def.name);
  return names;
}

}  // namespace

Walk::Walk(const ModelDef& model, const ImportOptions& options, ImportAttempt& attempt, ir::Graph& graph,
           Diagnostics& diagnostics)
    : model_(&model),
      options_(&options),
      attempt_(&attempt),
      graph_(&graph),
      diagnostics_(&diagnostics),
      builder_(graph) {
  if (options.fold_constants) builder_.set_folder(constant_folder());
  context_.scope = &top_;
  context_.opsets = &model.opset_imports;
  context_.graph = &model.graph;
}

void Walk::run() {
  const GraphDef& graph = model_->graph;
  for (const ValueDef& input : graph.inputs) {
    // Inputs that could not be declared have been reported.
    if (is_port(graph, input, *options_)) top_.names[input.name] = {Binding::State::given_up};
  }
  for (const ir::Port& port : graph_->inputs) top_.names[port.name] = {Binding::State::present, port.value};
  for (const ValueDef& input : graph.inputs) {
    const auto keys = top_.names.find(keys_name(input.name));
    if (input.type.kind == TypeDef::Kind::map && keys != top_.names.end())
      top_.names[input.name].keys = keys->second.value;
  }
  try {
    add_lists();
    add_initializers(graph);
    walk_nodes(graph.nodes, names_of(graph.outputs));
  } catch (const TooManyNodes& error) {
    diagnostics_->error({}, error.what());
    return;
  }
  for (const std::string& key : unsupported_order_) {
    const Unsupported& entry = unsupported_.at(key);
    const std::string others = entry.nodes > 1 ? fmt::format(" ({} nodes use it)", entry.nodes) : "";
    diagnostics_->error(entry.first, entry.message + others, entry.hint);
  }
  std::set<std::string> listed;
  for (const ValueDef& output : graph.outputs) {
    const Binding* binding = find(output.name);
    if (!listed.insert(output.name).second) {
      diagnostics_->error({{}, {}, output.name}, "is listed as an output twice");
    } else if (binding == nullptr) {
      diagnostics_->error({{}, {}, output.name}, "is an output of the model, but nothing produces it");
    } else if (binding->state == Binding::State::present) {
      try {
        Binding declared = *binding;
        // ZipMap's sequence of maps is tensors, whatever the model declares.
        if (declared.keys == nullptr) declared.value = as_declared(declared.value, output.type);
        add_output(output.name, declared);
      } catch (const ModelError& error) {
        diagnostics_->error({{}, {}, output.name}, error.what());
      }
    }
  }
  for (const auto& [key, rank] : element_ranks_) {
    if (const auto known = rank->get()) attempt_->ranks[key] = *known;
  }
  if (graph.outputs.empty()) diagnostics_->error({}, "the model has no outputs");
}

Value* Walk::of_input(int i) const {
  return i >= 0 && i < static_cast<int>(input_keys_.size()) ? input_keys_[i] : nullptr;
}

void Walk::set_output(int i, Value* keys) { output_keys_.at(i) = keys; }

// A map becomes two outputs.
void Walk::add_output(const std::string& name, const Binding& binding) {
  graph_->outputs.push_back({name, binding.value});
  graph_->region.results.push_back(binding.value);
  if (binding.keys != nullptr) add_output(keys_name(name), {Binding::State::present, binding.keys});
}

const Walk::Binding* Walk::find(const std::string& name) const {
  for (const Scope* scope = context_.scope; scope != nullptr; scope = scope->outer) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return &found->second;
  }
  return nullptr;
}

void Walk::define(const std::string& name, Binding binding) {
  if (!name.empty()) context_.scope->names.insert_or_assign(name, binding);
}

// Eagerly, so that they stand in the region of the graph that owns them, before all nodes that may use them.
void Walk::add_initializers(const GraphDef& graph) {
  std::set<std::string> used;
  for (const NodeDef& node : graph.nodes) used.merge(names_read_by(node));
  for (const ValueDef& output : graph.outputs) used.insert(output.name);
  for (const auto& [name, tensor] : graph.initializers) {
    if (!used.contains(name) || context_.scope->names.contains(name)) continue;
    if (tensor.byte_count() > max_tensor_bytes) {
      diagnostics_->error(
          {{}, {}, name},
          fmt::format("has {} bytes, the most that a module can address is 4 GiB", tensor.byte_count()));
      define(name, {Binding::State::given_up});
      continue;
    }
    define(name, {Binding::State::present, builder_.constant(tensor, name)});
  }
}

void Walk::report_duplicates(const std::vector<NodeDef>& nodes) {
  std::set<std::string> produced;
  for (const NodeDef& node : nodes) {
    for (const std::string& output : node.outputs) {
      if (output.empty()) continue;
      if (!produced.insert(output).second) {
        diagnostics_->error({context_.prefix + node.name, node.op_type, output}, "is produced by two nodes");
      } else if (context_.scope->names.contains(output)) {
        diagnostics_->error({context_.prefix + node.name, node.op_type, output},
                            "is produced by a node, but is an input or initializer too");
      }
    }
  }
}

void Walk::walk_nodes(const std::vector<NodeDef>& nodes, const std::vector<std::string>& wanted) {
  report_duplicates(nodes);
  const NodeOrder order = order_nodes(nodes, wanted);
  if (!order.cycle.empty()) {
    constexpr std::size_t most_shown = 8;
    std::string path;
    for (std::size_t i = 0; i < std::min(order.cycle.size(), most_shown); ++i) {
      path += fmt::format("'{}' -> ", nodes[order.cycle[i]].name);
    }
    if (order.cycle.size() > most_shown) path += fmt::format("... ({} nodes) -> ", order.cycle.size());
    diagnostics_->error({}, fmt::format("nodes depend on each other in a cycle: {}'{}'", path,
                                        nodes[order.cycle.front()].name));
  }
  std::vector<bool> reached(nodes.size(), false);
  Block block{{}, wanted, &nodes == &model_->graph.nodes};
  for (const std::size_t position : order.positions) {
    reached[position] = true;
    block.nodes.push_back(&nodes[position]);
  }
  walk_block(block);
  if (order.cycle.empty()) return;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!reached[i]) give_up(nodes[i]);
  }
}

void Walk::count_node() {
  if (++lowered_ > most_nodes) {
    throw TooManyNodes(fmt::format(
        "the model has more than {} nodes when its functions and loops are expanded", most_nodes));
  }
}

int64_t Walk::opset_of(const std::string& domain) const {
  const auto found = context_.opsets->find(domain);
  if (found != context_.opsets->end()) return found->second;
  const auto of_model = model_->opset_imports.find(domain);
  // As ONNX Runtime does for domains that the model uses without importing them: the newest version that
  // there is.
  return of_model != model_->opset_imports.end() ? of_model->second : std::numeric_limits<int32_t>::max();
}

void Walk::give_up(const NodeDef& node) {
  for (const std::string& output : node.outputs) define(output, {Binding::State::given_up});
}

bool Walk::gather_inputs(const NodeDef& node, const Location& where, std::vector<Binding>& inputs) {
  bool all = true;
  for (const std::string& name : node.inputs) {
    if (name.empty()) {
      inputs.push_back({Binding::State::absent});
      continue;
    }
    const Binding* binding = find(name);
    if (binding == nullptr) {
      diagnostics_->error({where.node, where.op, name},
                          "is read, but there is no input, initializer or node output of that name");
      all = false;
      continue;
    }
    if (binding->state == Binding::State::given_up) all = false;
    inputs.push_back(*binding);
  }
  return all;
}

std::string Walk::unsuitable_types(const NodeDef& node, const std::vector<Binding>& inputs,
                                   const char* detail) {
  std::string types;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].value == nullptr) continue;
    types += fmt::format("{}'{}' is {}", types.empty() ? "" : ", ", node.inputs[i],
                         ir::user_name(inputs[i].value->type));
  }
  return fmt::format("the operator does not take inputs of these element types: {} ({})",
                     types.empty() ? "none" : types, detail);
}

void Walk::walk_node(const NodeDef& original) {
  count_node();
  NodeDef resolved;
  const NodeDef* node = &original;
  if (has_references(original)) {
    static const AttributeMap none;
    resolved = resolve_references(original, context_.attributes != nullptr ? *context_.attributes : none);
    node = &resolved;
  }
  const int64_t opset = opset_of(node->domain);
  const OperatorMatch match = find_operator(node->domain, node->op_type, opset);
  const FunctionDef* function = find_function(*model_, *node);
  const Location where{
      context_.prefix + node->name, label(*node, match.op != nullptr ? match.version : opset), {}};

  // Before looking at the inputs: also where those have been given up, so that one report lists all operators
  // that stand in the way.
  if (function == nullptr && match.op == nullptr) unsupported(*node, opset, where);
  std::vector<Binding> inputs;
  if (!gather_inputs(*node, where, inputs) || (function == nullptr && match.op == nullptr)) {
    give_up(*node);
    return;
  }
  try {
    // A model's function is the definition of its operator, except that nobody redefines ONNX's own.
    if (function != nullptr && (match.op == nullptr || !node->domain.empty())) {
      inline_function(*function, *node, inputs);
    } else {
      lower_node(*node, match, inputs, where);
    }
  } catch (const AlreadyReported&) {
    give_up(*node);
  } catch (const InvalidBranch& branch) {
    for (const Diagnostic& diagnostic : branch.problems.all()) diagnostics_->add(diagnostic);
    give_up(*node);
  } catch (const ModelError& error) {
    diagnostics_->error(where, error.what());
    give_up(*node);
  } catch (const std::bad_alloc&) {
    diagnostics_->error(where, "compiling it takes more memory than there is");
    give_up(*node);
  } catch (const ir::TypeMismatch& error) {
    diagnostics_->error(where, unsuitable_types(*node, inputs, error.what()));
    give_up(*node);
  } catch (const InternalError& error) {
    throw InternalError(fmt::format("node '{}' ({}): {}", where.node, where.op, error.what()));
  }
}

void Walk::unsupported(const NodeDef& node, int64_t opset, const Location& where) {
  const std::string key = fmt::format("{}:{}:{}", node.domain, node.op_type, opset);
  const auto [entry, added] = unsupported_.try_emplace(key);
  if (++entry->second.nodes > 1) return;
  unsupported_order_.push_back(key);
  entry->second.first = where;
  std::string& message = entry->second.message;
  std::string& hint = entry->second.hint;
  const OperatorMatch newer = find_operator(node.domain, node.op_type, std::numeric_limits<int32_t>::max());
  if (const std::optional<KnownGap> gap = known_gap(node.domain, node.op_type)) {
    message = gap->message;
    hint = gap->hint;
  } else if (newer.op != nullptr) {
    message = fmt::format("the operator {} is not supported in its form of opset {}", node.op_type, opset);
    hint = fmt::format("export or convert the model to opset {} or later", newer.op->versions.front());
  } else if (node.domain.empty()) {
    message = fmt::format("the operator {} is not supported", node.op_type);
    hint = "`onnx2wasm list-ops` lists the operators that are";
  } else {
    message = fmt::format("the operator {} of domain '{}' is not supported, and the model does not define it",
                          node.op_type, node.domain);
    hint = "export the model with the operator as a model-local function";
  }
}

void Walk::lower_node(const NodeDef& node, const OperatorMatch& match, const std::vector<Binding>& inputs,
                      const Location& where) {
  std::vector<Value*> values, keys;
  for (const Binding& input : inputs) {
    // An operator that says nothing of its types takes tensors.
    if (match.op->types.empty() && input.value != nullptr && input.value->type == ir::DType::list) {
      fail_model("'{}' is {}; the operator takes tensors", input.value->name,
                 ir::to_string(*input.value->list));
    }
    values.push_back(input.value);
    keys.push_back(input.keys);
  }
  const Restore restore_origin(origin_);
  origin_ = std::make_shared<const ir::Origin>(ir::Origin{where.node, where.op});
  builder_.set_origin(origin_);
  // A lowering that fails while it fills a region of its own leaves the builder there.
  struct Leave {
    ir::Builder& builder;
    ir::Region& region;
    ~Leave() { builder.enter(&region); }
  } const leave{builder_, builder_.region()};
  const ir::Region& region = leave.region;
  const std::size_t first_node = region.nodes.size();

  Lowering lowering(node, match.version, builder_, std::move(values), *this);
  const Restore restore_input_keys(input_keys_), restore_output_keys(output_keys_);
  input_keys_ = std::move(keys);
  output_keys_.assign(node.outputs.size(), nullptr);
  check_input_types(*match.op, lowering);
  match.op->lower(lowering);
  check_output_types(*match.op, lowering);
  check_sizes(region, first_node);
  if (divergence_) return;  // the outputs are still to be found
  for (int i = 0; i < lowering.output_count(); ++i) {
    if (!lowering.wants_output(i)) continue;
    Value* value = lowering.outputs()[i];
    // The first output is never optional; the node may ask for others that its operator does not have.
    if (value == nullptr && i == 0) fail_internal("the lowering of {} leaves its output undone", where.op);
    if (value == nullptr)
      fail_model("output {} ('{}') is wanted, but the operator does not give it", i, node.outputs[i]);
    if (value->name.empty()) value->name = node.outputs[i];
    if (value->type == ir::DType::list && context_.graph != nullptr) {
      for (const auto* declared : {&context_.graph->value_info, &context_.graph->outputs}) {
        for (const ValueDef& def : *declared) {
          if (def.name == node.outputs[i]) learn_rank(value, def.type);
        }
      }
    }
    define(node.outputs[i], {Binding::State::present, value, output_keys_[i]});
  }
}

void Walk::check_sizes(const ir::Region& region, std::size_t first_node) const {
  for (std::size_t i = first_node; i < region.nodes.size(); ++i) {
    for (const Value* value : region.nodes[i]->outputs) {
      int64_t bytes = std::max(1, ir::byte_size(value->type));
      for (const ir::Dim& dim : value->shape) {
        const int64_t least = dim.lower();
        if (least > max_dim) {
          fail_model("its result has shape {}; the largest dimension that a module can address is {}",
                     ir::to_string(value->shape), max_dim);
        }
        if (__builtin_mul_overflow(bytes, std::max<int64_t>(least, 0), &bytes))
          bytes = std::numeric_limits<int64_t>::max();
        if (bytes == 0) break;
      }
      if (bytes > max_tensor_bytes) {
        fail_model("its result has shape {} and takes {} bytes; the most that a module can address is 4 GiB",
                   ir::to_string(value->shape), bytes);
      }
    }
  }
}

void Walk::inline_function(const FunctionDef& function, const NodeDef& call,
                           const std::vector<Binding>& inputs) {
  if (std::find(calls_.begin(), calls_.end(), &function) != calls_.end()) {
    fail_model("the function '{}' calls itself", function.name);
  }
  if (calls_.size() >= deepest_calls)
    fail_model("functions call each other more than {} deep", deepest_calls);
  if (inputs.size() > function.inputs.size()) {
    fail_model("is called with {} inputs, but the function has {}", inputs.size(), function.inputs.size());
  }
  if (call.outputs.size() > function.outputs.size()) {
    fail_model("is called for {} outputs, but the function has {}", call.outputs.size(),
               function.outputs.size());
  }
  const AttributeMap attributes = bind_attributes(function, call);
  Scope scope;
  for (std::size_t i = 0; i < function.inputs.size(); ++i) {
    scope.names[function.inputs[i]] = i < inputs.size() ? inputs[i] : Binding{Binding::State::absent};
  }
  std::vector<Binding> results;
  {
    const Restore restore_context(context_);
    const Restore restore_calls(calls_);
    calls_.push_back(&function);
    context_.prefix += call.name + "/";
    context_.scope = &scope;
    context_.graph = nullptr;
    context_.opsets = &function.opset_imports;
    context_.attributes = &attributes;
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < call.outputs.size(); ++i) {
      if (!call.outputs[i].empty()) wanted.push_back(function.outputs[i]);
    }
    walk_nodes(function.nodes, wanted);
    for (const std::string& output : function.outputs) {
      const Binding* binding = find(output);
      results.push_back(binding != nullptr ? *binding : Binding{Binding::State::absent});
    }
  }
  for (std::size_t i = 0; i < call.outputs.size(); ++i) {
    if (call.outputs[i].empty()) continue;
    if (results[i].state == Binding::State::absent) {
      fail_model("the function '{}' does not produce its output '{}'", function.name, function.outputs[i]);
    }
    define(call.outputs[i], results[i]);
  }
}

std::vector<Value*> Walk::lower(const GraphDef& graph, ir::Region& region,
                                const std::vector<Value*>& inputs) {
  if (inputs.size() != graph.inputs.size()) {
    fail_model("the subgraph '{}' has {} inputs, expected {}", graph.name, graph.inputs.size(),
               inputs.size());
  }
  // Problems of an If's branch are the If's to judge. Operators that are not supported are listed apart: they
  // stay problems.
  const bool is_branch = origin_ && origin_->op.starts_with("If-");
  Diagnostics own;
  Diagnostics* const outer = diagnostics_;
  const Restore restore_diagnostics(diagnostics_);
  if (is_branch) diagnostics_ = &own;
  const Restore restore_context(context_);
  Scope scope;
  scope.outer = context_.scope;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->name.empty()) inputs[i]->name = graph.inputs[i].name;
    if (inputs[i]->type == ir::DType::list) learn_rank(inputs[i], graph.inputs[i].type);
    scope.names[graph.inputs[i].name] = {Binding::State::present, inputs[i]};
  }
  context_.scope = &scope;
  context_.graph = &graph;
  if (origin_) context_.prefix = origin_->node + "/";

  struct Enter {
    Walk& walk;
    ir::Region* before;
    Enter(Walk& owner, ir::Region& inner) : walk(owner), before(owner.builder_.enter(&inner)) {}
    ~Enter() {
      walk.builder_.enter(before);
      walk.builder_.set_origin(walk.origin_);
    }
  } const enter(*this, region);

  add_initializers(graph);
  walk_nodes(graph.nodes, names_of(graph.outputs));
  std::vector<Value*> results;
  bool all = true;
  for (const ValueDef& output : graph.outputs) {
    const Binding* binding = find(output.name);
    if (binding == nullptr || binding->state == Binding::State::absent) {
      diagnostics_->error({origin_ ? origin_->node : "", origin_ ? origin_->op : "", output.name},
                          "is an output of the subgraph, but nothing produces it");
      all = false;
    } else if (binding->state == Binding::State::given_up) {
      all = false;
    } else {
      results.push_back(binding->value);
    }
  }
  if (own.has_errors()) {
    const auto is_error = [](const Diagnostic& problem) { return problem.severity == Severity::error; };
    const auto problem = std::find_if(own.all().begin(), own.all().end(), is_error);
    outer->warning(
        {origin_->node, origin_->op, {}},
        fmt::format(
            "a branch of it is not valid for these shapes (node '{}': {}): a module can only be made for the "
            "other, and reports an error when it runs and this one is to be taken",
            problem->where.node, problem->message));
    throw InvalidBranch(std::move(own));
  }
  if (is_branch) {
    for (const Diagnostic& diagnostic : own.all()) outer->add(diagnostic);
  }
  if (!all) throw AlreadyReported();
  return results;
}

}  // namespace o2w::onnx_frontend
