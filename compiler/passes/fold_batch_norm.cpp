#include "compiler/passes/fold_batch_norm.h"

#include <algorithm>

#include "compiler/ir/builder.h"
#include "compiler/passes/affine_form.h"

namespace o2w::passes {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Node;
using ir::Region;
using ir::Value;

// Bodies larger than this are no batch normalization.
constexpr int kMaxOperations = 48;

class Folder {
 public:
  explicit Folder(ir::Graph& graph) : graph_(graph), uses_(ir::count_uses(graph)) {}

  void run(Region& region) {
    for (std::size_t i = 0; i < region.nodes.size(); ++i) {
      Node& node = *region.nodes[i];
      for (Region* inner : ir::regions_of(node)) run(*inner);
      if (node.is<ir::Tabulate>()) i += try_fold(region, i);
    }
  }

 private:
  // The value that the node reads just at its own position and that nothing else uses.
  int sole_operand(const Node& node, const std::vector<Value*>& inputs) const {
    for (std::size_t slot = 0; slot < inputs.size(); ++slot) {
      const Value* input = inputs[slot];
      const auto count = uses_.find(input);
      const bool sole = count != uses_.end() && count->second == 1 && input->producer != nullptr;
      if (sole && input->shape == node.outputs[0]->shape && ir::constant_of(input) == nullptr)
        return static_cast<int>(slot);
    }
    return -1;
  }

  // Looks through one elementwise node between (the convolution's own bias). Returns the number of nodes
  // inserted.
  std::size_t try_fold(Region& region, std::size_t position) {
    Node& node = *region.nodes[position];
    if (node.outputs[0]->type != DType::f32 || node.outputs[0]->rank() < 3) return 0;
    std::vector<Value*> inputs = node.inputs;
    Expr body = at_own_position(node.as<ir::Tabulate>()->body, inputs, node.outputs[0]->shape);
    int slot = sole_operand(node, inputs);
    if (slot < 0) return 0;
    const Node* producer = inputs[static_cast<std::size_t>(slot)]->producer;
    if (const auto* between = producer->as<ir::Tabulate>()) {
      const auto base = static_cast<int>(inputs.size());
      const Expr own = at_own_position(between->body, producer->inputs, node.outputs[0]->shape);
      const Expr inner = ir::rewrite(own, [&](const Expr& e) {
        return e->op == ExprOp::read ? ir::read(e->slot + base, e->type, e->args) : e;
      });
      const Expr position_read = identity_read(slot, node.outputs[0]->shape.size());
      body = ir::rewrite(body, [&](const Expr& e) { return ir::same(e, position_read) ? inner : e; });
      inputs.insert(inputs.end(), producer->inputs.begin(), producer->inputs.end());
      const int deeper = sole_operand(*producer, producer->inputs);
      if (deeper < 0) return 0;
      slot = base + deeper;
      producer = inputs[static_cast<std::size_t>(slot)]->producer;
    }
    if (producer->is<ir::Convolution>() && ir::op_count(body) <= kMaxOperations) {
      return fold(region, position, body, inputs, slot);
    }
    return 0;
  }

  // Multiplies the convolution's weights; two constants are inserted before `position`, or one if they cannot
  // be computed.
  bool scale_weights(Region& region, std::size_t position, Node& convolution, ir::Tensor scale,
                     const Node& like) {
    Value* weights = convolution.inputs[1];
    Value* scale_value = make_constant(region, position, std::move(scale), like);
    const auto& attributes = *convolution.as<ir::Convolution>();
    // Weights are [M, C/group, ..], of a transposed convolution [C, M/group, ..].
    const Expr channel =
        attributes.transposed
            ? ir::floordiv(ir::index_var(0), Expr(ir::floordiv(weights->shape[0], attributes.group))) *
                      Expr(weights->shape[1]) +
                  ir::index_var(1)
            : ir::index_var(0);
    const Expr scaled = identity_read(0, weights->shape.size()) * ir::read(1, DType::f32, {channel});
    std::optional<ir::Tensor> new_weights = evaluate(graph_, scaled, {weights, scale_value}, weights->shape);
    if (!new_weights) return false;  // the scale is left to dead code removal
    Value* weights_value = make_constant(region, position, std::move(*new_weights), like);
    // The new weights must stand before the convolution.
    const auto made = region.nodes.begin() + static_cast<std::ptrdiff_t>(position);
    const auto target =
        std::find_if(region.nodes.begin(), region.nodes.end(),
                     [&](const std::unique_ptr<Node>& other) { return other.get() == &convolution; });
    std::rotate(target, made, made + 1);
    convolution.inputs[1] = weights_value;
    return true;
  }

  std::size_t fold(Region& region, std::size_t position, const Expr& body, const std::vector<Value*>& inputs,
                   int slot) {
    Node& node = *region.nodes[position];
    Value* y = inputs[static_cast<std::size_t>(slot)];
    Node& convolution = *y->producer;
    Value* weights = convolution.inputs[1];
    const bool is_local =
        std::any_of(region.nodes.begin(), region.nodes.end(),
                    [&](const std::unique_ptr<Node>& other) { return other.get() == &convolution; });
    if (!is_local || ir::constant_of(weights) == nullptr || weights->type != DType::f32 ||
        !y->shape[1].is_constant())
      return 0;
    const std::optional<AffineForm> form = affine_form(body, identity_read(slot, y->shape.size()));
    if (!form || is_constant(*form) || !is_per_channel(form->scale, inputs) ||
        !is_per_channel(form->bias, inputs))
      return 0;
    // Nothing to multiply by: a bias alone is what the convolution's epilogue does. But two become one.
    const bool only_bias = ir::is_literal(form->scale) && form->scale->literal.real == 1;
    if (only_bias && std::find(node.inputs.begin(), node.inputs.end(), y) != node.inputs.end()) return 0;

    const ir::Shape channels{y->shape[1]};
    const std::vector<Expr> from_channel{Expr(0), ir::index_var(0)};
    const auto per_channel = [&](const Expr& e) {
      return evaluate(graph_, ir::substitute_indices(e, from_channel), inputs, channels);
    };
    std::optional<ir::Tensor> scale = per_channel(form->scale);
    std::optional<ir::Tensor> bias;
    if (form->bias) bias = per_channel(form->bias);
    if (!scale || (form->bias.get() != nullptr && !bias)) return 0;

    std::size_t inserted = 0;
    if (!only_bias) {
      if (!scale_weights(region, position, convolution, std::move(*scale), node)) return 1;
      inserted = 2;
    }
    const Expr element = identity_read(0, y->shape.size());
    if (bias) {
      Value* bias_value = make_constant(region, position + inserted, std::move(*bias), node);
      ++inserted;
      node.inputs = {y, bias_value};
      node.attributes = ir::Tabulate{element + ir::read(1, DType::f32, {ir::index_var(1)})};
    } else {
      node.inputs = {y};
      node.attributes = ir::Tabulate{element};
    }
    return inserted;
  }

  Value* make_constant(Region& region, std::size_t position, ir::Tensor tensor, const Node& like) {
    return insert_constant(graph_, region, position, std::move(tensor), like);
  }

  ir::Graph& graph_;
  std::map<const Value*, int> uses_;
};

}  // namespace

void fold_batch_norm(ir::Graph& graph) {
  Folder(graph).run(graph.region);
  graph.collect_garbage();
}

}  // namespace o2w::passes
