#include "compiler/codegen/expr_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::DType;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

ir::Expr Interner::intern(const Expr& e) {
  return ir::rewrite(e, [&](const Expr& node) {
    uint64_t bits = 0;
    std::memcpy(&bits, &node->literal.real, sizeof bits);
    std::string key =
        fmt::format("{}|{}|{}|{}|{}|{}", static_cast<int>(node->op), static_cast<int>(node->type), node->slot,
                    bits, node->literal.integer, node->dim.to_string());
    for (const Expr& arg : node->args) key += fmt::format("|{}", static_cast<const void*>(arg.get()));
    return nodes_.try_emplace(std::move(key), node).first->second;
  });
}

void ExprGenerator::announce(const Expr& e) {
  if (++uses_[e.get()] > 1) return;
  for (const Expr& arg : e->args) announce(arg);
}

bool ExprGenerator::is_shared(const Expr& e) const {
  if (e->op == ExprOp::literal || e->op == ExprOp::index || e->op == ExprOp::temp || e->op == ExprOp::dim)
    return false;
  const auto found = uses_.find(e.get());
  return found != uses_.end() && found->second > 1;
}

bool ExprGenerator::varies(const Expr& e) {
  const auto [place, is_new] = varies_.try_emplace(e.get(), false);
  if (!is_new) return place->second;
  bool result = false;
  if (e->op == ExprOp::index || e->op == ExprOp::read || e->op == ExprOp::temp) result = leaves_.varies(*e);
  for (const Expr& arg : e->args) result = varies(arg) || result;
  return varies_[e.get()] = result;
}

bool ExprGenerator::is_harmless(const Expr& e) {
  bool harmless = true;
  ir::walk(e, [&](const ExprNode& node) {
    if (node.op == ExprOp::read || node.op == ExprOp::checked_index) harmless = false;
  });
  return harmless;
}

namespace {

// Whether the value is made of positions or sizes, not only of what is read.
bool depends_on_position(const Expr& e) {
  if (e->op == ExprOp::index || e->op == ExprOp::dim) return true;
  if (e->op == ExprOp::read) return false;
  return std::any_of(e->args.begin(), e->args.end(), depends_on_position);
}

// Whether reads stand at positions that neither data nor a check decides.
bool reads_at_positions(const Expr& e) {
  bool good = true;
  ir::walk(e, [&](const ExprNode& node) {
    if (node.op == ExprOp::checked_index) good = false;
    if (node.op != ExprOp::read) return;
    for (const Expr& index : node.args) good = good && ExprGenerator::is_harmless(index);
  });
  return good;
}

}  // namespace

// A condition that knows nothing of positions cannot be what keeps a read inside its operand.
bool ExprGenerator::has_safe_sides(const Expr& select) const {
  const Expr &condition = select->args[0], &then = select->args[1], &otherwise = select->args[2];
  if (is_harmless(then) && is_harmless(otherwise)) return true;
  if (!reads_at_positions(then) || !reads_at_positions(otherwise)) return false;
  return leaves_.reads_are_safe() || !depends_on_position(condition);
}

bool ExprGenerator::is_vector_type(DType type) {
  switch (type) {
    case DType::f32:
    case DType::i32:
    case DType::u32:
    case DType::index:
    case DType::boolean:
    case DType::i8:
    case DType::u8:
    case DType::i16:
    case DType::u16:
      return true;
    default:
      return false;
  }
}

const Local* ExprGenerator::find(const ExprNode* node, int lane) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->values.find({node, lane}); found != scope->values.end())
      return &found->second;
  }
  return nullptr;
}

void ExprGenerator::preload(const Expr& e, bool as_vector) {
  as_vector = as_vector && is_vector_type(e->type);
  const bool only_vector = as_vector && (varies(e) || e->op == ExprOp::literal);
  if (!only_vector && find(e.get(), 0) == nullptr) {
    const Local value = f_.keep(scalar_node(e, 0));
    scopes_.back().values[{e.get(), 0}] = value;
  }
  const int parts = varies(e) ? parts_ : 1;
  for (int part = 0; as_vector && part < parts; ++part) {
    part_ = part;
    if (find(e.get(), vector_key(e)) != nullptr) continue;
    const Local value = f_.keep(vector(e));
    scopes_.back().values[{e.get(), vector_key(e)}] = value;
  }
  part_ = 0;
}

Tree ExprGenerator::scalar(const Expr& e, int lane) {
  if (!varies(e)) lane = 0;
  if (const Local* known = find(e.get(), lane)) return known->get();
  // Where the vector is there already, its lane is cheaper than computing again.
  if (varies(e)) {
    if (const Local* known = find(e.get(), kVector - lane / 4))
      return lane_of(e->type, V128(known->get()), lane % 4);
  }
  Tree value = scalar_node(e, lane);
  if (!is_shared(e)) return value;
  const Local local = f_.keep(std::move(value));
  scopes_.back().values[{e.get(), lane}] = local;
  return local.get();
}

Tree ExprGenerator::scalar_node(const Expr& e, int lane) {
  const ExprNode& node = *e;
  switch (node.op) {
    case ExprOp::index:
      return leaves_.index(node.slot, lane);
    case ExprOp::literal:
      return ops_.literal(node.type, node.literal);
    case ExprOp::dim:
      return leaves_.dim(node.dim);
    case ExprOp::read:
      return leaves_.read(node, lane);
    case ExprOp::temp:
      return leaves_.temp(node, lane);
    case ExprOp::cast:
      return ops_.cast(node.args[0]->type, node.type, scalar(node.args[0], lane));
    case ExprOp::bitcast:
      return ops_.bitcast(node.args[0]->type, node.type, scalar(node.args[0], lane));
    case ExprOp::select:
      return select_node(e, lane);
    case ExprOp::checked_index:
      return checked_index(e, lane);
    case ExprOp::broadcast_index: {
      Tree position = scalar(node.args[0], lane);
      return select(I32(leaves_.dim(node.dim)) == 1, f_.i32(0), std::move(position));
    }
    default:
      break;
  }
  if (node.args.size() == 1) return ops_.unary(node.op, node.args[0]->type, scalar(node.args[0], lane));
  ensure(node.args.size() == 2, "expression node of an unexpected arity");
  Tree a = scalar(node.args[0], lane);
  Tree b = scalar(node.args[1], lane);
  return ops_.binary(node.op, node.args[0]->type, std::move(a), std::move(b), node.args[1]);
}

namespace {

// Nodes that are evaluated whenever `e` is: not those behind a select of its own.
void always_evaluated(const Expr& e, std::map<const ExprNode*, Expr>& out) {
  if (!out.try_emplace(e.get(), e).second) return;
  if (e->op == ExprOp::select) {
    always_evaluated(e->args[0], out);
    return;
  }
  for (const Expr& arg : e->args) always_evaluated(arg, out);
}

}  // namespace

// What both sides of a branch need is computed before it: each side would compute it again otherwise, and
// nested branches would multiply that.
void ExprGenerator::share_sides(const Expr& a, const Expr& b, int lane) {
  std::map<const ExprNode*, Expr> left, right;
  always_evaluated(a, left);
  always_evaluated(b, right);
  std::set<const ExprNode*> inside;  // arguments of shared nodes come with them
  std::vector<Expr> shared;
  const auto visit = [&](const auto& self, const Expr& e) -> void {
    if (e->args.empty() && e->op != ExprOp::read) return;
    if (!inside.insert(e.get()).second) return;
    if (left.contains(e.get()) && right.contains(e.get())) {
      shared.push_back(e);
      return;
    }
    for (const Expr& arg : e->args) self(self, arg);
  };
  visit(visit, a);
  for (const Expr& e : shared) {
    const int key = varies(e) ? lane : 0;
    if (find(e.get(), key) != nullptr) continue;
    const Local value = f_.keep(scalar_node(e, lane));
    scopes_.back().values[{e.get(), key}] = value;
  }
}

Tree ExprGenerator::select_node(const Expr& e, int lane) {
  const Expr& then = e->args[1];
  const Expr& otherwise = e->args[2];
  Tree condition = scalar(e->args[0], lane);
  constexpr int kCheap = 8;  // a branch costs about as much as this many operations
  if (is_harmless(then) && is_harmless(otherwise) && ir::op_count(then) + ir::op_count(otherwise) <= kCheap) {
    Tree a = scalar(then, lane);
    Tree b = scalar(otherwise, lane);
    return select(std::move(condition), std::move(a), std::move(b));
  }
  share_sides(then, otherwise, lane);
  const auto side = [&](const Expr& value) {
    return [this, &value, lane] {
      open_scope();
      Tree result = scalar(value, lane);
      close_scope();
      return result;
    };
  };
  return f_.if_value(std::move(condition), side(then), side(otherwise));
}

Tree ExprGenerator::checked_index(const Expr& e, int lane) {
  const Local position = f_.keep(scalar(e->args[0], lane));
  const Local size = f_.keep(leaves_.dim(e->dim));
  I32 at(position.get());
  position.set(select(std::move(at) < 0, I32(position.get()) + I32(size.get()), position.get()));
  f_.if_(is_zero(less_unsigned(I32(position.get()), I32(size.get()))), [&] {
    // Nothing may be read or written: where the dimension is empty there is no index that would do.
    leaves_.raise();
    f_.return_();
  });
  return position.get();
}

Tree lane_of(DType type, V128 vector, int lane) {
  if (type == DType::f32) return f32x4::extract(std::move(vector), lane);
  I32 bits = i32x4::extract(std::move(vector), lane);
  if (type == DType::boolean) return std::move(bits) & 1;
  return bits;
}

}  // namespace o2w::codegen
