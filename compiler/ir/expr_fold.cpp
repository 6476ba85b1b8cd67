#include "compiler/ir/expr_fold.h"

#include <cmath>
#include <limits>

#include "compiler/ir/numeric.h"

namespace o2w::ir {
namespace {

// T is the type itself: the arithmetic of IEEE 754 is correctly rounded, so C++ and wasm agree.
template <typename T>
Expr fold_float_unary(ExprOp op, DType type, T x) {
  const auto result = [&](T value) { return literal_float(type, value); };
  switch (op) {
    case ExprOp::neg:
      return result(-x);
    case ExprOp::abs:
      return result(std::fabs(x));
    case ExprOp::floor:
      return result(std::floor(x));
    case ExprOp::ceil:
      return result(std::ceil(x));
    case ExprOp::trunc:
      return result(std::trunc(x));
    case ExprOp::round_even:
      return result(std::nearbyint(x));
    case ExprOp::sqrt:
      return result(std::sqrt(x));
    case ExprOp::reciprocal:
      return result(T{1} / x);
    case ExprOp::isnan:
      return literal_bool(std::isnan(x));
    case ExprOp::isinf:
      return literal_bool(std::isinf(x));
    default:
      return Expr();
  }
}

template <typename T>
Expr fold_float_binary(ExprOp op, DType type, T a, T b) {
  const auto result = [&](T value) { return literal_float(type, value); };
  switch (op) {
    case ExprOp::add:
      return result(a + b);
    case ExprOp::sub:
      return result(a - b);
    case ExprOp::mul:
      return result(a * b);
    case ExprOp::div:
      return result(a / b);
    case ExprOp::min:
      return std::isnan(a) || std::isnan(b) || a == b ? Expr() : result(std::fmin(a, b));
    case ExprOp::max:
      return std::isnan(a) || std::isnan(b) || a == b ? Expr() : result(std::fmax(a, b));
    case ExprOp::eq:
      return literal_bool(a == b);
    case ExprOp::ne:
      return literal_bool(a != b);
    case ExprOp::lt:
      return literal_bool(a < b);
    case ExprOp::le:
      return literal_bool(a <= b);
    case ExprOp::gt:
      return literal_bool(a > b);
    case ExprOp::ge:
      return literal_bool(a >= b);
    default:
      return Expr();
  }
}

template <typename T>
std::optional<bool> compare(ExprOp op, T a, T b) {
  switch (op) {
    case ExprOp::eq:
      return a == b;
    case ExprOp::ne:
      return a != b;
    case ExprOp::lt:
      return a < b;
    case ExprOp::le:
      return a <= b;
    case ExprOp::gt:
      return a > b;
    case ExprOp::ge:
      return a >= b;
    default:
      return std::nullopt;
  }
}

// u64 is folded as bits where that is the same; division and order are not.
Expr fold_whole_binary(ExprOp op, DType type, int64_t a, int64_t b) {
  const bool is_u64 = type == DType::u64;
  if (const auto decided =
          is_u64 ? compare(op, static_cast<uint64_t>(a), static_cast<uint64_t>(b)) : compare(op, a, b)) {
    return literal_bool(*decided);
  }
  const auto result = [&](int64_t value) { return literal_int(type, value); };
  if (type == DType::index) {
    // Positions do not wrap: an overflow is left for run time to see.
    int64_t exact = 0;
    const bool overflow = (op == ExprOp::add && __builtin_add_overflow(a, b, &exact)) ||
                          (op == ExprOp::sub && __builtin_sub_overflow(a, b, &exact)) ||
                          (op == ExprOp::mul && __builtin_mul_overflow(a, b, &exact));
    if (overflow) return Expr();
  }
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  const bool divides = op == ExprOp::div || op == ExprOp::floordiv || op == ExprOp::mod || op == ExprOp::fmod;
  if (divides && b == 0) return result(0);
  if (divides && is_u64)
    return result(static_cast<int64_t>(op == ExprOp::div || op == ExprOp::floordiv ? ua / ub : ua % ub));
  if (divides && b == -1)
    return result(op == ExprOp::div || op == ExprOp::floordiv ? static_cast<int64_t>(0 - ua) : 0);
  switch (op) {
    case ExprOp::add:
      return result(static_cast<int64_t>(ua + ub));
    case ExprOp::sub:
      return result(static_cast<int64_t>(ua - ub));
    case ExprOp::mul:
      return result(static_cast<int64_t>(ua * ub));
    case ExprOp::div:
      return result(a / b);
    case ExprOp::fmod:
      return result(a % b);
    case ExprOp::floordiv:
      return result(a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0));
    case ExprOp::mod: {
      const int64_t rest = a % b;
      return result(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
    }
    case ExprOp::min:
      return result((is_u64 ? ua < ub : a < b) ? a : b);
    case ExprOp::max:
      return result((is_u64 ? ua < ub : a < b) ? b : a);
    case ExprOp::bitwise_and:
      return result(a & b);
    case ExprOp::bitwise_or:
      return result(a | b);
    case ExprOp::bitwise_xor:
      return result(a ^ b);
    default:
      return Expr();
  }
}

}  // namespace

Expr fold_cast(DType type, const Expr& e) {
  const DType from = e->type;
  if (is_float(from)) {
    if (is_float(type)) return literal_float(type, e->literal.real);
    return literal_int(type, float_to_int(type == DType::index ? DType::i64 : type, e->literal.real));
  }
  if (is_float(type)) return literal_float(type, int_to_float(from, e->literal.integer, type));
  return literal_int(type, e->literal.integer);
}

Expr fold_unary(ExprOp op, const Expr& e) {
  if (e->type == DType::f32) return fold_float_unary(op, e->type, static_cast<float>(e->literal.real));
  if (e->type == DType::f64) return fold_float_unary(op, e->type, e->literal.real);
  const int64_t value = e->literal.integer;
  const auto negated = static_cast<int64_t>(0 - static_cast<uint64_t>(value));
  switch (op) {
    case ExprOp::logical_not:
      return literal_bool(value == 0);
    case ExprOp::neg:
      return literal_int(e->type, negated);
    case ExprOp::abs:
      return literal_int(e->type, is_signed(e->type) && value < 0 ? negated : value);
    case ExprOp::sign:
      return literal_int(e->type, value == 0 ? 0 : is_signed(e->type) && value < 0 ? -1 : 1);
    case ExprOp::bitwise_not:
      return literal_int(e->type, ~value);
    default:
      return Expr();
  }
}

Expr fold_binary(ExprOp op, const Expr& a, const Expr& b) {
  if (a->type == DType::f32) {
    return fold_float_binary(op, a->type, static_cast<float>(a->literal.real),
                             static_cast<float>(b->literal.real));
  }
  if (a->type == DType::f64) return fold_float_binary(op, a->type, a->literal.real, b->literal.real);
  if (a->type == DType::boolean) {
    const bool x = a->literal.integer != 0, y = b->literal.integer != 0;
    if (op == ExprOp::logical_and) return literal_bool(x && y);
    if (op == ExprOp::logical_or) return literal_bool(x || y);
    if (op == ExprOp::logical_xor || op == ExprOp::ne) return literal_bool(x != y);
    return op == ExprOp::eq ? literal_bool(x == y) : Expr();
  }
  return fold_whole_binary(op, a->type, a->literal.integer, b->literal.integer);
}

}  // namespace o2w::ir
