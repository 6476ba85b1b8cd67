// Index-set splitting: a nest whose conditions compare loop variables with sizes (pads, concatenations by
// choice, rotations of halves) becomes several loops, in each of which the conditions are known. What is left
// of them are plain copies, fills and elementwise work over boxes, which run in vectors.
//
// Comparisons are decided along every loop. Positions that are clamped, or that turn around at an edge (min,
// max, mod), cost little in outer loops: they are decided along the innermost only.
#include <algorithm>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/kernel_costs.h"
#include "compiler/schedule/nest_rewriting.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprOp;

// Bounds of what one nest may become: the stages' loops are code.
constexpr std::size_t kMostStages = 12;
constexpr int kMostOperations = 96;
// Fewer elements take no time worth any code.
constexpr int64_t kLeastElements = 512;

// A subexpression that is something simpler in each of the intervals into which `points` cut a loop.
struct Decision {
  Expr node;
  int variable = -1;
  std::vector<Dim> points;   // in ascending order
  std::vector<Expr> values;  // one more than points; null where the node stays as it is
};

// `positive` where a * variable + ... >= 0, `negative` elsewhere.
std::optional<Decision> by_sign(const Expr& node, const Expr& difference, const Expr& negative,
                                const Expr& positive) {
  const std::optional<ir::Affine> affine = ir::as_affine(difference);
  if (!affine || affine->coefficients.size() != 1) return std::nullopt;
  const auto& [variable, coefficient] = *affine->coefficients.begin();
  if (!coefficient.is_constant()) return std::nullopt;
  const int64_t step = coefficient.value();
  if (step > 0)
    return Decision{node, variable, {ir::ceildiv(Dim(0) - affine->base, step)}, {negative, positive}};
  return Decision{node, variable, {ir::floordiv(affine->base, -step) + Dim(1)}, {positive, negative}};
}

// A remainder is a difference in the period around 0 and those beside it.
std::optional<Decision> by_period(const Expr& node) {
  const std::optional<ir::Affine> position = ir::as_affine(node->args[0]),
                                  size = ir::as_affine(node->args[1]);
  if (!position || !size || !size->coefficients.empty() || position->coefficients.size() != 1 ||
      !position->coefficients.begin()->second.is(1) || size->base.lower() < 0) {
    return std::nullopt;
  }
  const Dim zero = Dim(0) - position->base, period = size->base;
  const Expr& at = node->args[0];
  return Decision{node,
                  position->coefficients.begin()->first,
                  {zero - period, zero, zero + period, zero + period * Dim(2)},
                  {Expr(), at + Expr(period), at, at - Expr(period), Expr()}};
}

std::optional<Decision> decision_of(const Expr& node, bool comparisons_only) {
  if (node->args.size() != 2 || node->args[0]->type != ir::DType::index) return std::nullopt;
  const Expr &a = node->args[0], &b = node->args[1];
  const Expr no = ir::literal_bool(false), yes = ir::literal_bool(true);
  switch (node->op) {
    case ExprOp::ge:
      return by_sign(node, a - b, no, yes);
    case ExprOp::lt:
      return by_sign(node, a - b, yes, no);
    case ExprOp::le:
      return by_sign(node, b - a, no, yes);
    case ExprOp::gt:
      return by_sign(node, b - a, yes, no);
    default:
      break;
  }
  if (comparisons_only) return std::nullopt;
  switch (node->op) {
    case ExprOp::max:
      return by_sign(node, a - b, b, a);
    case ExprOp::min:
      return by_sign(node, a - b, a, b);
    case ExprOp::mod:
      return by_period(node);
    default:
      return std::nullopt;
  }
}

// A part of the iteration space, and what is left of the stage there.
struct Box {
  std::vector<Dim> from, to;  // per loop
  Expr body, guard;
  std::vector<Expr> target_indices;
  std::vector<Expr> kept;  // subexpressions that stay as they are
};

class Splitting {
 public:
  Splitting(const LoopNest& nest, bool innermost_only) : nest_(nest), innermost_only_(innermost_only) {
    for (std::size_t k = 0; k < nest.outer.size(); ++k) {
      if (!nest.outer[k].is(1)) innermost_ = static_cast<int>(k);
    }
  }

  // The nest in parts; nothing where there is nothing to decide, or too much.
  std::optional<LoopNest> run() {
    const Stage& stage = nest_.stages[0];
    Box all;
    all.from.assign(nest_.outer.size(), Dim(0));
    all.to = nest_.outer;
    all.body = stage.body;
    all.guard = stage.guard;
    all.target_indices = stage.target_indices;
    if (!split(std::move(all)) || first_ < 0) return std::nullopt;
    int operations = 0;
    for (const Box& box : boxes_) operations += ir::op_count(box.body);
    if (operations > std::max(kMostOperations, ir::op_count(stage.body))) return std::nullopt;
    return in_stages();
  }

 private:
  static bool is_empty(const Dim& from, const Dim& to) { return ir::provably_less_equal(to, from); }

  // The bounds of the intervals that a decision makes of a box's loop.
  static std::vector<Dim> bounds(const Box& box, const Decision& decision) {
    const auto v = static_cast<std::size_t>(decision.variable);
    std::vector<Dim> list{box.from[v]};
    for (const Dim& point : decision.points) list.push_back(ir::max(list.back(), ir::min(point, box.to[v])));
    list.push_back(box.to[v]);
    return list;
  }

  static std::size_t count_intervals(const std::vector<Dim>& bounds) {
    std::size_t count = 0;
    for (std::size_t k = 0; k + 1 < bounds.size(); ++k) count += is_empty(bounds[k], bounds[k + 1]) ? 0 : 1;
    return count;
  }

  // One that costs no further loop, or else one along the outermost loop.
  std::optional<Decision> next_decision(const Box& box) const {
    std::optional<Decision> best;
    bool is_free = false;
    const auto consider = [&](const Expr& e) {
      if (e.get() == nullptr || is_free) return;
      ir::rewrite(e, [&](const Expr& node) {
        if (is_free) return node;
        std::optional<Decision> decision = decision_of(node, false);
        if (!decision ||
            (decision->variable != innermost_ && (innermost_only_ || !decision_of(node, true)))) {
          return node;
        }
        if (std::any_of(box.kept.begin(), box.kept.end(), [&](const Expr& k) { return ir::same(k, node); }))
          return node;
        is_free = count_intervals(bounds(box, *decision)) <= 1;
        if (is_free || !best || decision->variable < best->variable) best = std::move(decision);
        return node;
      });
    };
    consider(box.guard);
    consider(box.body);
    for (const Expr& index : box.target_indices) consider(index);
    return best;
  }

  bool split(Box box) {
    const std::optional<Decision> decision = next_decision(box);
    if (!decision) return finish(std::move(box));
    const std::vector<Dim> list = bounds(box, *decision);
    const auto v = static_cast<std::size_t>(decision->variable);
    if (count_intervals(list) > 1 && (first_ < 0 || decision->variable < first_)) first_ = decision->variable;
    for (std::size_t k = 0; k + 1 < list.size(); ++k) {
      if (is_empty(list[k], list[k + 1])) continue;
      Box part = box;
      part.from[v] = list[k];
      part.to[v] = list[k + 1];
      const Expr& value = decision->values[k];
      if (value.get() == nullptr) {
        part.kept.push_back(decision->node);
      } else {
        const auto replace = [&](Expr& e) {
          if (e.get() == nullptr) return;
          e = ir::rewrite(e, [&](const Expr& node) { return ir::same(node, decision->node) ? value : node; });
        };
        replace(part.body);
        replace(part.guard);
        for (Expr& index : part.target_indices) replace(index);
      }
      if (!split(std::move(part))) return false;
    }
    return true;
  }

  bool finish(Box box) {
    if (box.guard.get() != nullptr && ir::is_literal(box.guard)) {
      if (box.guard->literal.integer == 0) return true;  // nothing is stored there
      box.guard = Expr();
    }
    boxes_.push_back(std::move(box));
    return boxes_.size() <= kMostStages;
  }

  LoopNest in_stages() const {
    LoopNest result = nest_;
    const auto first = static_cast<std::size_t>(first_);
    result.outer.resize(first);
    result.stages.clear();
    for (const Box& box : boxes_) {
      Stage stage = nest_.stages[0];
      std::vector<Expr> values;
      for (std::size_t k = 0; k < nest_.outer.size(); ++k) {
        values.push_back(ir::index_var(static_cast<int>(k)) + Expr(box.from[k]));
        if (k >= first) stage.loops.push_back(box.to[k] - box.from[k]);
      }
      const auto place = [&](const Expr& e) { return e.get() ? ir::substitute_indices(e, values) : e; };
      stage.body = place(box.body);
      stage.guard = place(box.guard);
      stage.target_indices.clear();
      for (const Expr& index : box.target_indices) stage.target_indices.push_back(place(index));
      result.stages.push_back(std::move(stage));
    }
    return result;
  }

  const LoopNest& nest_;
  bool innermost_only_;
  int innermost_ = -1;
  int first_ = -1;  // the outermost loop that is split
  std::vector<Box> boxes_;
};

// Plain stores, one element a round, which may come in any order.
bool may_split(const LoopNest& nest) {
  if (nest.stages.size() != 1) return false;
  const Stage& stage = nest.stages[0];
  if (!stage.loops.empty() || stage.combiner != ir::Combiner::none || stage.combine != ir::Combiner::none ||
      stage.sequential || stage.target < 0) {
    return false;
  }
  bool fails = false;
  for_each_expression(stage, [&](const Expr& e) { fails = fails || ir::may_fail(e); });
  if (fails) return false;
  int64_t elements = 1;
  for (const Dim& extent : nest.outer)
    elements = std::min(elements * std::min(typical_size(extent), kLeastElements), kLeastElements);
  return elements >= kLeastElements;
}

}  // namespace

void split_edges(Draft& draft) {
  for_each_operation(draft.block, [](Operation& operation, Block&) {
    auto* op = operation.as<NestOp>();
    if (op == nullptr || !may_split(op->nest)) return;
    std::optional<LoopNest> parts = Splitting(op->nest, false).run();
    if (!parts) parts = Splitting(op->nest, true).run();
    if (!parts) return;
    op->nest = std::move(*parts);
    drop_unused_operands(*op);
  });
}

}  // namespace o2w::schedule
