// Scalar expressions: what one element of a tabulate, reduce, contract epilogue or scatter computes.
//
// An Expr is an immutable DAG. Leaves are loop indices, literals, Dims and reads of the node's inputs. Types
// are explicit and checked when an expression is built: both sides of a binary operator have one type, but an
// untyped literal (made from a C++ number) takes the other side's. Storage-only types (f16, i4, ...) never
// occur but as the source or the target of a cast: Body::at() and Builder insert those.
//
// Nothing here can trap: integer division by zero gives 0, conversions from float saturate (NaN gives 0),
// shifts by the width or more give 0. Signed integer arithmetic wraps at the type's width.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/dim.h"
#include "compiler/ir/dtype.h"

namespace o2w::ir {

enum class ExprOp : uint8_t {
  // leaves
  index,    // loop variable number `slot`; type index
  literal,  // `literal`
  dim,      // `dim`, type index
  read,     // element of input `slot` at the index expressions in args; type is the input's
  temp,     // scheduled code only: scalar result of an earlier stage, number `slot`
  // conversions
  cast,  // numeric conversion to `type`. float->int: towards zero, saturating; ->bool: != 0; int->int wraps
  bitcast,  // same-size reinterpretation
  // unary, any numeric type where it makes sense
  neg,
  abs,
  sign,
  bitwise_not,
  logical_not,
  floor,
  ceil,
  trunc,
  round_even,
  sqrt,
  reciprocal,
  exp,
  exp2,
  expm1,
  log,
  log2,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
  sigmoid,
  isnan,
  isinf,
  // binary, both sides of one type
  add,
  sub,
  mul,
  div,       // floats: IEEE; integers: towards zero
  floordiv,  // integers and index: towards minus infinity
  mod,       // integers: sign of the divisor (Python's)
  fmod,      // sign of the dividend (C's); integers and floats
  pow,
  atan2,
  min,
  max,  // floats: NaN if either is NaN (wasm f32.min)
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  shift_left,
  shift_right,  // shift_right: logical for u*, else arithmetic
  logical_and,
  logical_or,
  logical_xor,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,  // type boolean
  // others
  select,           // args: condition, then, else; the side not taken is not evaluated
  checked_index,    // args: position (index); `dim` is the size: negatives count from the end; outside the
                    // range raises the run-time error of the node and yields 0
  broadcast_index,  // args: position (index); `dim` is the operand's size: position, or 0 where the size is 1
};

class Expr;

// A literal's value. Integers, bool and index in `integer` (u64 as bits), floats in `real`.
struct Literal {
  double real = 0;
  int64_t integer = 0;
};

struct ExprNode;

class Expr {
 public:
  Expr() = default;  // null
  // Untyped literals, resolved by the operator they meet; alone, an int is `index` and a double f32.
  Expr(int value);       // NOLINT(google-explicit-constructor)
  Expr(int64_t value);   // NOLINT(google-explicit-constructor)
  Expr(double value);    // NOLINT(google-explicit-constructor)
  Expr(const Dim& dim);  // NOLINT(google-explicit-constructor): constant Dims become index literals
  explicit Expr(std::shared_ptr<const ExprNode> node) : node_(std::move(node)) {}

  explicit operator bool() const { return node_ != nullptr; }
  const ExprNode* operator->() const { return node_.get(); }
  const ExprNode& operator*() const { return *node_; }
  const ExprNode* get() const { return node_.get(); }
  long use_count() const { return node_.use_count(); }

 private:
  std::shared_ptr<const ExprNode> node_;
};

struct ExprNode {
  ExprOp op = ExprOp::literal;
  DType type = DType::index;
  bool untyped = false;  // a literal that has not met a type yet
  int slot = -1;         // index, read, temp
  Literal literal;
  Dim dim;  // dim, checked_index, broadcast_index
  std::vector<Expr> args;
  std::size_t hash = 0;  // of the structure; set by the constructors

  // Chains of fused expressions are deep: nodes are taken down iteratively.
  ~ExprNode();
};

// --- Constructors. All check types (TypeMismatch, an InternalError) and fold literals where that is exact.
Expr index_var(int number);
Expr literal_int(DType type, int64_t value);
Expr literal_float(DType type, double value);
Expr literal_bool(bool value);
// A literal of `type` from a number (rounded to the type).
Expr literal_of(DType type, double value);
Expr lowest_of(DType type);   // -inf for floats
Expr highest_of(DType type);  // +inf for floats
Expr read(int slot, DType type, std::vector<Expr> indices);
Expr temp(int slot, DType type);
Expr cast(DType type, const Expr& a);
Expr bitcast(DType type, const Expr& a);
Expr unary(ExprOp op, const Expr& a);
Expr binary(ExprOp op, const Expr& a, const Expr& b);
// An operation of any kind with these arguments; what a leaf or index operation says besides is taken from
// `like`.
Expr with_args(const ExprNode& like, std::vector<Expr> args);
Expr select(const Expr& condition, const Expr& then, const Expr& otherwise);
Expr checked_index(const Expr& position, const Dim& size);
Expr broadcast_index(const Expr& position, const Dim& size);

Expr operator+(const Expr& a, const Expr& b);
Expr operator-(const Expr& a, const Expr& b);
Expr operator*(const Expr& a, const Expr& b);
Expr operator/(const Expr& a, const Expr& b);  // ExprOp::div
Expr operator-(const Expr& a);
Expr operator&&(const Expr& a, const Expr& b);  // logical_and on booleans
Expr operator||(const Expr& a, const Expr& b);
Expr operator!(const Expr& a);
Expr min(const Expr& a, const Expr& b);
Expr max(const Expr& a, const Expr& b);
Expr eq(const Expr& a, const Expr& b);
Expr ne(const Expr& a, const Expr& b);
Expr lt(const Expr& a, const Expr& b);
Expr le(const Expr& a, const Expr& b);
Expr gt(const Expr& a, const Expr& b);
Expr ge(const Expr& a, const Expr& b);
Expr floordiv(const Expr& a, const Expr& b);
Expr mod(const Expr& a, const Expr& b);

// --- Queries and rewriting.
bool is_literal(const Expr& e);
bool is_index(const Expr& e, int number);
bool same(const Expr& a, const Expr& b);  // structural equality
std::size_t hash(const Expr& e);
int arity(ExprOp op);  // number of args; -1 for read
const char* name(ExprOp op);
bool is_commutative(ExprOp op);

// Rebuilds bottom-up: `visit` gets each node with its args already rewritten and returns the replacement
// (or the node itself). Shared nodes are visited once; a node that its new args simplify away is not visited.
Expr rewrite(const Expr& e, const std::function<Expr(const Expr&)>& visit);
// Whether it can raise a run-time error (checked_index): such an expression must not be dropped.
bool may_fail(const Expr& e);
// Calls `visit` once per distinct node, args first.
void walk(const Expr& e, const std::function<void(const ExprNode&)>& visit);
// Replaces index variable k by values[k] (variables past the end stay).
Expr substitute_indices(const Expr& e, const std::vector<Expr>& values);
Expr substitute_dims(const Expr& e, const std::map<std::string, Dim>& values);
bool uses_index(const Expr& e, int number);
// Number of distinct operations (reads not counted): a measure of cost.
int op_count(const Expr& e);

// An index expression as base + sum(coefficients[k] * index k), with Dims for numbers; nothing if not affine.
struct Affine {
  Dim base;
  std::map<int, Dim> coefficients;  // by index variable; no zero entries
};
std::optional<Affine> as_affine(const Expr& index_expression);

}  // namespace o2w::ir
