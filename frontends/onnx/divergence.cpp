// A branch whose results differ in rank. The rank of a tensor is part of the code, so what depends on such
// results is lowered twice, as a part of either branch, until nothing that is needed later differs any more;
// then the two are one `if` node, and the walk goes on behind it. Where only one of the branches lets what
// follows fit, the module is made for that one, with a check of the condition when it runs.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/ops/control_flow/if_builder.h"
#include "frontends/onnx/order.h"
#include "frontends/onnx/walk.h"

namespace o2w::onnx_frontend {

using ir::Value;

namespace {

// Branches within branches: what follows is lowered up to 2^this times.
constexpr int deepest_divergence = 4;

bool reads_any(const NodeDef& node, const std::set<std::string>& names) {
  const std::set<std::string> read = names_read_by(node);
  return std::any_of(read.begin(), read.end(), [&](const std::string& name) { return names.contains(name); });
}

// Whether the values can be those of one output.
bool agree(const Value* a, const Value* b) {
  if (a->type != b->type || a->rank() != b->rank()) return false;
  if (a->type != ir::DType::list) return true;
  try {
    ir::join(*a->list, *b->list);
    return true;
  } catch (const ModelError&) {
    return false;
  }
}

// The element type of a tensor, also of one whose rank only the run knows.
ir::DType element_type_of(const Value* value) {
  const bool is_wrapped = value->type == ir::DType::list && value->list->kind == ir::ListType::Kind::tensor;
  return is_wrapped ? value->list->element : value->type;
}

}  // namespace

// What was lowered for one of the branches.
struct Walk::Side {
  Scope scope;  // names that mean something else on the other side
  std::unique_ptr<ir::Region> region;
  std::size_t next = 0;  // the node of the block to lower next
  Diagnostics diagnostics;
  bool failed = false;
};

void Walk::diverge(Value* condition, Alternative then_branch, Alternative else_branch) {
  divergence_ = Divergence{condition, std::move(then_branch), std::move(else_branch)};
}

void Walk::walk_block(const Block& block) {
  for (std::size_t at = 0; at < block.nodes.size();) at = walk_from(block, at);
}

// Lowers a node and, where its outputs differ in rank, as many after it as that takes. Returns the next node
// to lower.
std::size_t Walk::walk_from(const Block& block, std::size_t at) {
  walk_node(*block.nodes[at]);
  if (!divergence_) return at + 1;
  Divergence divergence = std::move(*divergence_);
  divergence_.reset();
  return walk_both(block, at, std::move(divergence));
}

// One step on one side, with problems kept apart.
void Walk::advance(const Block& block, Side& side) {
  Scope* scope = std::exchange(context_.scope, &side.scope);
  Diagnostics* diagnostics = std::exchange(diagnostics_, &side.diagnostics);
  ir::Region* region = builder_.enter(side.region.get());
  const std::size_t first = side.next;
  side.next = walk_from(block, first);
  builder_.enter(region);
  diagnostics_ = diagnostics;
  context_.scope = scope;
  side.failed = side.diagnostics.has_errors();
  for (std::size_t k = first; k < side.next; ++k) {
    for (const std::string& output : block.nodes[k]->outputs) {
      const auto found = side.scope.names.find(output);
      side.failed =
          side.failed || (found != side.scope.names.end() && found->second.state == Binding::State::given_up);
    }
  }
}

std::size_t Walk::walk_both(const Block& block, std::size_t at, Divergence divergence) {
  struct Depth {
    int& depth;
    explicit Depth(int& counter) : depth(counter) { ++depth; }
    ~Depth() { --depth; }
  } const depth(divergence_depth_);
  const std::shared_ptr<const ir::Origin> origin = std::make_shared<const ir::Origin>(
      ir::Origin{context_.prefix + block.nodes[at]->name, block.nodes[at]->op_type});
  struct Restore {
    Walk& walk;
    std::shared_ptr<const ir::Origin> before;
    ~Restore() {
      walk.origin_ = before;
      walk.builder_.set_origin(before);
    }
  } const restore{*this, origin_};
  const auto at_node = [&] {
    origin_ = origin;
    builder_.set_origin(origin);
  };

  Side then_side, else_side;
  std::set<std::string> differing;  // names that each side has its own value for
  for (auto [side, branch] :
       {std::pair(&then_side, &divergence.then_branch), std::pair(&else_side, &divergence.else_branch)}) {
    side->scope.outer = context_.scope;
    side->region = std::move(branch->region);
    side->next = at + 1;
    for (std::size_t i = 0; i < block.nodes[at]->outputs.size(); ++i) {
      const std::string& name = block.nodes[at]->outputs[i];
      if (name.empty()) continue;
      if (branch->results[i]->name.empty()) branch->results[i]->name = name;
      side->scope.names[name] = {Binding::State::present, branch->results[i]};
      differing.insert(name);
    }
  }
  if (const ir::Tensor* known = ir::constant_of(divergence.condition)) {
    const bool choice = known->as_int(0) != 0;
    assume(divergence, choice, choice ? then_side : else_side);
    return at + 1;
  }
  if (divergence_depth_ > deepest_divergence) {
    at_node();
    const bool choice = choose_branch();
    assume(divergence, choice, choice ? then_side : else_side);
    return at + 1;
  }

  // The last node of the block that reads a name; names wanted at its end are read for ever.
  std::map<std::string, std::size_t> last_read;
  for (std::size_t k = at + 1; k < block.nodes.size(); ++k) {
    for (const std::string& name : names_read_by(*block.nodes[k])) last_read[name] = k;
  }
  for (const std::string& name : block.wanted) last_read[name] = std::numeric_limits<std::size_t>::max();

  for (std::size_t next = at + 1;;) {
    std::vector<std::string> live;
    for (const std::string& name : differing) {
      const auto found = last_read.find(name);
      if (found != last_read.end() && found->second >= next) live.push_back(name);
    }
    const bool at_end = next >= block.nodes.size();
    at_node();
    if (merge(block, live, at_end, divergence, then_side, else_side)) return next;
    if (at_end) {
      const bool choice = choose_branch();
      assume(divergence, choice, choice ? then_side : else_side);
      return next;
    }

    const NodeDef& node = *block.nodes[next];
    if (!reads_any(node, differing)) {
      walk_node(node);
      if (!divergence_) {
        ++next;
        continue;
      }
      // A branch of its own: within either side.
      divergence_.reset();
    }
    then_side.next = else_side.next = next;
    do {
      Side& behind = then_side.next <= else_side.next ? then_side : else_side;
      advance(block, behind);
    } while (then_side.next != else_side.next && !then_side.failed && !else_side.failed);
    if (then_side.failed || else_side.failed) {
      // Where both fail the model itself is at fault; one report suffices.
      const bool choice = !then_side.failed || else_side.failed;
      Side& side = choice ? then_side : else_side;
      while (!side.failed && side.next < std::max(then_side.next, else_side.next)) advance(block, side);
      at_node();
      if (then_side.failed != else_side.failed) {
        warn_of_choice(choice, "; what follows does not fit the other");
      }
      assume(divergence, choice, side);
      return side.next;
    }
    for (; next < then_side.next; ++next) {
      for (const std::string& output : block.nodes[next]->outputs) {
        if (!output.empty()) differing.insert(output);
      }
    }
  }
}

// Ends the divergence with an `if` node if the sides agree on what is needed later, and defines that. At the
// end of the model, outputs may differ in rank: they become tensors whose rank the run tells.
bool Walk::merge(const Block& block, const std::vector<std::string>& live, bool at_end,
                 Divergence& divergence, Side& then_side, Side& else_side) {
  std::vector<std::string> names;
  Alternative then_branch, else_branch;
  std::vector<bool> differ;
  for (const std::string& name : live) {
    const auto from_then = then_side.scope.names.find(name), from_else = else_side.scope.names.find(name);
    const bool in_then = from_then != then_side.scope.names.end(),
               in_else = from_else != else_side.scope.names.end();
    if (!in_then && !in_else) continue;
    if (!in_then || !in_else) return false;
    Value *a = from_then->second.value, *b = from_else->second.value;
    if (a == nullptr || b == nullptr) return false;
    if (!agree(a, b)) {
      if (!at_end || !block.is_model || element_type_of(a) != element_type_of(b)) return false;
      differ.push_back(true);
    } else {
      differ.push_back(false);
    }
    names.push_back(name);
    then_branch.results.push_back(a);
    else_branch.results.push_back(b);
  }
  for (auto [side, branch] : {std::pair(&then_side, &then_branch), std::pair(&else_side, &else_branch)}) {
    ir::Region* before = builder_.enter(side->region.get());
    for (std::size_t i = 0; i < names.size(); ++i) {
      Value*& result = branch->results[i];
      if (differ[i] && result->type != ir::DType::list) {
        result = list_of(builder_, ir::ListType::Kind::tensor, {result});
      }
    }
    builder_.enter(before);
    for (const Diagnostic& diagnostic : side->diagnostics.all()) diagnostics_->add(diagnostic);
    branch->region = std::move(side->region);
  }
  const std::vector<Value*> outputs =
      build_if(builder_, divergence.condition, std::move(then_branch), std::move(else_branch), names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    outputs[i]->name = names[i];
    define(names[i], {Binding::State::present, outputs[i]});
  }
  return true;
}

// The side becomes part of the surrounding graph, with a check.
void Walk::assume(const Divergence& divergence, bool choice, Side& side) {
  if (ir::constant_of(divergence.condition) == nullptr) check(divergence, choice);
  for (auto& node : side.region->nodes) builder_.region().nodes.push_back(std::move(node));
  for (const Diagnostic& diagnostic : side.diagnostics.all()) diagnostics_->add(diagnostic);
  for (const auto& [name, binding] : side.scope.names) define(name, binding);
}

void Walk::check(const Divergence& divergence, bool choice) {
  const std::string hint = (origin_ ? origin_->node : std::string()) + "_condition";
  const ir::Dim truth =
      builder_.bind(builder_.cast(divergence.condition, ir::DType::i64), hint, 0, 1).front();
  builder_.require(ir::Require::Relation::equal, truth, ir::Dim(choice ? 1 : 0),
                   "the module was made for the other case, in which the result has another rank");
}

bool Walk::choose_branch() {
  std::vector<bool>& choices = attempt_->choices;
  if (choices_made_ == choices.size()) choices.push_back(true);
  const bool choice = choices[choices_made_++];
  warn_of_choice(choice, "");
  return choice;
}

void Walk::warn_of_choice(bool choice, const char* reason) {
  const std::string op = origin_ ? origin_->op.substr(0, origin_->op.find('-')) : "";
  const std::array<const char*, 2> yes_and_no =
      op == "Squeeze" ? std::array{"sizes not known to be 1 are not 1", "they are 1"}
                      : std::array{"the condition is true", "the condition is false"};
  diagnostics_->warning(
      {origin_ ? origin_->node : "", origin_ ? origin_->op : "", {}},
      fmt::format(
          "the rank of its result depends on sizes or data that are known only when the model runs: the "
          "module is made for one of two cases ({}), and reports an error when it runs and finds the other{}",
          yes_and_no[choice ? 0 : 1], reason),
      "fix the dimensions that this depends on with --dim or --shape to make it certain");
}

}  // namespace o2w::onnx_frontend
