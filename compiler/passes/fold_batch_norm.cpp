#include "compiler/passes/fold_batch_norm.h"

#include <algorithm>
#include <unordered_map>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"

namespace o2w::passes {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;
using ir::Node;
using ir::Region;
using ir::Value;

// Bodies larger than this are no batch normalization.
constexpr int kMaxOperations = 48;

// scale * y + bias; null parts are absent (0).
struct Affine {
  Expr scale, bias;
};
using Form = std::optional<Affine>;

Expr combine(ExprOp op, const Expr& a, const Expr& b) {
  if (a.get() == nullptr && b.get() == nullptr) return Expr();
  if (b.get() == nullptr) return a;
  if (a.get() == nullptr) return op == ExprOp::sub ? -b : b;
  return ir::binary(op, a, b);
}

bool is_zero(const Affine& form) { return form.scale.get() == nullptr; }

// An expression as an affine function of `y`; nothing if it is not one.
class AffineAnalysis {
 public:
  explicit AffineAnalysis(Expr y) : y_(std::move(y)) {}

  Form of(const Expr& e) {
    if (const auto found = known_.find(e.get()); found != known_.end()) return found->second;
    Form form = compute(e);
    known_[e.get()] = form;
    return form;
  }

 private:
  Form compute(const Expr& e) {
    if (ir::same(e, y_)) return Affine{ir::literal_float(DType::f32, 1), Expr()};
    if (e->op == ExprOp::read || e->args.empty()) return Affine{Expr(), e};
    std::vector<Affine> args;
    for (const Expr& arg : e->args) {
      const Form form = of(arg);
      if (!form) return std::nullopt;
      args.push_back(*form);
    }
    if (std::all_of(args.begin(), args.end(), is_zero)) return Affine{Expr(), e};
    const auto times = [](const Expr& part, const Expr& factor) {
      return part.get() == nullptr ? part : part * factor;
    };
    switch (e->op) {
      case ExprOp::neg:
        return Affine{-args[0].scale, args[0].bias.get() == nullptr ? Expr() : -args[0].bias};
      case ExprOp::add:
      case ExprOp::sub:
        return Affine{combine(e->op, args[0].scale, args[1].scale),
                      combine(e->op, args[0].bias, args[1].bias)};
      case ExprOp::mul: {
        if (!is_zero(args[0]) && !is_zero(args[1])) return std::nullopt;
        const Affine& form = is_zero(args[0]) ? args[1] : args[0];
        const Expr& factor = is_zero(args[0]) ? args[0].bias : args[1].bias;
        return Affine{times(form.scale, factor), times(form.bias, factor)};
      }
      case ExprOp::div: {
        if (!is_zero(args[1])) return std::nullopt;
        const Expr& divisor = args[1].bias;
        return Affine{args[0].scale / divisor,
                      args[0].bias.get() == nullptr ? Expr() : args[0].bias / divisor};
      }
      default:
        return std::nullopt;
    }
  }

  Expr y_;
  std::unordered_map<const ExprNode*, Form> known_;
};

// Index variables only number dimension 1 (the channels), and all reads are of constants.
bool is_per_channel(const Expr& e, const std::vector<Value*>& inputs) {
  if (e.get() == nullptr) return true;
  bool holds = true;
  ir::walk(e, [&](const ExprNode& part) {
    if (part.op == ExprOp::index && part.slot != 1) holds = false;
    if (part.op == ExprOp::read && ir::constant_of(inputs[static_cast<std::size_t>(part.slot)]) == nullptr)
      holds = false;
  });
  return holds;
}

// A node of one tabulate over constants, evaluated.
std::optional<ir::Tensor> evaluate(ir::Graph& graph, const Expr& body, const std::vector<Value*>& inputs,
                                   const ir::Shape& shape) {
  Node node;
  std::unordered_map<int, int> slots;
  const Expr renumbered = ir::rewrite(body, [&](const Expr& e) {
    if (e->op != ExprOp::read) return e;
    const auto [slot, fresh] = slots.emplace(e->slot, static_cast<int>(node.inputs.size()));
    if (fresh) node.inputs.push_back(inputs[static_cast<std::size_t>(e->slot)]);
    return ir::read(slot->second, e->type, e->args);
  });
  node.attributes = ir::Tabulate{renumbered};
  node.outputs = {graph.new_value(DType::f32, shape)};
  std::optional<std::vector<ir::Tensor>> results = eval::fold(node);
  return results ? std::optional(std::move(results->front())) : std::nullopt;
}

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

  // Values of the node's shape are read at its index variables, also where a dimension of size 1 is read at
  // 0.
  static Expr at_own_position(const Expr& body, const std::vector<Value*>& inputs, const ir::Shape& shape) {
    return ir::rewrite(body, [&](const Expr& e) {
      if (e->op != ExprOp::read || inputs[static_cast<std::size_t>(e->slot)]->shape != shape) return e;
      std::vector<Expr> indices = e->args;
      for (std::size_t k = 0; k < indices.size(); ++k) {
        if (shape[k].is(1) && ir::is_literal(indices[k])) indices[k] = ir::index_var(static_cast<int>(k));
      }
      return ir::read(e->slot, e->type, std::move(indices));
    });
  }

  static Expr identity_read(int slot, std::size_t rank) {
    std::vector<Expr> indices;
    for (std::size_t k = 0; k < rank; ++k) indices.push_back(ir::index_var(static_cast<int>(k)));
    return ir::read(slot, DType::f32, std::move(indices));
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
    const Form form = AffineAnalysis(identity_read(slot, y->shape.size())).of(body);
    if (!form || is_zero(*form) || !is_per_channel(form->scale, inputs) ||
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
    auto made = std::make_unique<Node>();
    Value* value = graph_.new_value(tensor.type(), ir::Shape(tensor.dims().begin(), tensor.dims().end()));
    value->producer = made.get();
    made->attributes = ir::Constant{std::move(tensor)};
    made->outputs = {value};
    made->origin = like.origin;
    region.nodes.insert(region.nodes.begin() + static_cast<std::ptrdiff_t>(position), std::move(made));
    return value;
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
