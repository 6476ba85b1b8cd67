// A canonical loop nest as code. Addresses are pointers that step along with their loops; what does not
// change in a loop is computed before it; a loop over consecutive elements runs four at a time, the rest one
// by one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/codegen/canonical_nest.h"
#include "compiler/codegen/expr_generator.h"

namespace o2w::codegen {

// Rows of which whole vectors of bytes are stored, whatever the type of the elements: copies of elements that
// are neighbours too (each `times` times one after the other), or one value all over.
struct RowOfBytes {
  enum class Kind : uint8_t { none, copy, fill } kind = Kind::none;
  int times = 1;
};

// Which loops run four rounds at a time, or several times four.
struct VectorChoice {
  int outer = 0;           // vectors a round of the last outer loop, in which all stages work; 0: none
  std::vector<int> stage;  // per stage, those of its last own loop
  // In place of these: the last outer loop (of a nest of one stage without loops), each stage's last own.
  RowOfBytes outer_row;
  std::vector<RowOfBytes> stage_row;
};

class NestEmitter : private Leaves {
 public:
  // The function's parameters: pointers of the operands, the nest's arguments, and the error number if it can
  // fail.
  NestEmitter(FunctionTable& functions, FunctionBuilder& f, const CanonicalNest& nest);
  void emit();

 private:
  using Action = std::function<void()>;

  // --- nest_emit.cpp: loops and stages.
  void emit_outer(int variable);
  void emit_stages();
  // `next`: the reduction of what the stage stores, done in the same loops; may be null.
  void emit_stage(std::size_t number, const CanonicalStage* next);
  // How many stages from one on are parts of the same rows; 1 for a stage alone.
  std::size_t stages_by_rows(std::size_t first) const;
  void emit_rows(std::size_t first, std::size_t count);
  // Whether the next stage reduces, in the same loops, just the elements that this one stores.
  bool accumulates_as_stored(std::size_t number) const;
  // Brings a reduction's vectors together in its scalar temp.
  void join_lanes(const CanonicalStage& stage, int parts);
  void emit_stage_loops(const CanonicalStage& stage, std::size_t depth);
  void emit_body(const CanonicalStage& stage);
  void accumulate(const CanonicalStage& stage);
  void accumulate_position(const CanonicalStage& stage);
  void begin_reduction(const CanonicalStage& stage);
  void end_reduction(const CanonicalStage& stage);
  // Declares the loop variable and the pointers that step with it, for the accesses given; `inside` may run
  // several loops over it one after the other (four at a time, then the rest).
  void with_variable(int variable, const std::vector<int>& accesses, const Action& inside);
  // Rounds from where the variable stands to `limit`. `before` runs once, if there is a round.
  void run_loop(int variable, const std::vector<int>& accesses, int lanes, I32 limit, const Action& before,
                const Action& body);
  // Moves the variable, and the pointers that step with it.
  void advance(int variable, const std::vector<int>& accesses, int rounds);
  // Computes what does not depend on loop variables that are not active yet.
  void hoist(const CanonicalStage& stage);
  void hoist_all();
  void hoist_before_outer();  // before an outer loop that is not the vectorised one
  void hoist(const ir::Expr& e, bool conditional, bool as_vector);
  bool is_available(const ir::Expr& e);
  bool all_available(const ir::Expr& e);
  Local temp_local(int slot, ir::DType type);

  // --- addressing.cpp: Leaves, addresses.
  bool varies(const ir::ExprNode& leaf) override;
  Tree index(int number, int lane) override;
  Tree temp(const ir::ExprNode& node, int lane) override;
  Tree read(const ir::ExprNode& node, int lane) override;
  Tree dim(const ir::Dim& dim) override;
  Tree index_vector(int number, int part) override;
  Tree temp_vector(const ir::ExprNode& node, int part) override;
  bool can_read_vector(const ir::ExprNode& node) override;
  Tree read_vector(const ir::ExprNode& node, int part) override;
  void raise() override;
  I32 step_of(const ir::Dim& stride, int bytes);  // stride in bytes
  I32 address(int access, const std::vector<ir::Expr>& extras, int lane);
  bool steps_by_one(const Access& access) const;  // along the vector's lanes
  void prepare_addresses();
  std::vector<int> accesses_of(const CanonicalStage& stage) const;
  std::vector<int> all_accesses() const;

  // --- nest_rows.cpp: rows of copies.
  RowOfBytes row_of_bytes(const CanonicalStage& stage, int variable) const;
  // How often a read's element is the next one's too along a loop: 2 for x[floordiv(i, 2)], 1 for x[i], 0
  // where its elements are no neighbours.
  int repetitions(const ir::ExprNode& read, int variable) const;
  void emit_row(const CanonicalStage& stage, const RowOfBytes& row, int variable, const ir::Dim& extent,
                const std::vector<int>& accesses);
  void copy_row(const CanonicalStage& stage, I32 bytes);
  void fill_row(const CanonicalStage& stage, I32 bytes);
  // Gives the number of elements stored.
  I32 repeat_row(const CanonicalStage& stage, int times, const Var<I32>& elements);

  // --- vectorize.cpp: what to vectorise, and bodies in vectors.
  VectorChoice choose();
  // Vectors a round that pay, 0 for none. Sets `gathers` where some of their lanes are done one by one.
  int worthwhile_parts(const CanonicalStage& stage, int variable, bool outer, bool& gathers);
  void emit_vector_body(const CanonicalStage& stage);
  void store_vector(const CanonicalStage& stage, V128 value, int part);
  // The loop over `variable`, by 4 * parts rounds, then by 4, then one by one.
  void run_by_vectors(int variable, const std::vector<int>& accesses, const ir::Dim& extent, int parts,
                      bool outer, const Action& before, const Action& body);
  // Adds a value to a reduction's vector.
  void accumulate_vector(const CanonicalStage& stage, int part, V128 value);
  void accumulate_positions(const CanonicalStage& stage, V128 value);
  void join_positions(const CanonicalStage& stage);
  // The vectors of a reduction, at its start and when all is in them.
  void begin_vectors(const CanonicalStage& stage, int parts);
  void end_vectors(const CanonicalStage& stage, int parts);
  V128 combine_vectors(ir::Combiner combiner, ir::DType type, V128 a, V128 b);
  V128 identity_vector(ir::Combiner combiner, ir::DType type);
  Tree identity(ir::Combiner combiner, ir::DType type);
  void emit_vector_stage_loop(const CanonicalStage& stage);
  void emit_vector_outer_loop(int variable);
  // Switches between scalars (-1) and vectors along a loop variable.
  void set_vector_variable(int variable);
  int last_variable(const CanonicalStage& stage) const {
    return static_cast<int>(nest_.outer.size() + stage.loops.size()) - 1;
  }

  FunctionTable& functions_;
  FunctionBuilder& f_;
  const CanonicalNest& nest_;
  ExprGenerator gen_;
  std::vector<Var<I32>> pointers_, parameters_;
  Var<I32> error_;
  VectorChoice choice_;
  std::map<int, Var<I32>> variables_;      // active loop variables
  std::vector<Var<I32>> addresses_;        // per access, at the active variables, without extras
  std::map<std::string, Var<I32>> steps_;  // strides in bytes
  std::map<int, Local> temps_;
  // Where a stage works on vectors: its accumulators or temps, by slot and part.
  std::map<std::pair<int, int>, Local> temp_vectors_;
  // Of largest and smallest floats, which lanes have seen a NaN; by slot and part.
  std::map<std::pair<int, int>, Local> nan_lanes_;
  const CanonicalStage* next_ = nullptr;  // the reduction that goes with the stage being emitted
  int vector_variable_ = -1;
  bool outer_vectors_ = false;        // temps are vectors
  bool temps_ready_ = false;          // within the outer loops
  std::optional<Var<I32>> position_;  // arg_min, arg_max: of the element
  // Nodes visited by the hoisting under way: expressions are graphs, with exponentially many paths.
  std::set<std::tuple<const ir::ExprNode*, bool, bool>> hoisted_;
  std::map<const ir::ExprNode*, bool> available_;
  Local best_;                 // arg_min, arg_max: the best value so far
  Local best_lanes_, places_;  // and where it runs in vectors, those of each lane
};

}  // namespace o2w::codegen
