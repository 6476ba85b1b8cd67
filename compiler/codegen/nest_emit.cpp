// Loops and stages of a nest, and its scalar bodies.
#include <algorithm>

#include "compiler/codegen/kernels/kernel.h"
#include "compiler/codegen/nest_emitter.h"
#include "compiler/codegen/transposed_copy.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;

namespace {

bool is_arg(Combiner combiner) { return combiner == Combiner::arg_min || combiner == Combiner::arg_max; }

}  // namespace

NestEmitter::NestEmitter(FunctionTable& functions, FunctionBuilder& f, const CanonicalNest& nest)
    : functions_(functions), f_(f), nest_(nest), gen_(functions, f, *this) {
  for (std::size_t k = 0; k < nest.operands.size(); ++k) pointers_.push_back(f.param<I32>());
  for (std::size_t k = 0; k < nest.arguments.size(); ++k) parameters_.push_back(f.param<I32>());
  if (nest.can_fail) error_ = f.param<I32>();
}

void NestEmitter::emit() {
  for (const CanonicalStage& stage : nest_.stages) {
    gen_.announce(stage.body);
    if (stage.guard.get() != nullptr) gen_.announce(stage.guard);
    for (const Expr& extra : stage.target_extras) gen_.announce(extra);
  }
  prepare_addresses();
  choice_ = choose();
  emit_outer(0);
}

void NestEmitter::emit_outer(int variable) {
  const int outer = static_cast<int>(nest_.outer.size());
  if (variable == outer) {
    temps_ready_ = true;
    emit_stages();
    temps_ready_ = false;
    return;
  }
  if (variable == outer - 1 && choice_.outer > 0) return emit_vector_outer_loop(variable);
  const std::vector<int> accesses = all_accesses();
  if (variable == outer - 1 && choice_.outer_row.kind != RowOfBytes::Kind::none) {
    return emit_row(nest_.stages[0], choice_.outer_row, variable,
                    nest_.outer[static_cast<std::size_t>(variable)], accesses);
  }
  with_variable(variable, accesses, [&] {
    run_loop(
        variable, accesses, 1, I32(dim(nest_.outer[static_cast<std::size_t>(variable)])),
        [&] { hoist_all(); }, [&] { emit_outer(variable + 1); });
  });
}

void NestEmitter::emit_stages() {
  for (std::size_t k = 0; k < nest_.stages.size(); ++k) {
    if (const std::size_t count = stages_by_rows(k); count > 1) {
      emit_rows(k, count);
      k += count - 1;
      continue;
    }
    const bool with_next = accumulates_as_stored(k);
    emit_stage(k, with_next ? &nest_.stages[k + 1] : nullptr);
    if (with_next) ++k;
  }
}

// The parts of a row that was split: stores of one operand, nothing of which is read.
std::size_t NestEmitter::stages_by_rows(std::size_t first) const {
  const auto is_part = [&](const CanonicalStage& stage) {
    const CanonicalStage& other = nest_.stages[first];
    if (stage.combiner != Combiner::none || stage.target < 0 || stage.sequential || stage.loops.empty() ||
        stage.loops[0] != other.loops[0]) {
      return false;
    }
    const int operand = nest_.accesses[static_cast<std::size_t>(stage.target)].operand;
    if (other.target < 0 || operand != nest_.accesses[static_cast<std::size_t>(other.target)].operand)
      return false;
    const std::vector<int> accesses = accesses_of(stage);
    return std::all_of(accesses.begin(), accesses.end(), [&](int access) {
      return access == stage.target || nest_.accesses[static_cast<std::size_t>(access)].operand != operand;
    });
  };
  std::size_t end = first;
  bool has_rows = false;
  for (; end < nest_.stages.size() && is_part(nest_.stages[end]); ++end)
    has_rows = has_rows || nest_.stages[end].loops.size() > 1;
  return has_rows ? end - first : 1;
}

// In one loop over rows, each of which is finished while its cache lines are at hand.
void NestEmitter::emit_rows(std::size_t first, std::size_t count) {
  const int variable = static_cast<int>(nest_.outer.size());
  std::set<int> accesses;
  for (std::size_t k = first; k < first + count; ++k) {
    const std::vector<int> own = accesses_of(nest_.stages[k]);
    accesses.insert(own.begin(), own.end());
  }
  const std::vector<int> all(accesses.begin(), accesses.end());
  with_variable(variable, all, [&] {
    run_loop(
        variable, all, 1, I32(dim(nest_.stages[first].loops[0])),
        [&] {
          for (std::size_t k = first; k < first + count; ++k) hoist(nest_.stages[k]);
        },
        [&] {
          for (std::size_t k = first; k < first + count; ++k) {
            gen_.open_scope();
            emit_stage_loops(nest_.stages[k], 1);
            gen_.close_scope();
          }
        });
  });
}

bool NestEmitter::accumulates_as_stored(std::size_t number) const {
  if (number + 1 >= nest_.stages.size()) return false;
  const CanonicalStage& stage = nest_.stages[number];
  const CanonicalStage& next = nest_.stages[number + 1];
  if (stage.combiner != Combiner::none || stage.target < 0 || stage.guard.get() != nullptr ||
      stage.sequential || !stage.target_extras.empty() || stage.loops.empty()) {
    return false;
  }
  if (next.combiner == Combiner::none || is_arg(next.combiner) || next.guard.get() != nullptr ||
      next.sequential || next.body->op != ExprOp::read || !next.body->args.empty() ||
      next.loops != stage.loops) {
    return false;
  }
  const Access& stored = nest_.accesses[static_cast<std::size_t>(stage.target)];
  const Access& read = nest_.accesses[static_cast<std::size_t>(next.body->slot)];
  return stored.type == DType::f32 && stage.body->type == DType::f32 && next.body->type == DType::f32 &&
         stored.operand == read.operand && stored.type == read.type && stored.base == read.base &&
         stored.strides == read.strides;
}

void NestEmitter::emit_stage(std::size_t number, const CanonicalStage* next) {
  const CanonicalStage& stage = nest_.stages[number];
  const int parts = choice_.stage[number];
  const CanonicalStage* reduction = stage.combiner != Combiner::none ? &stage : next;
  gen_.open_scope();
  if (reduction != nullptr) begin_reduction(*reduction);
  next_ = next;
  if (parts > 0) {
    // The accumulators of what runs in vectors; the rest goes to the scalar one.
    if (reduction != nullptr) begin_vectors(*reduction, parts);
    emit_stage_loops(stage, 0);
    if (reduction != nullptr) {
      if (position_) {
        join_positions(*reduction);
      } else {
        end_vectors(*reduction, parts);
        join_lanes(*reduction, parts);
      }
    }
  } else {
    emit_stage_loops(stage, 0);
  }
  next_ = nullptr;
  if (reduction != nullptr) end_reduction(*reduction);
  gen_.close_scope();
}

void NestEmitter::join_lanes(const CanonicalStage& stage, int parts) {
  const DType type = stage.body->type;
  for (int step = 1; step < parts; step *= 2) {
    for (int part = 0; part < parts; part += 2 * step) {
      const Local& sum = temp_vectors_.at({stage.temp, part});
      sum.set(combine_vectors(stage.combiner, type, V128(sum.get()),
                              V128(temp_vectors_.at({stage.temp, part + step}).get())));
    }
  }
  const Local lanes = temp_vectors_.at({stage.temp, 0});
  const auto lane = [&](int k) { return lane_of(type, V128(lanes.get()), k); };
  const auto join = [&](Tree a, Tree b) {
    return gen_.ops().binary(operator_of(stage.combiner), type, std::move(a), std::move(b), {});
  };
  Tree first = join(lane(0), lane(1));
  Tree second = join(lane(2), lane(3));
  Tree all = join(std::move(first), std::move(second));
  temps_.at(stage.temp).set(join(std::move(all), temps_.at(stage.temp).get()));
}

void NestEmitter::emit_stage_loops(const CanonicalStage& stage, std::size_t depth) {
  if (depth == stage.loops.size()) return emit_body(stage);
  const auto number = static_cast<std::size_t>(&stage - nest_.stages.data());
  if (depth + 1 == stage.loops.size() && choice_.stage[number] > 0) return emit_vector_stage_loop(stage);
  const int variable = static_cast<int>(nest_.outer.size() + depth);
  const std::vector<int> accesses = accesses_of(stage);
  if (depth + 1 == stage.loops.size() && choice_.stage_row[number].kind != RowOfBytes::Kind::none)
    return emit_row(stage, choice_.stage_row[number], variable, stage.loops[depth], accesses);
  const std::optional<int64_t> rounds = stage.loops[depth].constant();
  with_variable(variable, accesses, [&] {
    if (rounds && *rounds > 1) {
      for (int64_t round = 0; round < *rounds; ++round) {
        gen_.open_scope();
        emit_stage_loops(stage, depth + 1);
        gen_.close_scope();
        if (round + 1 < *rounds) advance(variable, accesses, 1);
      }
      return;
    }
    run_loop(
        variable, accesses, 1, I32(dim(stage.loops[depth])), [&] { hoist(stage); },
        [&] { emit_stage_loops(stage, depth + 1); });
  });
}

void NestEmitter::advance(int variable, const std::vector<int>& accesses, int rounds) {
  for (int number : accesses) {
    const auto k = static_cast<std::size_t>(number);
    const Access& access = nest_.accesses[k];
    const auto stride = access.strides.find(variable);
    if (stride == access.strides.end()) continue;
    addresses_[k] += step_of(stride->second, ir::byte_size(access.type)) * rounds;
  }
  variables_.at(variable) += rounds;
}

void NestEmitter::with_variable(int variable, const std::vector<int>& accesses, const Action& inside) {
  const std::vector<Var<I32>> saved = addresses_;
  for (int number : accesses) {
    const auto k = static_cast<std::size_t>(number);
    if (nest_.accesses[k].strides.contains(variable)) addresses_[k] = f_.local<I32>(addresses_[k].get());
  }
  variables_[variable] = f_.local<I32>(f_.i32(0));
  inside();
  variables_.erase(variable);
  addresses_ = saved;
}

void NestEmitter::run_loop(int variable, const std::vector<int>& accesses, int lanes, I32 limit,
                           const Action& before, const Action& body) {
  const Var<I32> counter = variables_.at(variable);
  const auto constant = limit.constant_i32();
  const Local bound = constant ? Local() : f_.keep(std::move(limit));
  const auto end = [&] { return constant ? f_.i32(*constant) : I32(bound.get()); };
  f_.if_(counter < end(), [&] {
    gen_.open_scope();
    // The variable itself is not known before its loop.
    variables_.erase(variable);
    before();
    variables_[variable] = counter;
    f_.do_while(
        [&] {
          gen_.open_scope();
          body();
          gen_.close_scope();
          advance(variable, accesses, lanes);
        },
        [&] { return counter < end(); });
    gen_.close_scope();
  });
}

// --- Hoisting.

void NestEmitter::hoist_before_outer() {
  if (choice_.outer == 0) return hoist_all();
  set_vector_variable(static_cast<int>(nest_.outer.size()) - 1);
  outer_vectors_ = true;
  hoist_all();
  outer_vectors_ = false;
  set_vector_variable(-1);
}

void NestEmitter::hoist_all() {
  for (std::size_t k = 0; k < nest_.stages.size(); ++k) {
    const int before = vector_variable_;
    if (choice_.stage[k] > 0) set_vector_variable(last_variable(nest_.stages[k]));
    hoist(nest_.stages[k]);
    if (choice_.stage[k] > 0) set_vector_variable(before);
  }
}

void NestEmitter::hoist(const CanonicalStage& stage) {
  hoisted_.clear();
  available_.clear();
  const bool guarded = stage.guard.get() != nullptr;
  if (guarded) hoist(stage.guard, false, false);
  hoist(stage.body, guarded, vector_variable_ >= 0);
  for (const Expr& extra : stage.target_extras) hoist(extra, guarded, false);
}

bool NestEmitter::is_available(const Expr& e) {
  const auto known = available_.find(e.get());
  if (known != available_.end()) return known->second;
  return available_[e.get()] = all_available(e);
}

bool NestEmitter::all_available(const Expr& e) {
  switch (e->op) {
    case ExprOp::index:
      return variables_.contains(e->slot);
    case ExprOp::temp:
      return temps_ready_;
    case ExprOp::read: {
      const Access& access = nest_.accesses[static_cast<std::size_t>(e->slot)];
      for (const auto& [variable, stride] : access.strides) {
        if (!variables_.contains(variable)) return false;
      }
      // What the nest writes must be read where the expression says.
      for (const CanonicalStage& stage : nest_.stages) {
        if (stage.target >= 0 &&
            nest_.accesses[static_cast<std::size_t>(stage.target)].operand == access.operand) {
          return false;
        }
      }
      break;
    }
    default:
      break;
  }
  for (const Expr& arg : e->args) {
    if (!is_available(arg)) return false;
  }
  return true;
}

void NestEmitter::hoist(const Expr& e, bool conditional, bool as_vector) {
  if (!hoisted_.insert({e.get(), conditional, as_vector}).second) return;
  if (is_available(e)) {
    const bool trivial = e->args.empty() && e->op != ExprOp::read;
    if (trivial && !as_vector) return;
    if (conditional && !ExprGenerator::is_harmless(e)) return;
    gen_.preload(e, as_vector);
    return;
  }
  const bool args_as_vectors =
      as_vector && e->op != ExprOp::read && gen_.varies(e) && gen_.has_vector_form(e);
  for (std::size_t k = 0; k < e->args.size(); ++k) {
    hoist(e->args[k], conditional || (e->op == ExprOp::select && k > 0), args_as_vectors);
  }
}

// --- Bodies.

Local NestEmitter::temp_local(int slot, DType type) {
  const auto found = temps_.find(slot);
  if (found != temps_.end() && found->second.type() == wasm_type(type)) return found->second;
  return temps_[slot] = f_.add_local(wasm_type(type));
}

void NestEmitter::begin_reduction(const CanonicalStage& stage) {
  const DType type = stage.body->type;
  if (is_arg(stage.combiner)) {
    position_ = f_.local<I32>(f_.i32(0));
    best_ = f_.keep(gen_.ops().literal(type, ir::Literal{}));
    temp_local(stage.temp, DType::i64).set(f_.i64(-1));
    return;
  }
  if (outer_vectors_) {
    begin_vectors(stage, gen_.parts());
  } else {
    temp_local(stage.temp, type).set(identity(stage.combiner, type));
  }
}

void NestEmitter::end_reduction(const CanonicalStage& stage) {
  if (outer_vectors_) end_vectors(stage, gen_.parts());
  if (!is_arg(stage.combiner)) return;
  position_.reset();
  // Nothing to choose from: position 0.
  const Var<I64> result(temps_.at(stage.temp));
  f_.if_(result < 0, [&] { result.set(f_.i64(0)); });
}

void NestEmitter::emit_body(const CanonicalStage& stage) {
  if (vector_variable_ >= 0) return emit_vector_body(stage);
  const auto work = [&] {
    if (is_arg(stage.combiner)) {
      accumulate_position(stage);
    } else if (stage.combiner != Combiner::none) {
      accumulate(stage);
    } else if (stage.target >= 0) {
      const DType type = nest_.accesses[static_cast<std::size_t>(stage.target)].type;
      // The address first: a checked index in it belongs to this element whatever its value is.
      Tree where = address(stage.target, stage.target_extras, 0);
      const Local value = f_.keep(gen_.scalar(stage.body));
      gen_.ops().store(type, std::move(where), value.get());
      if (next_ != nullptr) {
        const Local total = temps_.at(next_->temp);
        total.set(gen_.ops().binary(operator_of(next_->combiner), type, total.get(), value.get(), {}));
      }
    } else {
      temp_local(stage.temp, stage.body->type).set(gen_.scalar(stage.body));
    }
  };
  gen_.open_scope();
  if (stage.guard.get() == nullptr) {
    work();
  } else {
    Tree condition = gen_.scalar(stage.guard);
    f_.if_(I32(std::move(condition)), [&] {
      gen_.open_scope();
      work();
      gen_.close_scope();
    });
  }
  gen_.close_scope();
  if (is_arg(stage.combiner)) *position_ += 1;
}

void NestEmitter::accumulate(const CanonicalStage& stage) {
  const Local total = temps_.at(stage.temp);
  Tree value = gen_.scalar(stage.body);
  total.set(
      gen_.ops().binary(operator_of(stage.combiner), stage.body->type, total.get(), std::move(value), {}));
}

// Takes an element that is better than the best so far, or as good where the last is wanted; the first NaN
// stays.
void NestEmitter::accumulate_position(const CanonicalStage& stage) {
  const DType type = stage.body->type;
  const Var<I64> result(temps_.at(stage.temp));
  const Local value = f_.keep(gen_.scalar(stage.body));
  const auto compare = [&](ExprOp op, const Local& a, const Local& b) {
    return I32(gen_.ops().binary(op, type, a.get(), b.get(), {}));
  };
  const bool is_max = stage.combiner == Combiner::arg_max;
  // Negated, so that a NaN value is taken.
  const ExprOp worse =
      is_max ? (stage.select_last ? ExprOp::lt : ExprOp::le) : (stage.select_last ? ExprOp::gt : ExprOp::ge);
  I32 better = is_zero(compare(worse, value, best_)) & compare(ExprOp::eq, best_, best_);
  f_.if_((result < 0) | std::move(better), [&] {
    best_.set(value.get());
    result.set(extend_unsigned(position_->get()));
  });
}

KernelCall emit_loop_nest(FunctionTable& functions, const schedule::LoopNest& nest) {
  const CanonicalNest canonical = canonicalize(nest);
  KernelCall call;
  call.function = emit_transposed_copy(functions, canonical).value_or("");
  if (call.function.empty()) {
    const std::string key = key_of(canonical);
    call.function = functions.get("nest", key, [&](FunctionBuilder& f) {
      functions.begin_nest(key);
      NestEmitter(functions, f, canonical).emit();
      functions.end_nest();
    });
  }
  call.arguments = canonical.arguments;
  call.can_fail = canonical.can_fail;
  return call;
}

}  // namespace o2w::codegen
