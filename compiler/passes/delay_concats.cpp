#include "compiler/passes/delay_concats.h"

#include <algorithm>

namespace o2w::passes {
namespace {

using ir::Expr;
using ir::ExprOp;
using ir::Node;
using ir::Region;
using ir::Value;

class Delaying {
 public:
  explicit Delaying(ir::Graph& graph) : graph_(graph), uses_(ir::count_uses(graph)) {}

  void run(Region& region) {
    for (std::size_t k = 0; k < region.nodes.size(); ++k) {
      for (Region* inner : ir::regions_of(*region.nodes[k])) run(*inner);
      const int slot = concatenation_of(*region.nodes[k]);
      if (slot >= 0) k += delay(region, k, slot);
    }
  }

 private:
  bool used_once(const Value* value) const {
    const auto found = uses_.find(value);
    return found != uses_.end() && found->second == 1;
  }

  // Whether what makes a part can do more with it on the way.
  bool takes_work(const Value* part) const {
    const Node* node = part->producer;
    return node != nullptr && used_once(part) &&
           (node->is<ir::Tabulate>() || node->is<ir::Convolution>() || node->is<ir::Einsum>() ||
            node->is<ir::Reduce>());
  }

  // Which input of a node that computes something of its elements, one by one, is a concatenation for this
  // alone; -1 if none is.
  int concatenation_of(const Node& node) const {
    const auto* tabulate = node.as<ir::Tabulate>();
    if (tabulate == nullptr || tabulate->body->op == ExprOp::read) return -1;
    int found = -1;
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const Value* input = node.inputs[slot];
      if (!used_once(input) || input->producer == nullptr || !input->producer->is<ir::Concat>() ||
          !ir::is_float(input->type) || input->shape != node.outputs[0]->shape) {
        continue;
      }
      const std::vector<Value*>& parts = input->producer->inputs;
      if (std::any_of(parts.begin(), parts.end(), [&](const Value* part) { return takes_work(part); }))
        found = static_cast<int>(slot);
    }
    if (found < 0) return -1;
    // Its elements, each at its own place, and numbers that are the same everywhere.
    bool good = true;
    ir::walk(tabulate->body, [&](const ir::ExprNode& e) {
      if (e.op == ExprOp::read && e.slot == found) {
        for (std::size_t d = 0; d < e.args.size(); ++d) {
          good = good && (ir::is_index(e.args[d], static_cast<int>(d)) ||
                          (node.outputs[0]->shape[d].is(1) && ir::is_literal(e.args[d])));
        }
      } else if (e.op == ExprOp::read) {
        for (const Expr& index : e.args) good = good && ir::is_literal(index);
      }
      good = good && e.op != ExprOp::checked_index;
    });
    if (!good || depends_on_place(tabulate->body, found)) return -1;
    return found;
  }

  static bool depends_on_place(const Expr& body, int slot) {
    const Expr values = ir::rewrite(body, [&](const Expr& e) {
      return e->op == ExprOp::read && e->slot == slot ? ir::temp(0, e->type) : e;
    });
    bool found = false;
    ir::walk(values, [&](const ir::ExprNode& e) { found = found || e.op == ExprOp::index; });
    return found;
  }

  // The number of nodes inserted.
  std::size_t delay(Region& region, std::size_t position, int slot) {
    Node& node = *region.nodes[position];
    const Node& concat = *node.inputs[static_cast<std::size_t>(slot)]->producer;
    const std::size_t rank = node.outputs[0]->shape.size();
    std::vector<Expr> place;
    for (std::size_t d = 0; d < rank; ++d) place.push_back(ir::index_var(static_cast<int>(d)));
    const Expr body = ir::rewrite(node.as<ir::Tabulate>()->body, [&](const Expr& e) {
      return e->op == ExprOp::read && e->slot == slot ? ir::read(slot, e->type, place) : e;
    });
    std::vector<Value*> parts;
    for (Value* part : concat.inputs) {
      auto made = std::make_unique<Node>();
      made->attributes = ir::Tabulate{body};
      made->inputs = node.inputs;
      made->inputs[static_cast<std::size_t>(slot)] = part;
      made->origin = node.origin;
      Value* value = graph_.new_value(node.outputs[0]->type, part->shape);
      value->producer = made.get();
      made->outputs = {value};
      uses_[value] = 1;
      parts.push_back(value);
      region.nodes.insert(region.nodes.begin() + static_cast<std::ptrdiff_t>(position + parts.size() - 1),
                          std::move(made));
    }
    node.attributes = *concat.as<ir::Concat>();
    node.inputs = parts;
    return parts.size();
  }

  ir::Graph& graph_;
  std::map<const Value*, int> uses_;
};

}  // namespace

void delay_concats(ir::Graph& graph) { Delaying(graph).run(graph.region); }

}  // namespace o2w::passes
