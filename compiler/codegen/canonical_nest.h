// Loop nests in the form that code is generated from, in which layers of the same shape of computation are
// one text.
//
// All sizes and strides but 0 and 1 are parameters; loops of one round are gone; neighbouring loops that
// every operand walks as one are one; every access to memory is affine in the loop variables plus scaled
// index expressions that are not.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/schedule/loop_nest.h"

namespace o2w::codegen {

// Element address of an operand: pointer + bytes * (base + sum(strides[k] * loop variable k) + sum(scales[j]
// * extra j)).
struct Access {
  int operand = -1;
  ir::DType type = ir::DType::f32;
  ir::Dim base;
  std::map<int, ir::Dim> strides;  // no zeros
  std::vector<ir::Dim> scales;  // of the extras, which are the args of the read node or Stage::target_extras
};

struct CanonicalStage {
  std::vector<ir::Dim> loops;  // numbers above 1: goes through all rounds without a loop
  // Reads are `read` nodes whose slot is an access and whose args are the access's extras.
  ir::Expr body, guard;
  ir::Combiner combiner = ir::Combiner::none;
  bool select_last = false;
  int temp = -1;
  // Access written; then `body` is of the operand's type. (A combining store reads its target in the body.)
  int target = -1;
  std::vector<ir::Expr> target_extras;
  bool sequential = false;
};

struct CanonicalNest {
  std::vector<ir::Dim> outer;
  std::vector<CanonicalStage> stages;
  std::vector<Access> accesses;
  std::vector<ir::DType> operands;
  int temps = 0;
  bool can_fail = false;  // has a checked_index

  // Dims above are numbers or sums and products of the symbols "p0", "p1", ...: the function's parameters,
  // which have these values in the program.
  std::vector<ir::Dim> arguments;
};

CanonicalNest canonicalize(const schedule::LoopNest& nest);
// The binary operator of a combiner that is one (not of arg_min, arg_max).
ir::ExprOp operator_of(ir::Combiner combiner);
// The read whose element is stored as it is, as an element of type `stored`: widening a narrow type and
// rounding back changes nothing. Null if the body is anything else.
const ir::ExprNode* copied_read(const ir::Expr& body, ir::DType stored);
// Equal for nests that the same code serves.
std::string key_of(const CanonicalNest& nest);
// Equal for equal expressions; of a length linear in the number of distinct nodes.
std::string key_of(const ir::Expr& e);

}  // namespace o2w::codegen
