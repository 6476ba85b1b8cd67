// Construction of scalar expressions: type checks and light simplification. What folds is exact: the bits are
// those the module would compute.
#include "compiler/ir/expr.h"

#include <bit>

#include "compiler/ir/expr_fold.h"
#include "compiler/ir/numeric.h"
#include "compiler/ir/type_mismatch.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

std::size_t mix(std::size_t seed, std::size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

Expr make(ExprNode&& fields) {
  auto node = std::make_shared<ExprNode>(std::move(fields));
  std::size_t seed = mix(static_cast<std::size_t>(node->op), static_cast<std::size_t>(node->type));
  seed = mix(seed, static_cast<std::size_t>(node->slot + 1));
  if (node->op == ExprOp::literal) {
    seed = mix(seed, std::bit_cast<std::size_t>(node->literal.real));
    seed = mix(seed, static_cast<std::size_t>(node->literal.integer));
  }
  seed = mix(seed, node->dim.hash());
  for (const Expr& arg : node->args) seed = mix(seed, arg->hash);
  node->hash = seed;
  return Expr(std::shared_ptr<const ExprNode>(std::move(node)));
}

Expr make(ExprOp op, DType type, std::vector<Expr> args) {
  ExprNode node;
  node.op = op;
  node.type = type;
  node.args = std::move(args);
  return make(std::move(node));
}

Expr make_literal(DType type, Literal literal, bool untyped = false) {
  ExprNode node;
  node.type = type;
  node.literal = literal;
  node.untyped = untyped;
  return make(std::move(node));
}

void expect(bool condition, ExprOp op, DType type) {
  if (!condition) fail_types("{} does not apply to {}", name(op), name(type));
}

bool is_whole(DType type) { return is_integer(type) || type == DType::index; }

bool is_comparison(ExprOp op) { return op >= ExprOp::eq && op <= ExprOp::ge; }

bool is_int_literal(const Expr& e, int64_t value) {
  return e->op == ExprOp::literal && (is_whole(e->type)) && e->literal.integer == value;
}
bool is_float_literal(const Expr& e, double value) {
  return e->op == ExprOp::literal && is_float(e->type) &&
         std::bit_cast<uint64_t>(e->literal.real) == std::bit_cast<uint64_t>(value);
}
bool is_bool_literal(const Expr& e, bool value) {
  return e->op == ExprOp::literal && e->type == DType::boolean && (e->literal.integer != 0) == value;
}

bool is_size(const Expr& e) {
  return e->type == DType::index && (e->op == ExprOp::dim || e->op == ExprOp::literal);
}
Dim size_of(const Expr& e) { return e->op == ExprOp::dim ? e->dim : Dim(e->literal.integer); }

// An untyped literal as one of `type`.
Expr resolve(const Expr& e, DType type) {
  if (!e->untyped) return e;
  const DType compute = compute_type(type);
  if (is_float(e->type)) {
    if (is_whole(compute) &&
        e->literal.real != static_cast<double>(float_to_int(DType::i64, e->literal.real))) {
      fail_types("the literal {} meets an expression of {}", e->literal.real, name(compute));
    }
    return literal_of(compute, e->literal.real);
  }
  if (is_float(compute)) return literal_float(compute, static_cast<double>(e->literal.integer));
  return literal_int(compute, e->literal.integer);
}
Expr resolve(const Expr& e) { return e->untyped ? resolve(e, e->type) : e; }

Expr as_index(const Expr& e) {
  const Expr index = resolve(e, DType::index);
  if (index->type != DType::index) fail_types("an index expression is of type {}", name(index->type));
  return index;
}

// What sizes the algebra of Dims can compute; `div` and `fmod` only agree with it where nothing is negative.
std::optional<Dim> fold_sizes(ExprOp op, const Dim& a, const Dim& b) {
  const bool divides = op == ExprOp::floordiv || op == ExprOp::mod || op == ExprOp::div || op == ExprOp::fmod;
  if (divides && b.lower() < 1) return std::nullopt;
  switch (op) {
    case ExprOp::add:
      return a + b;
    case ExprOp::sub:
      return a - b;
    case ExprOp::mul:
      return a * b;
    case ExprOp::floordiv:
      return floordiv(a, b);
    case ExprOp::mod:
      return mod(a, b);
    case ExprOp::div:
      return a.lower() >= 0 ? std::optional(floordiv(a, b)) : std::nullopt;
    case ExprOp::fmod:
      return a.lower() >= 0 ? std::optional(mod(a, b)) : std::nullopt;
    case ExprOp::min:
      return min(a, b);
    case ExprOp::max:
      return max(a, b);
    default:
      return std::nullopt;
  }
}

// Leaves at the end, literals last: so that constants meet.
int rank_of_operand(const Expr& e) {
  if (e->op == ExprOp::literal) return 2;
  return e->op == ExprOp::dim ? 1 : 0;
}

Expr simplify_whole(ExprOp op, const Expr& a, const Expr& b) {
  const DType type = a->type;
  const Expr zero = literal_int(type, 0);
  switch (op) {
    case ExprOp::add:
      if (is_int_literal(b, 0)) return a;
      // (x + c1) + c2 and (x + c1) + y: constants travel outwards and meet.
      if (a->op == ExprOp::add && rank_of_operand(a->args[1]) > 0) {
        if (rank_of_operand(b) == 2 && rank_of_operand(a->args[1]) == 2) return a->args[0] + (a->args[1] + b);
        if (is_size(b) && is_size(a->args[1])) return a->args[0] + (a->args[1] + b);
        if (rank_of_operand(b) == 0) return (a->args[0] + b) + a->args[1];
      }
      if (b->op == ExprOp::add && rank_of_operand(b->args[1]) > 0) return (a + b->args[0]) + b->args[1];
      return Expr();
    case ExprOp::sub:
      if (is_int_literal(b, 0)) return a;
      if (same(a, b) && !may_fail(a)) return zero;
      if (b->op == ExprOp::literal && b->literal.integer != std::numeric_limits<int64_t>::min()) {
        return a + literal_int(type, wrap_int(type, -b->literal.integer));
      }
      if (type == DType::index && is_size(b)) return a + Expr(Dim(0) - size_of(b));
      return Expr();
    case ExprOp::mul:
      if (is_int_literal(b, 1)) return a;
      if (is_int_literal(b, 0) && !may_fail(a)) return zero;
      if (a->op == ExprOp::mul && a->args[1]->op == ExprOp::literal && b->op == ExprOp::literal) {
        return a->args[0] * (a->args[1] * b);
      }
      return Expr();
    case ExprOp::div:
    case ExprOp::floordiv:
      if (is_int_literal(b, 1)) return a;
      // Only positions are known not to wrap.
      if (type == DType::index && a->op == ExprOp::mul && same(a->args[1], b) && is_size(b) &&
          size_of(b).lower() > 0) {
        return a->args[0];
      }
      return Expr();
    case ExprOp::mod:
    case ExprOp::fmod:
      if (is_int_literal(b, 1) && !may_fail(a)) return zero;
      if (type == DType::index && a->op == ExprOp::mul && same(a->args[1], b) && !may_fail(a)) return zero;
      return Expr();
    case ExprOp::min:
    case ExprOp::max:
      return same(a, b) ? a : Expr();
    default:
      return Expr();
  }
}

Expr simplify_float(ExprOp op, const Expr& a, const Expr& b) {
  // x + 0.0 is not among them: it turns -0.0 into 0.0.
  if (op == ExprOp::add && is_float_literal(b, -0.0)) return a;
  if (op == ExprOp::sub && is_float_literal(b, 0.0)) return a;
  if ((op == ExprOp::mul || op == ExprOp::div) && is_float_literal(b, 1.0)) return a;
  if ((op == ExprOp::min || op == ExprOp::max) && same(a, b)) return a;
  return Expr();
}

Expr simplify_logical(ExprOp op, const Expr& a, const Expr& b) {
  if (op == ExprOp::logical_and) {
    if (is_bool_literal(b, true)) return a;
    if (is_bool_literal(b, false) && !may_fail(a)) return b;
    if (same(a, b)) return a;
  } else if (op == ExprOp::logical_or) {
    if (is_bool_literal(b, false)) return a;
    if (is_bool_literal(b, true) && !may_fail(a)) return b;
    if (same(a, b)) return a;
  } else if (op == ExprOp::logical_xor) {
    if (is_bool_literal(b, false)) return a;
    if (is_bool_literal(b, true)) return !a;
  }
  return Expr();
}

// Comparisons of sizes that bounds decide.
Expr decide_comparison(ExprOp op, const Expr& a, const Expr& b) {
  if (!is_size(a) || !is_size(b)) {
    if (is_float(a->type) || !same(a, b) || may_fail(a)) return Expr();
    return literal_bool(op == ExprOp::eq || op == ExprOp::le || op == ExprOp::ge);
  }
  const Dim x = size_of(a), y = size_of(b);
  const auto known = [](bool holds, bool fails) {
    return holds ? literal_bool(true) : fails ? literal_bool(false) : Expr();
  };
  switch (op) {
    case ExprOp::eq:
      return known(provably_equal(x, y), provably_different(x, y));
    case ExprOp::ne:
      return known(provably_different(x, y), provably_equal(x, y));
    case ExprOp::lt:
      return known(provably_less_equal(x + Dim(1), y), provably_less_equal(y, x));
    case ExprOp::le:
      return known(provably_less_equal(x, y), provably_less_equal(y + Dim(1), x));
    case ExprOp::gt:
      return known(provably_less_equal(y + Dim(1), x), provably_less_equal(x, y));
    default:
      return known(provably_less_equal(y, x), provably_less_equal(x + Dim(1), y));
  }
}

void check_binary(ExprOp op, const Expr& a, const Expr& b) {
  if (a->type != b->type) {
    fail_types("{} of {} and {}", name(op), name(a->type), name(b->type));
  }
  const DType type = a->type;
  if (is_storage_only(type)) expect(false, op, type);
  switch (op) {
    case ExprOp::floordiv:
    case ExprOp::mod:
      return expect(is_whole(type), op, type);
    case ExprOp::atan2:
      return expect(is_float(type), op, type);
    case ExprOp::bitwise_and:
    case ExprOp::bitwise_or:
    case ExprOp::bitwise_xor:
    case ExprOp::shift_left:
    case ExprOp::shift_right:
      return expect(is_whole(type), op, type);
    case ExprOp::logical_and:
    case ExprOp::logical_or:
    case ExprOp::logical_xor:
      return expect(type == DType::boolean, op, type);
    case ExprOp::eq:
    case ExprOp::ne:
      return expect(is_whole(type) || is_float(type) || type == DType::boolean || type == DType::string, op,
                    type);
    default:
      return expect(is_whole(type) || is_float(type), op, type);
  }
}

void check_unary(ExprOp op, DType type) {
  const bool number = (is_whole(type) || is_float(type)) && !is_storage_only(type);
  switch (op) {
    case ExprOp::neg:
    case ExprOp::abs:
    case ExprOp::sign:
      return expect(number, op, type);
    case ExprOp::bitwise_not:
      return expect(number && is_whole(type), op, type);
    case ExprOp::logical_not:
      return expect(type == DType::boolean, op, type);
    default:
      return expect(number && is_float(type), op, type);
  }
}

}  // namespace

ExprNode::~ExprNode() {
  std::vector<Expr> pending = std::move(args);
  while (!pending.empty()) {
    const Expr last = std::move(pending.back());
    pending.pop_back();
    if (last.use_count() != 1) continue;
    // The node dies with `last`; every node was made mutable (see make), so its arguments may be taken.
    auto& orphans = const_cast<ExprNode*>(last.get())->args;
    for (Expr& orphan : orphans) pending.push_back(std::move(orphan));
    orphans.clear();
  }
}

Expr::Expr(int value) : Expr(static_cast<int64_t>(value)) {}
Expr::Expr(int64_t value) : Expr(make_literal(DType::index, {.integer = value}, true)) {}
Expr::Expr(double value) : Expr(make_literal(DType::f32, {.real = value}, true)) {}
Expr::Expr(const Dim& dim) {
  if (const std::optional<int64_t> value = dim.constant()) {
    *this = literal_int(DType::index, *value);
    return;
  }
  ExprNode node;
  node.op = ExprOp::dim;
  node.dim = dim;
  *this = make(std::move(node));
}

Expr index_var(int number) {
  ensure(number >= 0, "a negative loop variable");
  ExprNode node;
  node.op = ExprOp::index;
  node.slot = number;
  return make(std::move(node));
}

Expr literal_int(DType type, int64_t value) {
  if (is_opaque(type)) {
    // The empty string, or a complex zero.
    if (value != 0) fail_types("a literal {} of {}", value, name(type));
    return make_literal(type, {});
  }
  const DType compute = compute_type(type);
  if (is_float(compute)) return literal_float(type, static_cast<double>(value));
  return make_literal(compute, {.integer = compute == DType::index ? value : wrap_int(type, value)});
}

Expr literal_float(DType type, double value) {
  if (!is_float(type)) fail_types("a float literal of {}", name(type));
  return make_literal(compute_type(type), {.real = round_to(type, value)});
}

Expr literal_bool(bool value) { return make_literal(DType::boolean, {.integer = value ? 1 : 0}); }

Expr literal_of(DType type, double value) {
  if (is_opaque(type)) return literal_int(type, value == 0 ? 0 : 1);
  return is_float(type) ? literal_float(type, value)
                        : literal_int(type, float_to_int(type == DType::index ? DType::i64 : type, value));
}

Expr lowest_of(DType type) {
  return is_float(type) ? literal_float(type, -std::numeric_limits<double>::infinity())
                        : literal_int(type, int_lowest(type));
}

Expr highest_of(DType type) {
  if (type == DType::u64) return literal_int(type, -1);
  return is_float(type) ? literal_float(type, std::numeric_limits<double>::infinity())
                        : literal_int(type, int_highest(type));
}

Expr read(int slot, DType type, std::vector<Expr> indices) {
  ExprNode node;
  node.op = ExprOp::read;
  node.type = type;
  node.slot = slot;
  for (Expr& index : indices) index = as_index(index);
  node.args = std::move(indices);
  return make(std::move(node));
}

Expr temp(int slot, DType type) {
  ExprNode node;
  node.op = ExprOp::temp;
  node.type = type;
  node.slot = slot;
  return make(std::move(node));
}

Expr cast(DType type, const Expr& a) {
  ensure(static_cast<bool>(a), "cast of no expression");
  if (a->untyped) return cast(type, resolve(a, is_storage_only(type) ? a->type : type));
  if (a->type == type) return a;
  if (is_opaque(a->type) || is_opaque(type)) fail_types("a cast of {} to {}", name(a->type), name(type));
  if (is_storage_only(a->type) && is_storage_only(type)) return cast(type, cast(compute_type(a->type), a));
  if (a->op == ExprOp::literal && !is_storage_only(type)) return fold_cast(type, a);
  if (a->op == ExprOp::cast) {
    const Expr& source = a->args[0];
    const DType from = source->type;
    // Through a wider integer and back; of a bool through any number.
    const bool back =
        type == from && ((from == DType::index && a->type == DType::i64) || from == DType::boolean);
    if (back) return source;
    if (from == DType::boolean && !is_storage_only(type) && !is_storage_only(a->type))
      return cast(type, source);
  }
  return make(ExprOp::cast, type, {a});
}

Expr bitcast(DType type, const Expr& a) {
  const Expr source = resolve(a);
  if (source->type == type) return source;
  if (byte_size(type) != byte_size(source->type) || byte_size(type) == 0 || is_opaque(type) ||
      is_opaque(source->type)) {
    fail_types("bitcast of {} to {}", name(source->type), name(type));
  }
  return make(ExprOp::bitcast, type, {source});
}

Expr unary(ExprOp op, const Expr& a) {
  ensure(static_cast<bool>(a), "an operation on no expression");
  if (a->untyped && op == ExprOp::neg) {
    return is_float(a->type) ? Expr(-a->literal.real)
                             : Expr(static_cast<int64_t>(0 - static_cast<uint64_t>(a->literal.integer)));
  }
  // An int means a float where only floats make sense.
  const bool float_only = op >= ExprOp::floor && op <= ExprOp::isinf;
  const Expr x = a->untyped && float_only ? resolve(a, DType::f32) : resolve(a);
  check_unary(op, x->type);
  const bool is_test = op == ExprOp::isnan || op == ExprOp::isinf;
  if (x->op == ExprOp::literal) {
    if (Expr folded = fold_unary(op, x)) return folded;
  }
  if ((op == ExprOp::neg || op == ExprOp::logical_not || op == ExprOp::bitwise_not) && x->op == op)
    return x->args[0];
  if (op == ExprOp::neg && x->op == ExprOp::dim) return Expr(Dim(0) - x->dim);
  if (op == ExprOp::abs && x->op == ExprOp::abs) return x;
  return make(op, is_test ? DType::boolean : x->type, {x});
}

Expr binary(ExprOp op, const Expr& left, const Expr& right) {
  ensure(left.get() != nullptr && right.get() != nullptr, "an operation on no expression");
  if (arity(op) != 2) fail_internal("{} is no binary operation", name(op));
  if (left->untyped && right->untyped) {
    // Numbers of the compiler's own: a float where either is one. The result stays untyped.
    const bool real = is_float(left->type) || is_float(right->type);
    const DType type = real ? DType::f64 : DType::index;
    const Expr folded = binary(op, resolve(left, type), resolve(right, type));
    if (folded->op != ExprOp::literal || folded->type == DType::boolean) return folded;
    return real ? Expr(folded->literal.real) : Expr(folded->literal.integer);
  }
  Expr a = resolve(left, right->type), b = resolve(right, left->type);
  check_binary(op, a, b);
  if (is_commutative(op) && rank_of_operand(a) > rank_of_operand(b)) std::swap(a, b);
  const DType type = is_comparison(op) ? DType::boolean : a->type;
  if (a->op == ExprOp::literal && b->op == ExprOp::literal) {
    if (Expr folded = fold_binary(op, a, b)) return folded;
  }
  Expr simpler;
  if (is_comparison(op)) {
    simpler = decide_comparison(op, a, b);
  } else if (is_size(a) && is_size(b)) {
    if (std::optional<Dim> size = fold_sizes(op, size_of(a), size_of(b))) return Expr(*size);
  }
  if (simpler.get() == nullptr && !is_comparison(op)) {
    if (is_whole(type)) simpler = simplify_whole(op, a, b);
    if (is_float(type)) simpler = simplify_float(op, a, b);
    if (type == DType::boolean) simpler = simplify_logical(op, a, b);
  }
  return simpler ? simpler : make(op, type, {a, b});
}

Expr select(const Expr& condition, const Expr& then, const Expr& otherwise) {
  ensure(condition.get() && then.get() && otherwise.get(), "a selection of no expression");
  const Expr when = resolve(condition, DType::boolean);
  if (when->type != DType::boolean) fail_types("select on {}", name(when->type));
  Expr a = then, b = otherwise;
  if (a->untyped && b->untyped && a->type != b->type) {
    a = resolve(a, DType::f32);
    b = resolve(b, DType::f32);
  } else if (!a->untyped || !b->untyped) {
    a = resolve(then, otherwise->type);
    b = resolve(otherwise, then->type);
  }
  if (a->type != b->type) fail_types("select of {} and {}", name(a->type), name(b->type));
  if (is_storage_only(a->type)) expect(false, ExprOp::select, a->type);
  if (is_bool_literal(when, true)) return a;
  if (is_bool_literal(when, false)) return b;
  if (same(a, b) && !may_fail(when)) return a;
  a = resolve(a);
  b = resolve(b);
  if (is_bool_literal(a, true) && is_bool_literal(b, false)) return when;
  if (is_bool_literal(a, false) && is_bool_literal(b, true)) return !when;
  if (when->op == ExprOp::logical_not) return select(when->args[0], b, a);
  return make(ExprOp::select, a->type, {when, a, b});
}

Expr checked_index(const Expr& position, const Dim& size) {
  const Expr index = as_index(position);
  if (is_size(index)) {
    const Dim at = size_of(index);
    if (at.lower() >= 0 && provably_less_equal(at + Dim(1), size)) return index;
    if (at.upper() < 0 && provably_less_equal(Dim(0) - at, size)) return Expr(at + size);
  }
  ExprNode node;
  node.op = ExprOp::checked_index;
  node.dim = size;
  node.args = {index};
  return make(std::move(node));
}

Expr broadcast_index(const Expr& position, const Dim& size) {
  const Expr index = as_index(position);
  if (size.is(1) && !may_fail(index)) return literal_int(DType::index, 0);
  if (provably_different(size, 1) || is_int_literal(index, 0)) return index;
  if (index->op == ExprOp::broadcast_index && index->dim == size) return index;
  ExprNode node;
  node.op = ExprOp::broadcast_index;
  node.dim = size;
  node.args = {index};
  return make(std::move(node));
}

Expr with_args(const ExprNode& like, std::vector<Expr> args) {
  switch (like.op) {
    case ExprOp::index:
      return index_var(like.slot);
    case ExprOp::literal:
      return make_literal(like.type, like.literal, like.untyped);
    case ExprOp::dim:
      return Expr(like.dim);
    case ExprOp::temp:
      return temp(like.slot, like.type);
    case ExprOp::read:
      return read(like.slot, like.type, std::move(args));
    case ExprOp::cast:
      return cast(like.type, args.at(0));
    case ExprOp::bitcast:
      return bitcast(like.type, args.at(0));
    case ExprOp::select:
      return select(args.at(0), args.at(1), args.at(2));
    case ExprOp::checked_index:
      return checked_index(args.at(0), like.dim);
    case ExprOp::broadcast_index:
      return broadcast_index(args.at(0), like.dim);
    default:
      return arity(like.op) == 1 ? unary(like.op, args.at(0)) : binary(like.op, args.at(0), args.at(1));
  }
}

Expr operator+(const Expr& a, const Expr& b) { return binary(ExprOp::add, a, b); }
Expr operator-(const Expr& a, const Expr& b) { return binary(ExprOp::sub, a, b); }
Expr operator*(const Expr& a, const Expr& b) { return binary(ExprOp::mul, a, b); }
Expr operator/(const Expr& a, const Expr& b) { return binary(ExprOp::div, a, b); }
Expr operator-(const Expr& a) { return unary(ExprOp::neg, a); }
Expr operator&&(const Expr& a, const Expr& b) { return binary(ExprOp::logical_and, a, b); }
Expr operator||(const Expr& a, const Expr& b) { return binary(ExprOp::logical_or, a, b); }
Expr operator!(const Expr& a) { return unary(ExprOp::logical_not, a); }
Expr min(const Expr& a, const Expr& b) { return binary(ExprOp::min, a, b); }
Expr max(const Expr& a, const Expr& b) { return binary(ExprOp::max, a, b); }
Expr eq(const Expr& a, const Expr& b) { return binary(ExprOp::eq, a, b); }
Expr ne(const Expr& a, const Expr& b) { return binary(ExprOp::ne, a, b); }
Expr lt(const Expr& a, const Expr& b) { return binary(ExprOp::lt, a, b); }
Expr le(const Expr& a, const Expr& b) { return binary(ExprOp::le, a, b); }
Expr gt(const Expr& a, const Expr& b) { return binary(ExprOp::gt, a, b); }
Expr ge(const Expr& a, const Expr& b) { return binary(ExprOp::ge, a, b); }
Expr floordiv(const Expr& a, const Expr& b) { return binary(ExprOp::floordiv, a, b); }
Expr mod(const Expr& a, const Expr& b) { return binary(ExprOp::mod, a, b); }

}  // namespace o2w::ir
