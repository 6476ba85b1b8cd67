// The four-lane side of ExprGenerator.
#include <cmath>

#include "compiler/codegen/expr_generator.h"
#include "compiler/codegen/inline_call.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::DType;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

namespace {

bool is_comparison(ExprOp op) {
  return op == ExprOp::eq || op == ExprOp::ne || op == ExprOp::lt || op == ExprOp::le || op == ExprOp::gt ||
         op == ExprOp::ge;
}

bool is_unsigned(DType type) { return !ir::is_signed(type) && type != DType::index; }

// Bits of an integer that its 32-bit lane holds extended.
int narrow_bits(DType type) {
  switch (type) {
    case DType::i8:
    case DType::u8:
      return 8;
    case DType::i16:
    case DType::u16:
      return 16;
    default:
      return 32;
  }
}

bool vector_operator_exists(const ExprNode& node) {
  const DType type = node.args.empty() ? node.type : node.args[0]->type;
  const bool is_float = type == DType::f32;
  switch (node.op) {
    case ExprOp::neg:
    case ExprOp::abs:
    case ExprOp::add:
    case ExprOp::sub:
    case ExprOp::mul:
    case ExprOp::min:
    case ExprOp::max:
    case ExprOp::sign:
    case ExprOp::floor:
    case ExprOp::ceil:
    case ExprOp::trunc:
    case ExprOp::round_even:
      return true;
    case ExprOp::sqrt:
    case ExprOp::reciprocal:
    case ExprOp::isnan:
    case ExprOp::isinf:
    case ExprOp::div:
    case ExprOp::pow:
    case ExprOp::atan2:
    case ExprOp::fmod:
    case ExprOp::floordiv:
      return is_float;
    case ExprOp::bitwise_and:
    case ExprOp::bitwise_or:
    case ExprOp::bitwise_xor:
    case ExprOp::bitwise_not:
    case ExprOp::logical_and:
    case ExprOp::logical_or:
    case ExprOp::logical_xor:
    case ExprOp::logical_not:
      return true;
    default:
      return is_comparison(node.op) || (is_float && ScalarOps::is_math(node.op));
  }
}

// Conversions between the lanes' types; others go lane by lane.
bool vector_cast_exists(DType from, DType to) {
  return ExprGenerator::is_vector_type(from) && ExprGenerator::is_vector_type(to);
}

}  // namespace

bool ExprGenerator::has_vector_form(const Expr& e) {
  const ExprNode& node = *e;
  if (!is_vector_type(node.type)) return false;
  for (const Expr& arg : node.args) {
    if (node.op != ExprOp::read && !is_vector_type(arg->type)) return false;
  }
  switch (node.op) {
    case ExprOp::index:
    case ExprOp::temp:
    case ExprOp::literal:
      return true;
    case ExprOp::read:
      return leaves_.can_read_vector(node);
    case ExprOp::cast:
      return vector_cast_exists(node.args[0]->type, node.type);
    case ExprOp::bitcast:
      return ir::byte_size(node.type) == 4;
    // All lanes evaluate both sides, unless they all take the same one.
    case ExprOp::select:
      return !varies(node.args[0]) || has_safe_sides(e);
    default:
      return vector_operator_exists(node);
  }
}

void ExprGenerator::count(const Expr& e, Cost& cost) {
  std::set<const ExprNode*> seen;
  const auto visit = [&](const auto& self, const Expr& node) -> void {
    if (!varies(node) || !seen.insert(node.get()).second) return;
    if (!has_vector_form(node)) {  // with all that is below it
      cost.by_lane += 1 + (node->op == ExprOp::read ? 0 : ir::op_count(node));
      return;
    }
    // A call of the runtime library stands for some twenty operations.
    cost.vector += ScalarOps::is_math(node->op) && node->type == DType::f32 ? 20 : 1;
    if (node->op == ExprOp::read) return;
    for (const Expr& arg : node->args) self(self, arg);
  };
  visit(visit, e);
}

V128 ExprGenerator::splat(DType type, Tree scalar) {
  if (type == DType::f32) return f32x4::splat(F32(std::move(scalar)));
  if (type == DType::boolean) return i32x4::splat(f_.i32(0) - I32(std::move(scalar)));
  return i32x4::splat(I32(std::move(scalar)));
}

V128 ExprGenerator::constant_vector(const ExprNode& literal) {
  if (literal.type == DType::f32) {
    const auto value = static_cast<float>(literal.literal.real);
    return v128::f32({value, value, value, value});
  }
  auto value = static_cast<int32_t>(literal.literal.integer);
  if (literal.type == DType::boolean) value = -value;
  return v128::i32({value, value, value, value});
}

V128 ExprGenerator::normalise(DType type, V128 value) {
  const int bits = narrow_bits(type);
  if (bits == 32) return value;
  if (is_unsigned(type)) {
    const int32_t mask = (1 << bits) - 1;
    return v128::and_(std::move(value), v128::i32({mask, mask, mask, mask}));
  }
  return i32x4::shr_s(i32x4::shl(std::move(value), 32 - bits), 32 - bits);
}

V128 ExprGenerator::vector(const Expr& e) {
  ensure(is_vector_type(e->type), "expression of a type that has no vectors");
  if (const Local* known = find(e.get(), vector_key(e))) return V128(known->get());
  if (e->op == ExprOp::literal) {
    V128 constant = constant_vector(*e);
    return V128(Tree(f_.module(), constant.take(f_.module()), WasmType::v128));
  }
  const bool uniform = !varies(e);
  V128 value = uniform ? splat(e->type, scalar(e, 0)) : has_vector_form(e) ? vector_node(e) : lane_by_lane(e);
  if (!is_shared(e)) return value;
  const Local local = f_.keep(std::move(value));
  scopes_.back().values[{e.get(), vector_key(e)}] = local;
  return V128(local.get());
}

V128 ExprGenerator::lane_by_lane(const Expr& e) {
  Local lanes = f_.keep(splat(e->type, scalar(e, 4 * part_)));
  for (int lane = 1; lane < 4; ++lane) {
    Tree value = scalar(e, 4 * part_ + lane);
    if (e->type == DType::f32) {
      lanes.set(f32x4::replace(V128(lanes.get()), lane, F32(std::move(value))));
    } else {
      I32 bits(std::move(value));
      if (e->type == DType::boolean) bits = f_.i32(0) - std::move(bits);
      lanes.set(i32x4::replace(V128(lanes.get()), lane, std::move(bits)));
    }
  }
  return V128(lanes.get());
}

V128 ExprGenerator::vector_node(const Expr& e) {
  const ExprNode& node = *e;
  switch (node.op) {
    case ExprOp::index:
      return V128(leaves_.index_vector(node.slot, part_));
    case ExprOp::temp:
      return V128(leaves_.temp_vector(node, part_));
    case ExprOp::read:
      return V128(leaves_.read_vector(node, part_));
    case ExprOp::cast:
      return vector_cast(e);
    case ExprOp::bitcast:
      return vector(node.args[0]);
    case ExprOp::select:
      return vector_select(e);
    default:
      break;
  }
  if (is_comparison(node.op)) return vector_compare(e);
  return node.args.size() == 1 ? vector_unary(e) : vector_binary(e);
}

V128 ExprGenerator::vector_select(const Expr& e) {
  const Expr& condition = e->args[0];
  const Expr& then = e->args[1];
  const Expr& otherwise = e->args[2];
  if (!varies(condition) && !(is_harmless(then) && is_harmless(otherwise))) {
    Tree test = scalar(condition, 0);
    const auto side = [&](const Expr& value) {
      return [this, &value]() -> Tree {
        open_scope();
        V128 result = vector(value);
        close_scope();
        return result;
      };
    };
    return V128(f_.if_value(std::move(test), side(then), side(otherwise)));
  }
  V128 mask = vector(condition);
  V128 a = vector(then);
  V128 b = vector(otherwise);
  return v128::bitselect(std::move(a), std::move(b), std::move(mask));
}

V128 ExprGenerator::vector_compare(const Expr& e) {
  const DType type = e->args[0]->type;
  V128 a = vector(e->args[0]);
  V128 b = vector(e->args[1]);
  if (type == DType::f32) {
    switch (e->op) {
      case ExprOp::eq:
        return f32x4::eq(std::move(a), std::move(b));
      case ExprOp::ne:
        return f32x4::ne(std::move(a), std::move(b));
      case ExprOp::lt:
        return f32x4::lt(std::move(a), std::move(b));
      case ExprOp::le:
        return f32x4::le(std::move(a), std::move(b));
      case ExprOp::gt:
        return f32x4::gt(std::move(a), std::move(b));
      default:
        return f32x4::ge(std::move(a), std::move(b));
    }
  }
  // Masks compare as 0 and 1 the other way round when signed (-1 < 0), rightly when unsigned.
  const bool u = is_unsigned(type);
  switch (e->op) {
    case ExprOp::eq:
      return i32x4::eq(std::move(a), std::move(b));
    case ExprOp::ne:
      return i32x4::ne(std::move(a), std::move(b));
    case ExprOp::lt:
      return u ? i32x4::lt_u(std::move(a), std::move(b)) : i32x4::lt_s(std::move(a), std::move(b));
    case ExprOp::le:
      return u ? i32x4::le_u(std::move(a), std::move(b)) : i32x4::le_s(std::move(a), std::move(b));
    case ExprOp::gt:
      return u ? i32x4::gt_u(std::move(a), std::move(b)) : i32x4::gt_s(std::move(a), std::move(b));
    default:
      return u ? i32x4::ge_u(std::move(a), std::move(b)) : i32x4::ge_s(std::move(a), std::move(b));
  }
}

V128 ExprGenerator::vector_unary(const Expr& e) {
  const DType type = e->args[0]->type;
  V128 a = vector(e->args[0]);
  if (e->op == ExprOp::logical_not || e->op == ExprOp::bitwise_not) {
    return normalise(type, v128::not_(std::move(a)));
  }
  if (type != DType::f32) {
    switch (e->op) {
      case ExprOp::neg:
        return normalise(type, i32x4::neg(std::move(a)));
      case ExprOp::abs:
        return is_unsigned(type) ? std::move(a) : normalise(type, i32x4::abs(std::move(a)));
      case ExprOp::sign: {
        const int32_t low = is_unsigned(type) ? 0 : -1;
        V128 one = v128::i32({1, 1, 1, 1});
        if (is_unsigned(type)) return i32x4::min_u(std::move(a), std::move(one));
        return i32x4::max_s(i32x4::min_s(std::move(a), std::move(one)), v128::i32({low, low, low, low}));
      }
      default:
        return a;  // roundings of integers
    }
  }
  switch (e->op) {
    case ExprOp::neg:
      return f32x4::neg(std::move(a));
    case ExprOp::abs:
      return f32x4::abs(std::move(a));
    case ExprOp::floor:
      return f32x4::floor(std::move(a));
    case ExprOp::ceil:
      return f32x4::ceil(std::move(a));
    case ExprOp::trunc:
      return f32x4::trunc(std::move(a));
    case ExprOp::round_even:
      return f32x4::nearest(std::move(a));
    case ExprOp::sqrt:
      return f32x4::sqrt(std::move(a));
    case ExprOp::reciprocal:
      return f32x4::div(v128::f32({1, 1, 1, 1}), std::move(a));
    case ExprOp::isnan: {
      const Local x = f_.keep(std::move(a));
      return f32x4::ne(V128(x.get()), V128(x.get()));
    }
    case ExprOp::isinf:
      return f32x4::eq(f32x4::abs(std::move(a)), v128::f32({INFINITY, INFINITY, INFINITY, INFINITY}));
    case ExprOp::sign: {
      const Local x = f_.keep(std::move(a));
      const auto where = [&](float value, V128 rest, V128 mask) {
        return v128::bitselect(v128::f32({value, value, value, value}), std::move(rest), std::move(mask));
      };
      V128 negative = where(-1, V128(x.get()), f32x4::lt(V128(x.get()), v128::f32({0, 0, 0, 0})));
      return where(1, std::move(negative), f32x4::gt(V128(x.get()), v128::f32({0, 0, 0, 0})));
    }
    default:
      return vector_math(e->op, f_.arguments(std::move(a)));
  }
}

V128 ExprGenerator::vector_math(ExprOp op, std::vector<Tree> arguments) {
  const std::string callee = ScalarOps::math_function(op, "f32x4");
  return V128(keep_calls_
                  ? f_.call(callee, std::move(arguments), WasmType::v128)
                  : call_in_place(ops_.functions(), f_, callee, std::move(arguments), WasmType::v128));
}

V128 ExprGenerator::vector_binary(const Expr& e) {
  const DType type = e->args[0]->type;
  const Expr& rhs = e->args[1];
  V128 a = vector(e->args[0]);
  V128 b = vector(rhs);
  switch (e->op) {
    case ExprOp::bitwise_and:
    case ExprOp::logical_and:
      return v128::and_(std::move(a), std::move(b));
    case ExprOp::bitwise_or:
    case ExprOp::logical_or:
      return v128::or_(std::move(a), std::move(b));
    case ExprOp::bitwise_xor:
    case ExprOp::logical_xor:
      return v128::xor_(std::move(a), std::move(b));
    default:
      break;
  }
  if (type != DType::f32) {
    const bool u = is_unsigned(type);
    switch (e->op) {
      case ExprOp::add:
        return normalise(type, i32x4::add(std::move(a), std::move(b)));
      case ExprOp::sub:
        return normalise(type, i32x4::sub(std::move(a), std::move(b)));
      case ExprOp::mul:
        return normalise(type, i32x4::mul(std::move(a), std::move(b)));
      case ExprOp::min:
        return u ? i32x4::min_u(std::move(a), std::move(b)) : i32x4::min_s(std::move(a), std::move(b));
      case ExprOp::max:
        return u ? i32x4::max_u(std::move(a), std::move(b)) : i32x4::max_s(std::move(a), std::move(b));
      default:
        fail_internal("no vector form of {} on {}", ir::name(e->op), ir::name(type));
    }
  }
  const bool against_number = ir::is_literal(rhs) && !std::isnan(rhs->literal.real);
  switch (e->op) {
    case ExprOp::add:
      return f32x4::add(std::move(a), std::move(b));
    case ExprOp::sub:
      return f32x4::sub(std::move(a), std::move(b));
    case ExprOp::mul:
      return f32x4::mul(std::move(a), std::move(b));
    case ExprOp::div:
      return f32x4::div(std::move(a), std::move(b));
    case ExprOp::floordiv:
      return f32x4::floor(f32x4::div(std::move(a), std::move(b)));
    // pmax(x, c) is x < c ? c : x: it keeps a NaN x, and is two to three times faster than max.
    case ExprOp::max:
      return against_number ? f32x4::pmax(std::move(a), std::move(b))
                            : f32x4::max(std::move(a), std::move(b));
    case ExprOp::min:
      return against_number ? f32x4::pmin(std::move(a), std::move(b))
                            : f32x4::min(std::move(a), std::move(b));
    default:
      return vector_math(e->op, f_.arguments(std::move(a), std::move(b)));
  }
}

V128 ExprGenerator::vector_cast(const Expr& e) {
  const DType from = e->args[0]->type;
  const DType to = e->type;
  V128 a = vector(e->args[0]);
  if (from == to) return a;
  if (to == DType::boolean) {
    if (from == DType::f32) return f32x4::ne(std::move(a), v128::f32({0, 0, 0, 0}));
    return i32x4::ne(std::move(a), v128::i32({0, 0, 0, 0}));
  }
  if (from == DType::boolean) {
    if (to == DType::f32) return v128::and_(std::move(a), v128::f32({1, 1, 1, 1}));
    return v128::and_(std::move(a), v128::i32({1, 1, 1, 1}));
  }
  if (to == DType::f32) {
    return is_unsigned(from) ? f32x4::convert_i32x4_u(std::move(a)) : f32x4::convert_i32x4_s(std::move(a));
  }
  if (from == DType::f32) {
    if (to == DType::u32) return i32x4::trunc_sat_f32x4_u(std::move(a));
    const int bits = narrow_bits(to);
    const bool u = is_unsigned(to);
    V128 whole = u ? i32x4::trunc_sat_f32x4_u(std::move(a)) : i32x4::trunc_sat_f32x4_s(std::move(a));
    if (bits == 32) return whole;
    const int32_t high = u ? (1 << bits) - 1 : (1 << (bits - 1)) - 1;
    const int32_t low = -high - 1;
    V128 top = v128::i32({high, high, high, high});
    if (u) return i32x4::min_u(std::move(whole), std::move(top));
    return i32x4::max_s(i32x4::min_s(std::move(whole), std::move(top)), v128::i32({low, low, low, low}));
  }
  return normalise(to, std::move(a));
}

}  // namespace o2w::codegen
