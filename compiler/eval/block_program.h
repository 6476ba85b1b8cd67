// Evaluates scalar expressions over an iteration space, a block of points at a time: every node of the
// expression DAG is one operation on arrays, so the cost of interpretation is paid once per thousand
// elements.
//
// Both sides of a `select` are computed; a failure (checked_index, a read out of range) is carried along as a
// flag per point and dropped where the select does not take that side. So an untaken side never fails, as
// expr.h demands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/eval/kernels.h"
#include "compiler/ir/expr.h"
#include "compiler/ir/tensor.h"

namespace o2w::eval {

using SymbolValues = std::map<std::string, int64_t>;

// Why a point of an expression has no value.
enum class Failure : uint8_t { none = 0, index_out_of_range = 1, stray_read = 2 };

class BlockProgram {
 public:
  static constexpr int64_t block = 1024;

  // `space` are the loop extents, index variable k runs over space[k]; points are numbered row-major.
  // The tensors must outlive the program.
  BlockProgram(const SymbolValues& symbols, std::vector<int64_t> space,
               std::vector<const ir::Tensor*> inputs);

  // Compiles an expression and returns its register. ModelError when a Dim in it needs an unknown symbol.
  int add(const ir::Expr& expression);
  // Evaluates the points first..first+count-1 (count <= block).
  void run(int64_t first, int64_t count);

  int64_t point_count() const { return points_; }
  // The last run's values: `count` elements of the expression's type.
  const void* values(int reg) const { return registers_[static_cast<std::size_t>(reg)].data; }
  // The last run's Failure bits per point; null when the expression cannot fail.
  const uint8_t* failures(int reg) const;

 private:
  // base + sum(coefficients[k] * index variable k)
  struct Affine {
    int64_t base = 0;
    std::vector<int64_t> coefficients;
    bool is_constant() const;
  };
  struct Register {
    ir::DType type = ir::DType::index;
    std::vector<uint64_t> storage;  // 8-byte aligned room for a block
    const void* data = nullptr;     // the storage, or straight into a tensor
    std::vector<uint8_t> failures;  // empty: cannot fail
  };
  enum class Kind : uint8_t {
    unary,
    binary,
    cast,
    copy,
    affine,
    read_direct,
    read_affine,
    read,
    select,
    checked_index
  };
  struct Instruction {
    Kind kind = Kind::copy;
    int target = -1;
    std::vector<int> args;
    UnaryKernel unary = nullptr;
    BinaryKernel binary = nullptr;
    Affine affine;  // affine: the value; read_affine, read_direct: the element's flat position
    const ir::Tensor* tensor = nullptr;
    int64_t size = 0;  // checked_index
  };

  std::optional<Affine> affine_of(const ir::Expr& e);
  std::optional<Affine> affine_binary(const ir::ExprNode& node);
  int compile(const ir::Expr& e);
  int compile_read(const ir::ExprNode& node);
  int constant(const ir::ExprNode& literal);
  int new_register(ir::DType type, bool can_fail);
  int emit(Instruction instruction, ir::DType type, bool can_fail);
  bool can_fail(int reg) const { return !registers_[static_cast<std::size_t>(reg)].failures.empty(); }
  bool within(const Affine& affine, int64_t size) const;
  int64_t dim(const ir::Dim& dim) const;
  void* room(int reg) { return registers_[static_cast<std::size_t>(reg)].storage.data(); }

  void fill_affine(const Affine& affine, int64_t first, int64_t count, int64_t* out) const;
  void merge_failures(const Instruction& instruction, int64_t count);
  void run_read(const Instruction& instruction, int64_t count);
  void run_select(const Instruction& instruction, int64_t count);
  void run_checked_index(const Instruction& instruction, int64_t count);

  const SymbolValues* symbols_;
  std::vector<int64_t> space_;
  std::vector<const ir::Tensor*> inputs_;
  int64_t points_ = 1;
  int64_t room_ = 0;  // points per register
  std::vector<Register> registers_;
  std::vector<Instruction> instructions_;
  std::unordered_map<const ir::ExprNode*, int> compiled_;
  std::unordered_map<const ir::ExprNode*, std::optional<Affine>> affine_;
  std::vector<ir::Expr> kept_;  // the maps above are keyed by address
  std::vector<int64_t> positions_;
};

}  // namespace o2w::eval
