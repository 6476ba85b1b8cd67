#include "compiler/passes/affine_form.h"

#include <algorithm>
#include <unordered_map>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"

namespace o2w::passes {

using ir::DType;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;
using ir::Node;
using ir::Value;

namespace {

using Form = std::optional<AffineForm>;

Expr combine(ExprOp op, const Expr& a, const Expr& b) {
  if (a.get() == nullptr && b.get() == nullptr) return Expr();
  if (b.get() == nullptr) return a;
  if (a.get() == nullptr) return op == ExprOp::sub ? -b : b;
  return ir::binary(op, a, b);
}

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
    if (ir::same(e, y_)) return AffineForm{ir::literal_float(DType::f32, 1), Expr()};
    if (e->op == ExprOp::read || e->args.empty()) return AffineForm{Expr(), e};
    std::vector<AffineForm> args;
    for (const Expr& arg : e->args) {
      const Form form = of(arg);
      if (!form) return std::nullopt;
      args.push_back(*form);
    }
    if (std::all_of(args.begin(), args.end(), is_constant)) return AffineForm{Expr(), e};
    const auto times = [](const Expr& part, const Expr& factor) {
      return part.get() == nullptr ? part : part * factor;
    };
    switch (e->op) {
      case ExprOp::neg:
        return AffineForm{-args[0].scale, args[0].bias.get() == nullptr ? Expr() : -args[0].bias};
      case ExprOp::add:
      case ExprOp::sub:
        return AffineForm{combine(e->op, args[0].scale, args[1].scale),
                          combine(e->op, args[0].bias, args[1].bias)};
      case ExprOp::mul: {
        if (!is_constant(args[0]) && !is_constant(args[1])) return std::nullopt;
        const AffineForm& form = is_constant(args[0]) ? args[1] : args[0];
        const Expr& factor = is_constant(args[0]) ? args[0].bias : args[1].bias;
        return AffineForm{times(form.scale, factor), times(form.bias, factor)};
      }
      case ExprOp::div: {
        if (!is_constant(args[1])) return std::nullopt;
        const Expr& divisor = args[1].bias;
        return AffineForm{args[0].scale / divisor,
                          args[0].bias.get() == nullptr ? Expr() : args[0].bias / divisor};
      }
      default:
        return std::nullopt;
    }
  }

  Expr y_;
  std::unordered_map<const ExprNode*, Form> known_;
};

}  // namespace

std::optional<AffineForm> affine_form(const Expr& e, const Expr& y) { return AffineAnalysis(y).of(e); }

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

Expr identity_read(int slot, std::size_t rank) {
  std::vector<Expr> indices;
  for (std::size_t k = 0; k < rank; ++k) indices.push_back(ir::index_var(static_cast<int>(k)));
  return ir::read(slot, DType::f32, std::move(indices));
}

Expr at_own_position(const Expr& body, const std::vector<Value*>& inputs, const ir::Shape& shape) {
  return ir::rewrite(body, [&](const Expr& e) {
    if (e->op != ExprOp::read || inputs[static_cast<std::size_t>(e->slot)]->shape != shape) return e;
    std::vector<Expr> indices = e->args;
    for (std::size_t k = 0; k < indices.size(); ++k) {
      if (shape[k].is(1) && ir::is_literal(indices[k])) indices[k] = ir::index_var(static_cast<int>(k));
    }
    return ir::read(e->slot, e->type, std::move(indices));
  });
}

Value* insert_constant(ir::Graph& graph, ir::Region& region, std::size_t position, ir::Tensor tensor,
                       const Node& like) {
  auto made = std::make_unique<Node>();
  Value* value = graph.new_value(tensor.type(), ir::Shape(tensor.dims().begin(), tensor.dims().end()));
  value->producer = made.get();
  made->attributes = ir::Constant{std::move(tensor)};
  made->outputs = {value};
  made->origin = like.origin;
  region.nodes.insert(region.nodes.begin() + static_cast<std::ptrdiff_t>(position), std::move(made));
  return value;
}

}  // namespace o2w::passes
