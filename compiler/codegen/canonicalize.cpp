#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <set>

#include "compiler/codegen/canonical_nest.h"
#include "compiler/codegen/expr_generator.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::Dim;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

namespace {

class Canonicalizer {
 public:
  explicit Canonicalizer(const schedule::LoopNest& nest) : nest_(nest) {}

  CanonicalNest run() {
    for (const schedule::Operand& operand : nest_.operands) result_.operands.push_back(operand.type);
    result_.temps = nest_.temps;
    drop_single_rounds();
    collapse();
    parametrize();
    return std::move(result_);
  }

 private:
  // Loop variables are renumbered as loops go; a loop of one round has 0 for its variable.
  void drop_single_rounds() {
    std::vector<Expr> outer_values;
    for (const Dim& extent : nest_.outer) outer_values.push_back(keep_loop(extent, result_.outer, 0));
    for (const schedule::Stage& stage : nest_.stages) {
      CanonicalStage made;
      std::vector<Expr> values = outer_values;
      for (const Dim& extent : stage.loops) {
        values.push_back(keep_loop(extent, made.loops, static_cast<int>(result_.outer.size())));
      }
      made.combiner = stage.combiner;
      made.select_last = stage.select_last;
      made.temp = stage.temp;
      made.sequential = stage.sequential;
      const auto lower = [&](const Expr& e) { return lower_reads(ir::substitute_indices(e, values)); };
      made.body = lower(stage.body);
      if (stage.guard.get() != nullptr) made.guard = lower(stage.guard);
      if (stage.target >= 0) {
        std::vector<Expr> indices;
        for (const Expr& index : stage.target_indices) indices.push_back(lower(index));
        made.target = make_access(stage.target, indices, made.target_extras);
        made.body = interner_.intern(stored_value(stage, made));
      }
      result_.stages.push_back(std::move(made));
    }
  }

  // What is written: a combining store reads its target first.
  Expr stored_value(const schedule::Stage& stage, const CanonicalStage& made) {
    const ir::DType type = result_.accesses[static_cast<std::size_t>(made.target)].type;
    Expr value = made.body;
    if (stage.combine != ir::Combiner::none) {
      result_.accesses.push_back(result_.accesses[static_cast<std::size_t>(made.target)]);
      const int access = static_cast<int>(result_.accesses.size()) - 1;
      const Expr old = ir::read(access, type, made.target_extras);
      value = ir::binary(operator_of(stage.combine), ir::cast(value->type, old), value);
    }
    return value->type == type ? value : ir::cast(type, value);
  }

  static Expr keep_loop(const Dim& extent, std::vector<Dim>& loops, int first) {
    if (extent.is(1)) return ir::literal_int(ir::DType::index, 0);
    loops.push_back(extent);
    return ir::index_var(first + static_cast<int>(loops.size()) - 1);
  }

  Expr lower_reads(const Expr& e) {
    return interner_.intern(ir::rewrite(e, [&](const Expr& node) {
      if (node->op == ExprOp::checked_index) result_.can_fail = true;
      if (node->op != ExprOp::read) return node;
      std::vector<Expr> extras;
      const int access = make_access(node->slot, node->args, extras);
      return ir::read(access, node->type, std::move(extras));
    }));
  }

  int make_access(int operand, const std::vector<Expr>& indices, std::vector<Expr>& extras) {
    const schedule::Operand& from = nest_.operands.at(static_cast<std::size_t>(operand));
    ensure(indices.size() == from.layout.strides.size(), "operand read with a wrong number of indices");
    Access access;
    access.operand = operand;
    access.type = from.type;
    access.base = from.layout.offset;
    for (std::size_t k = 0; k < indices.size(); ++k)
      add_term(access, extras, indices[k], from.layout.strides[k]);
    std::erase_if(access.strides, [](const auto& entry) { return entry.second.is(0); });
    result_.accesses.push_back(std::move(access));
    return static_cast<int>(result_.accesses.size()) - 1;
  }

  // access += index * scale.
  static void add_term(Access& access, std::vector<Expr>& extras, const Expr& index, const Dim& scale) {
    if (scale.is(0)) return;
    if (const auto affine = ir::as_affine(index)) {
      access.base += affine->base * scale;
      for (const auto& [variable, coefficient] : affine->coefficients) {
        access.strides[variable] += coefficient * scale;
      }
      return;
    }
    switch (index->op) {
      case ExprOp::add:
        add_term(access, extras, index->args[0], scale);
        add_term(access, extras, index->args[1], scale);
        return;
      case ExprOp::sub:
        add_term(access, extras, index->args[0], scale);
        add_term(access, extras, index->args[1], Dim(0) - scale);
        return;
      case ExprOp::mul:
        for (int side = 0; side < 2; ++side) {
          const Expr& factor = index->args[static_cast<std::size_t>(side)];
          const Expr& other = index->args[static_cast<std::size_t>(1 - side)];
          if (factor->op == ExprOp::literal)
            return add_term(access, extras, other, scale * Dim(factor->literal.integer));
          if (factor->op == ExprOp::dim) return add_term(access, extras, other, scale * factor->dim);
        }
        break;
      case ExprOp::broadcast_index:
        // 0 where the size is 1: a stride of 0 there keeps the access affine. (Where the size is 0 nothing is
        // read.)
        return add_term(access, extras, index->args[0], scale * ir::min(index->dim - Dim(1), Dim(1)));
      default:
        break;
    }
    extras.push_back(index);
    access.scales.push_back(scale);
  }

  // --- Collapsing. Loops d and d+1 are one if every access steps by the inner extent's worth in the outer,
  // and neither variable is used for anything else.
  void collapse() {
    const int outer = static_cast<int>(result_.outer.size());
    for (int d = outer - 2; d >= 0; --d) {
      bool possible = true;
      for (const CanonicalStage& stage : result_.stages) possible = possible && not_computed_with(stage, d);
      possible = possible && walked_as_one(d, result_.outer[static_cast<std::size_t>(d) + 1], nullptr);
      if (possible) merge(d, result_.outer, static_cast<std::size_t>(d), nullptr);
    }
    for (CanonicalStage& stage : result_.stages) {
      const int first = static_cast<int>(result_.outer.size());
      for (int d = static_cast<int>(stage.loops.size()) - 2; d >= 0; --d) {
        const Dim inner = stage.loops[static_cast<std::size_t>(d) + 1];
        if (!not_computed_with(stage, first + d) || !walked_as_one(first + d, inner, &stage)) continue;
        merge(first + d, stage.loops, static_cast<std::size_t>(d), &stage);
      }
    }
  }

  // Neither `variable` nor the one after it occurs outside of the affine part of accesses.
  static bool not_computed_with(const CanonicalStage& stage, int variable) {
    bool free = true;
    const auto check = [&](const Expr& e) {
      if (e.get() == nullptr) return;
      ir::walk(e, [&](const ExprNode& node) {
        if (node.op == ExprOp::index && (node.slot == variable || node.slot == variable + 1)) free = false;
      });
    };
    check(stage.body);
    check(stage.guard);
    for (const Expr& extra : stage.target_extras) check(extra);
    return free;
  }

  static std::set<int> accesses_of(const CanonicalStage& stage) {
    std::set<int> found;
    const auto collect = [&](const Expr& e) {
      if (e.get() == nullptr) return;
      ir::walk(e, [&](const ExprNode& node) {
        if (node.op == ExprOp::read) found.insert(node.slot);
      });
    };
    collect(stage.body);
    collect(stage.guard);
    for (const Expr& extra : stage.target_extras) collect(extra);
    if (stage.target >= 0) found.insert(stage.target);
    return found;
  }

  bool walked_as_one(int variable, const Dim& inner_extent, const CanonicalStage* stage) const {
    const auto fits = [&](const Access& access) {
      const auto stride = [&](int k) {
        const auto found = access.strides.find(k);
        return found == access.strides.end() ? Dim(0) : found->second;
      };
      return stride(variable) == stride(variable + 1) * inner_extent;
    };
    if (stage != nullptr) {
      for (int access : accesses_of(*stage)) {
        if (!fits(result_.accesses[static_cast<std::size_t>(access)])) return false;
      }
      return true;
    }
    // Accesses that lost their last use while the expressions were interned are dead but harmless.
    for (const CanonicalStage& each : result_.stages) {
      for (int access : accesses_of(each)) {
        if (!fits(result_.accesses[static_cast<std::size_t>(access)])) return false;
      }
    }
    return true;
  }

  // Removes loop `variable`; the one after it takes both extents. Variables from there on count down by one.
  void merge(int variable, std::vector<Dim>& loops, std::size_t position, CanonicalStage* only) {
    loops[position + 1] = loops[position] * loops[position + 1];
    loops.erase(loops.begin() + static_cast<std::ptrdiff_t>(position));
    std::set<int> done;
    for (CanonicalStage& stage : result_.stages) {
      if (only != nullptr && &stage != only) continue;
      const int variables = static_cast<int>(result_.outer.size() + stage.loops.size()) + 1;
      std::vector<Expr> values;
      for (int k = 0; k < variables; ++k) values.push_back(ir::index_var(k <= variable ? k : k - 1));
      const auto renumber = [&](Expr& e) {
        if (e.get() != nullptr) e = interner_.intern(ir::substitute_indices(e, values));
      };
      for (int number : accesses_of(stage)) {
        if (!done.insert(number).second) continue;
        Access& access = result_.accesses[static_cast<std::size_t>(number)];
        std::map<int, Dim> strides;
        for (const auto& [k, stride] : access.strides) {
          if (k != variable) strides[k > variable ? k - 1 : k] = stride;
        }
        access.strides = std::move(strides);
      }
      renumber(stage.body);
      renumber(stage.guard);
      for (Expr& extra : stage.target_extras) renumber(extra);
    }
  }

  // The code goes through small windows of pools without loops, which would take longer than what is in them.
  static bool is_short(const CanonicalStage& stage) {
    constexpr int64_t most_rounds = 4;
    constexpr int most_operations = 6;
    const Dim rounds = ir::element_count(stage.loops);
    return !stage.loops.empty() && stage.combiner != ir::Combiner::none && rounds.is_constant() &&
           rounds.value() > 1 && rounds.value() <= most_rounds && ir::op_count(stage.body) <= most_operations;
  }

  // --- Parameters.
  Dim parameter(const Dim& dim) {
    if (dim.is(0) || dim.is(1)) return dim;
    const auto [place, is_new] =
        parameters_.try_emplace(dim.to_string(), static_cast<int>(result_.arguments.size()));
    if (is_new) {
      result_.arguments.push_back(dim);
      auto symbol = std::make_shared<ir::Symbol>();
      symbol->name = "p" + std::to_string(place->second);
      symbol->lower = dim.lower() >= 0 ? 0 : -int64_t{INT32_MAX};
      symbols_.push_back(std::move(symbol));
    }
    return Dim::symbol(symbols_[static_cast<std::size_t>(place->second)]);
  }

  Expr parametrize(const Expr& e) {
    if (e.get() == nullptr) return e;
    return interner_.intern(ir::rewrite(e, [&](const Expr& node) -> Expr {
      switch (node->op) {
        case ExprOp::dim:
        case ExprOp::checked_index:
        case ExprOp::broadcast_index: {
          ExprNode copy = *node;
          copy.dim = parameter(node->dim);
          return Expr(std::make_shared<const ExprNode>(std::move(copy)));
        }
        default:
          return node;
      }
    }));
  }

  void parametrize() {
    for (Dim& extent : result_.outer) extent = parameter(extent);
    // Only what is still used, in order of use: the numbering must not depend on how the nest came about.
    std::map<int, int> numbers;
    std::vector<Access> used;
    const auto renumber_access = [&](int old) {
      const auto [place, is_new] = numbers.try_emplace(old, static_cast<int>(used.size()));
      if (is_new) {
        Access access = result_.accesses[static_cast<std::size_t>(old)];
        access.base = parameter(access.base);
        for (auto& [variable, stride] : access.strides) stride = parameter(stride);
        for (Dim& scale : access.scales) scale = parameter(scale);
        used.push_back(std::move(access));
      }
      return place->second;
    };
    const auto finish = [&](const Expr& e) {
      if (e.get() == nullptr) return e;
      return parametrize(ir::rewrite(e, [&](const Expr& node) -> Expr {
        if (node->op != ExprOp::read) return node;
        return ir::read(same_access(renumber_access(node->slot), used, node->args), node->type, node->args);
      }));
    };
    for (CanonicalStage& stage : result_.stages) {
      if (!is_short(stage)) {
        for (Dim& extent : stage.loops) extent = parameter(extent);
      }
      unique_from_ = used.size();
      stage.guard = finish(stage.guard);
      stage.body = finish(stage.body);
      for (Expr& extra : stage.target_extras) extra = finish(extra);
      if (stage.target >= 0) stage.target = renumber_access(stage.target);
    }
    result_.accesses = std::move(used);
  }

  // Two reads of one stage at the same place are one access, so that interning makes them one node.
  int same_access(int number, const std::vector<Access>& used, const std::vector<Expr>&) const {
    const Access& access = used[static_cast<std::size_t>(number)];
    for (std::size_t k = unique_from_; k < static_cast<std::size_t>(number); ++k) {
      const Access& other = used[k];
      if (other.operand == access.operand && other.base == access.base && other.strides == access.strides &&
          other.scales == access.scales) {
        return static_cast<int>(k);
      }
    }
    return number;
  }

  const schedule::LoopNest& nest_;
  CanonicalNest result_;
  Interner interner_;
  std::map<std::string, int> parameters_;
  std::vector<std::shared_ptr<ir::Symbol>> symbols_;
  std::size_t unique_from_ = 0;
};

class KeyWriter {
 public:
  void dims(const std::vector<Dim>& list) {
    for (const Dim& dim : list) text += dim.to_string() + ",";
    text += ";";
  }
  // Each node once, by number: expressions are graphs, and their text as trees may be exponentially long.
  void expression(const Expr& e) {
    if (e.get() == nullptr) {
      text += "-;";
      return;
    }
    text += fmt::format("#{};", number(e));
  }

  std::string text;

 private:
  int number(const Expr& e) {
    if (const auto found = numbers_.find(e.get()); found != numbers_.end()) return found->second;
    std::vector<int> args;
    for (const Expr& arg : e->args) args.push_back(number(arg));
    uint64_t bits = 0;
    std::memcpy(&bits, &e->literal.real, sizeof bits);
    text += fmt::format("{}:{}:{}:{:x}:{}:{}(", ir::name(e->op), ir::name(e->type), e->slot, bits,
                        e->literal.integer, e->dim.to_string());
    for (int arg : args) text += fmt::format("{},", arg);
    text += ")";
    const int result = static_cast<int>(numbers_.size());
    numbers_[e.get()] = result;
    return result;
  }

  std::map<const ExprNode*, int> numbers_;
};

}  // namespace

ir::ExprOp operator_of(ir::Combiner combiner) {
  switch (combiner) {
    case ir::Combiner::sum:
      return ExprOp::add;
    case ir::Combiner::prod:
      return ExprOp::mul;
    case ir::Combiner::min:
      return ExprOp::min;
    case ir::Combiner::max:
      return ExprOp::max;
    case ir::Combiner::logical_and:
      return ExprOp::logical_and;
    case ir::Combiner::logical_or:
      return ExprOp::logical_or;
    default:
      fail_internal("a combiner that is not one operator");
  }
}

const ExprNode* copied_read(const Expr& body, ir::DType stored) {
  const ExprNode* e = body.get();
  while (e->op == ExprOp::cast && (e->type == stored || e->type == ir::compute_type(stored)))
    e = e->args[0].get();
  return e->op == ExprOp::read ? e : nullptr;
}

CanonicalNest canonicalize(const schedule::LoopNest& nest) { return Canonicalizer(nest).run(); }

std::string key_of(const Expr& e) {
  KeyWriter key;
  key.expression(Interner().intern(e));
  return key.text;
}

std::string key_of(const CanonicalNest& nest) {
  KeyWriter key;
  key.text = "nest ";
  key.dims(nest.outer);
  for (ir::DType type : nest.operands) key.text += std::string(ir::name(type)) + ",";
  for (const Access& access : nest.accesses) {
    key.text += fmt::format("\naccess {} {} [", access.operand, access.base.to_string());
    for (const auto& [variable, stride] : access.strides)
      key.text += fmt::format("{}:{},", variable, stride.to_string());
    key.text += "] ";
    key.dims(access.scales);
  }
  for (const CanonicalStage& stage : nest.stages) {
    key.text += fmt::format("\nstage {} {} {} {} {} ", static_cast<int>(stage.combiner), stage.select_last,
                            stage.temp, stage.target, stage.sequential);
    key.dims(stage.loops);
    key.expression(stage.guard);
    key.expression(stage.body);
    for (const Expr& extra : stage.target_extras) key.expression(extra);
  }
  return key.text;
}

}  // namespace o2w::codegen
