// A loop nest: the form in which the schedule hands everything that is not a hand-shaped kernel to the code
// generator.
//
// All stages run inside the `outer` loops. A stage has loops of its own, an expression over all loop
// variables, and a target. Index variables number the outer loops first (0..outer-1), then the stage's loops.
// Examples:
//   elementwise   outer [n],     one stage: no loops of its own beyond the space, target store
//   reduce        outer [m],     stage {loops [k] reduce sum -> temp0}, stage {target store: cast(temp0)}
//   softmax rows  outer [rows],  {[n] reduce max x -> temp0}, {[n] store exp(x - temp0)}, {[n] reduce sum y
//   -> temp1}, {[n] store y / temp1}
// Expressions read operands (slot) at index expressions over the loop variables; an operand says how a
// logical index becomes an address.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/dim.h"
#include "compiler/ir/expr.h"
#include "compiler/ir/graph.h"

namespace o2w::schedule {

// How a tensor lies in memory: element address = pointer + byte_size * (offset + sum(index[k] * strides[k])).
struct Layout {
  ir::Dim offset;                // in elements
  std::vector<ir::Dim> strides;  // in elements, one per logical dimension
};
// Row-major, or with the dimensions ordered outermost to innermost as `order` says (order[0] is the outermost
// logical dim).
Layout dense_layout(const ir::Shape& shape);
Layout dense_layout(const ir::Shape& shape, const std::vector<int>& order);

struct Operand {
  ir::DType type = ir::DType::f32;  // in memory
  Layout layout;
  ir::Shape shape;  // logical
};

struct Stage {
  ir::Shape loops;  // extents of the stage's own loops, outermost first
  ir::Expr body;    // in a compute type
  ir::Expr
      guard;  // may be null: elements where it is false are left out (reductions) or not written (stores)
  // Reduction into the scalar temp `temp` (over all of the stage's loops) unless combiner is none.
  ir::Combiner combiner = ir::Combiner::none;
  bool select_last = false;
  int temp = -1;
  // Store: operand number and its logical indices; `combine` read-modify-writes (scatter).
  int target = -1;
  std::vector<ir::Expr> target_indices;
  ir::Combiner combine = ir::Combiner::none;
  // True when the order of the iterations matters (scatter with possibly repeated targets, running sums):
  // never vectorized.
  bool sequential = false;
};

struct LoopNest {
  ir::Shape outer;
  std::vector<Stage> stages;
  std::vector<Operand> operands;  // Expr reads of slot k are operand k
  int temps = 0;
  // The node whose run-time errors (checked_index) these are: index into the program's table of messages.
  int error = -1;
};

std::string to_text(const LoopNest& nest);

}  // namespace o2w::schedule
