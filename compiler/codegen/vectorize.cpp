// Which loops of a nest run four rounds at a time, and their bodies.
#include <algorithm>

#include "compiler/codegen/nest_emitter.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;

void NestEmitter::set_vector_variable(int variable) {
  if (vector_variable_ == variable) return;
  vector_variable_ = variable;
  gen_.forget_variation();
}

namespace {

// Rounds of several vectors: sums and pools have that many accumulators, and read what steers a round once.
constexpr int kMostParts = 4;
// Operations of all parts together that still leave the accumulators in registers and the code small.
constexpr int kMostOperations = 40;

}  // namespace

VectorChoice NestEmitter::choose() {
  VectorChoice choice;
  choice.stage.assign(nest_.stages.size(), 0);
  choice.stage_row.assign(nest_.stages.size(), {});
  const int outer = static_cast<int>(nest_.outer.size());
  if (outer > 0 && nest_.stages.size() == 1 && nest_.stages[0].loops.empty()) {
    choice.outer_row = row_of_bytes(nest_.stages[0], outer - 1);
    if (choice.outer_row.kind != RowOfBytes::Kind::none) return choice;
  }
  // Along a stage's own loop: elements of a row, or the terms of a sum.
  bool all_inner = true, any_loop = false, gathers = false;
  for (std::size_t k = 0; k < nest_.stages.size(); ++k) {
    const CanonicalStage& stage = nest_.stages[k];
    if (stage.loops.empty()) continue;
    any_loop = true;
    if (!accumulates_as_stored(k)) choice.stage_row[k] = row_of_bytes(stage, last_variable(stage));
    if (choice.stage_row[k].kind != RowOfBytes::Kind::none) continue;
    const bool is_short = stage.loops.back().constant().value_or(0) > 1;
    choice.stage[k] = is_short ? 0 : worthwhile_parts(stage, last_variable(stage), false, gathers);
    all_inner = all_inner && choice.stage[k] > 0;
  }
  for (std::size_t k = 0; k < nest_.stages.size(); ++k) {
    if (nest_.stages[k].combiner != Combiner::none) continue;
    // Plain stores gain nothing of more vectors a round.
    const bool with_next = accumulates_as_stored(k) && choice.stage[k] > 0;
    choice.stage[k] = std::min(choice.stage[k], with_next ? choice.stage[k + 1] : 1);
    if (accumulates_as_stored(k)) choice.stage[k + 1] = choice.stage[k];
  }
  // Terms that are not neighbours are better summed where neighbouring sums are: the windows of pools.
  if (any_loop && all_inner && !gathers) return choice;
  // Along the last outer loop: four results at once (plain elementwise work, pooling and sums over rows of
  // channels).
  if (outer == 0) return choice;
  int parts = kMostParts;
  bool outer_gathers = false;
  for (const CanonicalStage& stage : nest_.stages)
    parts = std::min(parts, worthwhile_parts(stage, outer - 1, true, outer_gathers));
  if (any_loop && all_inner && outer_gathers) return choice;
  // More vectors a round pay where rounds have loops inside.
  const bool loops_inside = std::any_of(nest_.stages.begin(), nest_.stages.end(),
                                        [](const CanonicalStage& stage) { return !stage.loops.empty(); });
  if (parts > 0) {
    choice.outer = loops_inside ? parts : 1;
    choice.stage.assign(nest_.stages.size(), 0);
    choice.stage_row.assign(nest_.stages.size(), {});
  }
  return choice;
}

int NestEmitter::worthwhile_parts(const CanonicalStage& stage, int variable, bool outer, bool& gathers) {
  const DType type = stage.body->type;
  const bool is_arg = stage.combiner == Combiner::arg_min || stage.combiner == Combiner::arg_max;
  if (stage.sequential || (is_arg && (outer || type != DType::f32))) return 0;
  if (!ExprGenerator::is_vector_type(type)) return 0;
  if (stage.combiner != Combiner::none && type != DType::f32 && type != DType::i32 && type != DType::u32 &&
      type != DType::boolean) {
    return 0;
  }
  const int before = vector_variable_;
  const bool outer_before = outer_vectors_;
  set_vector_variable(variable);
  outer_vectors_ = outer;
  gen_.forget_variation();
  bool good = stage.guard.get() == nullptr || !gen_.varies(stage.guard);
  ExprGenerator::Cost cost;
  gen_.count(stage.body, cost);
  if (stage.target >= 0) {
    for (const Expr& extra : stage.target_extras) good = good && !gen_.varies(extra);
    const Access& target = nest_.accesses[static_cast<std::size_t>(stage.target)];
    if (!target.strides.contains(variable)) good = false;
    cost.vector += 1;
    if (!steps_by_one(target)) cost.by_lane += 1;
  }
  // A value done lane by lane costs its four scalar computations and as many moves between lanes.
  good = good && (cost.by_lane == 0 || cost.vector >= 3 * cost.by_lane);
  // Lanes of a sum that all hold the same term would each be added.
  if (!outer && stage.combiner != Combiner::none && !gen_.varies(stage.body)) good = false;
  outer_vectors_ = outer_before;
  set_vector_variable(before);
  gen_.forget_variation();
  if (!good) return 0;
  if (is_arg) return cost.by_lane > 0 ? 0 : 1;
  gathers = gathers || cost.by_lane > 0;
  if (cost.by_lane > 0) return 1;
  int parts = functions_.effort() == Effort::most ? kMostParts : 1;
  while (parts > 1 && parts * (cost.vector + 1) > kMostOperations) parts /= 2;
  return parts;
}

void NestEmitter::run_by_vectors(int variable, const std::vector<int>& accesses, const Dim& extent, int parts,
                                 bool outer, const Action& before, const Action& body) {
  with_variable(variable, accesses, [&] {
    const auto by = [&](int vectors) {
      set_vector_variable(variable);
      outer_vectors_ = outer;
      gen_.set_parts(vectors);
      gen_.forget_variation();
      run_loop(variable, accesses, 4 * vectors, I32(dim(extent)) & (-4 * vectors), before, body);
    };
    if (parts > 1) by(parts);
    by(1);
    outer_vectors_ = false;
    set_vector_variable(-1);
    gen_.forget_variation();
    run_loop(variable, accesses, 1, I32(dim(extent)), before, body);
  });
}

void NestEmitter::emit_vector_outer_loop(int variable) {
  run_by_vectors(
      variable, all_accesses(), nest_.outer[static_cast<std::size_t>(variable)], choice_.outer, true,
      [&] { hoist_all(); }, [&] { emit_outer(variable + 1); });
}

void NestEmitter::emit_vector_stage_loop(const CanonicalStage& stage) {
  const auto number = static_cast<std::size_t>(&stage - nest_.stages.data());
  run_by_vectors(
      last_variable(stage), accesses_of(stage), stage.loops.back(), choice_.stage[number], false,
      [&] { hoist(stage); }, [&] { emit_body(stage); });
}

void NestEmitter::emit_vector_body(const CanonicalStage& stage) {
  const auto one_part = [&](int part) {
    V128 value = gen_.vector(stage.body);
    if (stage.combiner != Combiner::none) {
      accumulate_vector(stage, part, std::move(value));
    } else if (stage.target >= 0) {
      const Local kept = f_.keep(std::move(value));
      store_vector(stage, V128(kept.get()), part);
      if (next_ != nullptr) accumulate_vector(*next_, part, V128(kept.get()));
    } else {
      temp_vectors_[{stage.temp, part}] = f_.keep(std::move(value));
    }
  };
  const auto work = [&] {
    for (int part = 0; part < gen_.parts(); ++part) {
      gen_.set_part(part);
      one_part(part);
    }
    gen_.set_part(0);
  };
  const bool counts = stage.combiner != Combiner::none && position_.has_value();
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
  if (counts) *position_ += 4;
}

void NestEmitter::store_vector(const CanonicalStage& stage, V128 value, int part) {
  const Access& target = nest_.accesses[static_cast<std::size_t>(stage.target)];
  if (!steps_by_one(target)) {
    const Local lanes = f_.keep(std::move(value));
    for (int lane = 0; lane < 4; ++lane) {
      Tree where = address(stage.target, stage.target_extras, 4 * part + lane);
      gen_.ops().store(target.type, std::move(where), lane_of(target.type, V128(lanes.get()), lane));
    }
    return;
  }
  I32 where = address(stage.target, stage.target_extras, 4 * part);
  const auto narrow = [&](bool to_unsigned, bool to_bytes) {
    const Local lanes = f_.keep(std::move(value));
    const auto both = [&] { return V128(lanes.get()); };
    // Values fit their type already; 16 bits unsigned need the unsigned narrowing, bytes of either kind fit
    // 16 signed ones.
    const Local halves = f_.keep(to_unsigned && !to_bytes ? i16x8::narrow_i32x4_u(both(), both())
                                                          : i16x8::narrow_i32x4_s(both(), both()));
    if (!to_bytes) return V128(halves.get());
    return to_unsigned ? i8x16::narrow_i16x8_u(V128(halves.get()), V128(halves.get()))
                       : i8x16::narrow_i16x8_s(V128(halves.get()), V128(halves.get()));
  };
  switch (target.type) {
    case DType::boolean:
      value = v128::and_(std::move(value), v128::i32({1, 1, 1, 1}));
      [[fallthrough]];
    case DType::u8:
      f_.emit(v128::store32_lane(narrow(true, true), 0, std::move(where)));
      return;
    case DType::i8:
      f_.emit(v128::store32_lane(narrow(false, true), 0, std::move(where)));
      return;
    case DType::u16:
      f_.emit(v128::store64_lane(narrow(true, false), 0, std::move(where)));
      return;
    case DType::i16:
      f_.emit(v128::store64_lane(narrow(false, false), 0, std::move(where)));
      return;
    default:
      f_.store_v128(std::move(where), std::move(value));
  }
}

namespace {

// f32x4.max and min take eight instructions, to get NaN and the sign of zero right; the pseudo-minimum takes
// one, and to remember NaN takes two more. (Of zeros of both signs, the first stays.)
bool remembers_nan(const CanonicalStage& stage) {
  return stage.body->type == DType::f32 &&
         (stage.combiner == Combiner::max || stage.combiner == Combiner::min);
}

}  // namespace

void NestEmitter::begin_vectors(const CanonicalStage& stage, int parts) {
  if (position_) {
    best_lanes_ = f_.keep(v128::i32({0, 0, 0, 0}));
    places_ = f_.keep(v128::i32({-1, -1, -1, -1}));
    return;
  }
  for (int part = 0; part < parts; ++part) {
    temp_vectors_[{stage.temp, part}] = f_.keep(identity_vector(stage.combiner, stage.body->type));
    if (remembers_nan(stage)) nan_lanes_[{stage.temp, part}] = f_.keep(v128::i32({0, 0, 0, 0}));
  }
}

// As accumulate_position() does with an element, in every lane.
void NestEmitter::accumulate_positions(const CanonicalStage& stage, V128 value) {
  const Var<V128> x(f_.keep(std::move(value))), best(best_lanes_), place(places_);
  const bool is_max = stage.combiner == Combiner::arg_max;
  V128 worse = is_max ? (stage.select_last ? f32x4::lt(x, best) : f32x4::le(x, best))
                      : (stage.select_last ? f32x4::gt(x, best) : f32x4::ge(x, best));
  const Var<V128> better(f_.keep(v128::or_(v128::andnot(f32x4::eq(best, best), std::move(worse)),
                                           i32x4::lt_s(place, v128::i32({0, 0, 0, 0})))));
  best.set(v128::bitselect(x, best, better));
  place.set(
      v128::bitselect(i32x4::add(i32x4::splat(position_->get()), v128::i32({0, 1, 2, 3})), place, better));
}

// The best of the lanes and of the elements done one by one: of equal ones the first, or the last.
void NestEmitter::join_positions(const CanonicalStage& stage) {
  const Var<I64> result(temps_.at(stage.temp));
  const auto compare = [&](ExprOp op, const Local& a, const Local& b) {
    return I32(gen_.ops().binary(op, DType::f32, a.get(), b.get(), {}));
  };
  const auto is_nan = [&](const Local& value) { return compare(ExprOp::ne, value, value); };
  const ExprOp beyond = stage.combiner == Combiner::arg_max ? ExprOp::gt : ExprOp::lt;
  for (int lane = 0; lane < 4; ++lane) {
    const Local x = f_.keep(f32x4::extract(V128(best_lanes_.get()), lane));
    const Var<I64> place = f_.local<I64>(extend_signed(i32x4::extract(V128(places_.get()), lane)));
    const auto in_order = [&](bool last) { return last ? result < place : place < result; };
    I32 better =
        compare(beyond, x, best_) | is_nan(x) | (compare(ExprOp::eq, x, best_) & in_order(stage.select_last));
    // The first NaN stays.
    I32 chosen = (result < 0) | (is_nan(best_) & is_nan(x) & in_order(false)) |
                 (is_zero(is_nan(best_)) & std::move(better));
    f_.if_(is_zero(place < 0) & std::move(chosen), [&] {
      best_.set(x.get());
      result.set(place);
    });
  }
}

void NestEmitter::accumulate_vector(const CanonicalStage& stage, int part, V128 value) {
  if (position_) return accumulate_positions(stage, std::move(value));
  const Local total = temp_vectors_.at({stage.temp, part});
  if (!remembers_nan(stage)) {
    total.set(combine_vectors(stage.combiner, stage.body->type, V128(total.get()), std::move(value)));
    return;
  }
  const Var<V128> x(f_.keep(std::move(value)));
  const Var<V128> nans(nan_lanes_.at({stage.temp, part}));
  nans.set(v128::or_(nans, f32x4::ne(x, x)));
  total.set(stage.combiner == Combiner::max ? f32x4::pmax(V128(total.get()), x)
                                            : f32x4::pmin(V128(total.get()), x));
}

void NestEmitter::end_vectors(const CanonicalStage& stage, int parts) {
  if (!remembers_nan(stage)) return;
  for (int part = 0; part < parts; ++part) {
    const Local total = temp_vectors_.at({stage.temp, part});
    total.set(v128::or_(V128(total.get()), V128(nan_lanes_.at({stage.temp, part}).get())));
  }
}

V128 NestEmitter::combine_vectors(Combiner combiner, DType type, V128 a, V128 b) {
  const bool is_float = type == DType::f32;
  const bool is_unsigned = type == DType::u32;
  switch (combiner) {
    case Combiner::sum:
      return is_float ? f32x4::add(std::move(a), std::move(b)) : i32x4::add(std::move(a), std::move(b));
    case Combiner::prod:
      return is_float ? f32x4::mul(std::move(a), std::move(b)) : i32x4::mul(std::move(a), std::move(b));
    case Combiner::min:
      return is_float      ? f32x4::min(std::move(a), std::move(b))
             : is_unsigned ? i32x4::min_u(std::move(a), std::move(b))
                           : i32x4::min_s(std::move(a), std::move(b));
    case Combiner::max:
      return is_float      ? f32x4::max(std::move(a), std::move(b))
             : is_unsigned ? i32x4::max_u(std::move(a), std::move(b))
                           : i32x4::max_s(std::move(a), std::move(b));
    case Combiner::logical_and:
      return v128::and_(std::move(a), std::move(b));
    case Combiner::logical_or:
      return v128::or_(std::move(a), std::move(b));
    default:
      fail_internal("a combiner that has no vectors");
  }
}

namespace {

Expr identity_of(Combiner combiner, DType type) {
  switch (combiner) {
    case Combiner::sum:
      return ir::literal_of(type, 0);
    case Combiner::prod:
      return ir::literal_of(type, 1);
    case Combiner::min:
      return type == DType::boolean ? ir::literal_bool(true) : ir::highest_of(type);
    case Combiner::max:
      return type == DType::boolean ? ir::literal_bool(false) : ir::lowest_of(type);
    case Combiner::logical_and:
      return ir::literal_bool(true);
    case Combiner::logical_or:
      return ir::literal_bool(false);
    default:
      fail_internal("a combiner without an identity");
  }
}

}  // namespace

Tree NestEmitter::identity(Combiner combiner, DType type) {
  const Expr literal = identity_of(combiner, type);
  return gen_.ops().literal(type, literal->literal);
}

V128 NestEmitter::identity_vector(Combiner combiner, DType type) {
  return gen_.vector(identity_of(combiner, type));
}

}  // namespace o2w::codegen
