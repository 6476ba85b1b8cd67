// Expressions (compiler/ir/expr.h) to WebAssembly: one element at a time, or four elements of 32 bits at
// once.
//
// Vectors: f32, i32, u32, index, bool and integers of 8 and 16 bits, all in 32-bit lanes; bool as masks of
// all ones or all zeros. Lanes are consecutive values of the vectorised loop variable. Subexpressions that
// are the same in all lanes are computed once, as scalars, and splatted; those that have no vector form are
// computed lane by lane.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/codegen/scalar_ops.h"

namespace o2w::codegen {

// What the leaves of an expression mean; implemented by whoever has the loops and the operands.
class Leaves {
 public:
  virtual ~Leaves() = default;
  // Whether the leaf (index, read, temp) differs between the lanes of a vector.
  virtual bool varies(const ir::ExprNode& leaf) = 0;
  // All scalars; `lane` is 0 outside of vectors, 4 and more in further vectors (parts).
  virtual Tree index(int number, int lane) = 0;
  virtual Tree temp(const ir::ExprNode& node, int lane) = 0;
  virtual Tree read(const ir::ExprNode& node, int lane) = 0;
  virtual Tree dim(const ir::Dim& dim) = 0;
  // Four lanes of a varying leaf. can_read_vector: whether that is better than four scalar reads.
  virtual Tree index_vector(int number, int part) = 0;
  virtual Tree temp_vector(const ir::ExprNode& node, int part) = 0;
  virtual bool can_read_vector(const ir::ExprNode& node) = 0;
  virtual Tree read_vector(const ir::ExprNode& node, int part) = 0;
  // Whether all reads are within their operands, whatever a select around them says.
  virtual bool reads_are_safe() const { return false; }
  // A statement: an index was out of range.
  virtual void raise() = 0;
};

// Makes equal subexpressions one node, so that each is computed once.
class Interner {
 public:
  ir::Expr intern(const ir::Expr& e);

 private:
  std::map<std::string, ir::Expr> nodes_;
};

class ExprGenerator {
 public:
  // Expressions should be interned: sharing is by node.
  ExprGenerator(FunctionTable& functions, FunctionBuilder& f, Leaves& leaves)
      : f_(f), ops_(functions, f), leaves_(leaves) {}

  ScalarOps& ops() { return ops_; }
  // Vector functions of the runtime library stay calls: for code that is unrolled many times.
  void keep_calls() { keep_calls_ = true; }

  // Says that `e` will be generated (so that what occurs more than once goes into a local). Call for all
  // expressions of a scope before generating them.
  void announce(const ir::Expr& e);

  // Where a round of the vectorised loop does several vectors: how many, and which one vector() makes. Part k
  // is lanes 4k to 4k + 3.
  void set_parts(int parts) { parts_ = parts; }
  int parts() const { return parts_; }
  void set_part(int part) { part_ = part; }

  // The value in one lane (0 outside of vectors).
  Tree scalar(const ir::Expr& e, int lane = 0);
  // The node's value in all lanes. Its type must be one of the vector types.
  V128 vector(const ir::Expr& e);
  bool varies(const ir::Expr& e);
  // Whether vector(e) is not done lane by lane.
  bool has_vector_form(const ir::Expr& e);
  // To be called when the vectorised loop changes.
  void forget_variation() { varies_.clear(); }

  // Values computed between open_scope and close_scope are forgotten at the end: they were computed in a loop
  // body or on one side of a branch.
  void open_scope() { scopes_.emplace_back(); }
  void close_scope() { scopes_.pop_back(); }
  // Computes a subexpression now, for all uses in this scope and those inside it. `as_vector`: also as a
  // splat.
  void preload(const ir::Expr& e, bool as_vector);

  // Gives a node's value in all lanes from outside.
  void provide_vector(const ir::ExprNode* node, const Local& vector) {
    scopes_.back().values[{node, kVector}] = vector;
  }

  // Whether an expression of this type can be four lanes.
  static bool is_vector_type(ir::DType type);
  // Whether every lane can be evaluated without harm where the expression is not wanted: no reads, no
  // checked_index.
  static bool is_harmless(const ir::Expr& e);
  // How many nodes have a vector form and how many are done lane by lane, among those that vary.
  struct Cost {
    int vector = 0, by_lane = 0;
  };
  void count(const ir::Expr& e, Cost& cost);

 private:
  struct Scope {
    std::map<std::pair<const ir::ExprNode*, int>, Local> values;  // by node and lane; kVector for vectors
  };
  static constexpr int kVector = -1;  // of part 0; part k is kVector - k
  int vector_key(const ir::Expr& e) { return varies(e) ? kVector - part_ : kVector; }

  // Whether both sides of a select whose condition varies can be evaluated in all lanes.
  bool has_safe_sides(const ir::Expr& select) const;
  const Local* find(const ir::ExprNode* node, int lane) const;
  bool is_shared(const ir::Expr& e) const;
  Tree scalar_node(const ir::Expr& e, int lane);
  Tree select_node(const ir::Expr& e, int lane);
  Tree checked_index(const ir::Expr& e, int lane);
  V128 vector_node(const ir::Expr& e);
  V128 vector_binary(const ir::Expr& e);
  V128 vector_unary(const ir::Expr& e);
  V128 vector_compare(const ir::Expr& e);
  V128 vector_cast(const ir::Expr& e);
  V128 vector_select(const ir::Expr& e);
  V128 lane_by_lane(const ir::Expr& e);
  V128 splat(ir::DType type, Tree scalar);
  V128 constant_vector(const ir::ExprNode& literal);
  V128 normalise(ir::DType type, V128 value);
  V128 vector_math(ir::ExprOp op, std::vector<Tree> arguments);
  void share_sides(const ir::Expr& a, const ir::Expr& b, int lane);

  FunctionBuilder& f_;
  ScalarOps ops_;
  Leaves& leaves_;
  std::map<const ir::ExprNode*, int> uses_;
  std::map<const ir::ExprNode*, bool> varies_;
  std::vector<Scope> scopes_{1};
  bool keep_calls_ = false;
  int parts_ = 1, part_ = 0;
};

// Reads lane `lane` of a vector as a scalar of this type (bool: 0 or 1).
Tree lane_of(ir::DType type, V128 vector, int lane);

}  // namespace o2w::codegen
