// Queries and rewriting of expressions. Expressions are graphs with sharing and may be thousands of nodes
// deep after fusion: every traversal visits a node once and keeps its own stack.
#include <bit>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "compiler/ir/expr.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

bool same_fields(const ExprNode& a, const ExprNode& b) {
  return a.hash == b.hash && a.op == b.op && a.type == b.type && a.untyped == b.untyped && a.slot == b.slot &&
         a.literal.integer == b.literal.integer &&
         std::bit_cast<uint64_t>(a.literal.real) == std::bit_cast<uint64_t>(b.literal.real) &&
         a.dim == b.dim && a.args.size() == b.args.size();
}

struct PairHash {
  std::size_t operator()(const std::pair<const ExprNode*, const ExprNode*>& pair) const {
    return std::hash<const void*>{}(pair.first) * 31 + std::hash<const void*>{}(pair.second);
  }
};

// Calls `leave` for every distinct node below `root`, arguments first.
template <typename Leave>
void post_order(const Expr& root, const Leave& leave) {
  if (root.get() == nullptr) return;
  std::unordered_set<const ExprNode*> done;
  std::vector<std::pair<const Expr*, std::size_t>> stack{{&root, 0}};
  while (!stack.empty()) {
    auto& [expr, next] = stack.back();
    const std::vector<Expr>& args = (*expr)->args;
    if (next < args.size()) {
      const Expr& arg = args[next++];
      if (done.count(arg.get()) == 0) stack.emplace_back(&arg, 0);
      continue;
    }
    const Expr& finished = *expr;
    stack.pop_back();
    if (done.insert(finished.get()).second) leave(finished);
  }
}

void add_scaled(Affine& sum, const Affine& part, const Dim& factor) {
  sum.base += part.base * factor;
  for (const auto& [variable, coefficient] : part.coefficients) {
    Dim& total = sum.coefficients[variable];
    total += coefficient * factor;
    if (total.is(0)) sum.coefficients.erase(variable);
  }
}

std::optional<Affine> affine_of(const ExprNode& node, const std::vector<const std::optional<Affine>*>& args) {
  for (const std::optional<Affine>* arg : args) {
    if (!*arg) return std::nullopt;
  }
  Affine result;
  switch (node.op) {
    case ExprOp::index:
      result.coefficients[node.slot] = 1;
      return result;
    case ExprOp::literal:
      result.base = node.literal.integer;
      return result;
    case ExprOp::dim:
      result.base = node.dim;
      return result;
    case ExprOp::neg:
      add_scaled(result, **args[0], -1);
      return result;
    case ExprOp::add:
    case ExprOp::sub:
      add_scaled(result, **args[0], 1);
      add_scaled(result, **args[1], node.op == ExprOp::add ? 1 : -1);
      return result;
    case ExprOp::mul:
      if (!(*args[0])->coefficients.empty() && !(*args[1])->coefficients.empty()) return std::nullopt;
      if ((*args[0])->coefficients.empty()) {
        add_scaled(result, **args[1], (*args[0])->base);
      } else {
        add_scaled(result, **args[0], (*args[1])->base);
      }
      return result;
    default:
      return std::nullopt;
  }
}

struct OpInfo {
  const char* name;
  int arity;
};

// In the order of the enum.
constexpr OpInfo kOps[] = {
    {"index", 0},
    {"literal", 0},
    {"dim", 0},
    {"read", -1},
    {"temp", 0},
    {"cast", 1},
    {"bitcast", 1},
    {"neg", 1},
    {"abs", 1},
    {"sign", 1},
    {"bitwise_not", 1},
    {"logical_not", 1},
    {"floor", 1},
    {"ceil", 1},
    {"trunc", 1},
    {"round_even", 1},
    {"sqrt", 1},
    {"reciprocal", 1},
    {"exp", 1},
    {"exp2", 1},
    {"expm1", 1},
    {"log", 1},
    {"log2", 1},
    {"log1p", 1},
    {"sin", 1},
    {"cos", 1},
    {"tan", 1},
    {"asin", 1},
    {"acos", 1},
    {"atan", 1},
    {"sinh", 1},
    {"cosh", 1},
    {"tanh", 1},
    {"asinh", 1},
    {"acosh", 1},
    {"atanh", 1},
    {"erf", 1},
    {"sigmoid", 1},
    {"isnan", 1},
    {"isinf", 1},
    {"add", 2},
    {"sub", 2},
    {"mul", 2},
    {"div", 2},
    {"floordiv", 2},
    {"mod", 2},
    {"fmod", 2},
    {"pow", 2},
    {"atan2", 2},
    {"min", 2},
    {"max", 2},
    {"bitwise_and", 2},
    {"bitwise_or", 2},
    {"bitwise_xor", 2},
    {"shift_left", 2},
    {"shift_right", 2},
    {"logical_and", 2},
    {"logical_or", 2},
    {"logical_xor", 2},
    {"eq", 2},
    {"ne", 2},
    {"lt", 2},
    {"le", 2},
    {"gt", 2},
    {"ge", 2},
    {"select", 3},
    {"checked_index", 1},
    {"broadcast_index", 1},
};
static_assert(std::size(kOps) == static_cast<std::size_t>(ExprOp::broadcast_index) + 1);

}  // namespace

int arity(ExprOp op) { return kOps[static_cast<std::size_t>(op)].arity; }
const char* name(ExprOp op) { return kOps[static_cast<std::size_t>(op)].name; }

bool is_commutative(ExprOp op) {
  switch (op) {
    case ExprOp::add:
    case ExprOp::mul:
    case ExprOp::min:
    case ExprOp::max:
    case ExprOp::bitwise_and:
    case ExprOp::bitwise_or:
    case ExprOp::bitwise_xor:
    case ExprOp::logical_and:
    case ExprOp::logical_or:
    case ExprOp::logical_xor:
    case ExprOp::eq:
    case ExprOp::ne:
      return true;
    default:
      return false;
  }
}

bool is_literal(const Expr& e) { return e->op == ExprOp::literal; }
bool is_index(const Expr& e, int number) { return e->op == ExprOp::index && e->slot == number; }
std::size_t hash(const Expr& e) { return e ? e->hash : 0; }

bool same(const Expr& a, const Expr& b) {
  if (a.get() == b.get()) return true;
  if (a.get() == nullptr || b.get() == nullptr || !same_fields(*a, *b)) return false;
  using Pair = std::pair<const ExprNode*, const ExprNode*>;
  std::unordered_set<Pair, PairHash> seen;
  std::vector<Pair> pending{{a.get(), b.get()}};
  while (!pending.empty()) {
    const Pair pair = pending.back();
    pending.pop_back();
    if (pair.first == pair.second || !seen.insert(pair).second) continue;
    if (!same_fields(*pair.first, *pair.second)) return false;
    for (std::size_t i = 0; i < pair.first->args.size(); ++i) {
      pending.emplace_back(pair.first->args[i].get(), pair.second->args[i].get());
    }
  }
  return true;
}

Expr rewrite(const Expr& e, const std::function<Expr(const Expr&)>& visit) {
  std::unordered_map<const ExprNode*, Expr> results;
  post_order(e, [&](const Expr& node) {
    std::vector<Expr> args;
    bool changed = false;
    for (const Expr& arg : node->args) {
      args.push_back(results.at(arg.get()));
      changed = changed || args.back().get() != arg.get();
    }
    const Expr rebuilt = changed ? with_args(*node, std::move(args)) : node;
    // What the new args simplify to another operation was visited before, as an arg or a part of one: 0 + i
    // is i.
    results[node.get()] = rebuilt->op == node->op ? visit(rebuilt) : rebuilt;
  });
  return e ? results.at(e.get()) : e;
}

void walk(const Expr& e, const std::function<void(const ExprNode&)>& visit) {
  post_order(e, [&](const Expr& node) { visit(*node); });
}

Expr substitute_indices(const Expr& e, const std::vector<Expr>& values) {
  return rewrite(e, [&](const Expr& node) {
    const bool replaced = node->op == ExprOp::index && node->slot < static_cast<int>(values.size());
    return replaced ? values[static_cast<std::size_t>(node->slot)] : node;
  });
}

Expr substitute_dims(const Expr& e, const std::map<std::string, Dim>& values) {
  return rewrite(e, [&](const Expr& node) {
    switch (node->op) {
      case ExprOp::dim:
        return Expr(node->dim.substitute(values));
      case ExprOp::checked_index:
        return checked_index(node->args[0], node->dim.substitute(values));
      case ExprOp::broadcast_index:
        return broadcast_index(node->args[0], node->dim.substitute(values));
      default:
        return node;
    }
  });
}

bool uses_index(const Expr& e, int number) {
  bool found = false;
  post_order(e, [&](const Expr& node) { found = found || is_index(node, number); });
  return found;
}

bool may_fail(const Expr& e) {
  if (e->args.empty()) return false;
  bool found = false;
  post_order(e, [&](const Expr& node) { found = found || node->op == ExprOp::checked_index; });
  return found;
}

int op_count(const Expr& e) {
  int count = 0;
  post_order(e, [&](const Expr& node) { count += arity(node->op) > 0 ? 1 : 0; });
  return count;
}

std::optional<Affine> as_affine(const Expr& index_expression) {
  std::unordered_map<const ExprNode*, std::optional<Affine>> results;
  post_order(index_expression, [&](const Expr& node) {
    std::optional<Affine>& result = results[node.get()];
    if (node->type != DType::index) return;
    std::vector<const std::optional<Affine>*> args;
    for (const Expr& arg : node->args) args.push_back(&results.at(arg.get()));
    result = affine_of(*node, args);
  });
  return results.at(index_expression.get());
}

}  // namespace o2w::ir
