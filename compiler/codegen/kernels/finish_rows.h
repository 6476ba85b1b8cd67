// Epilogues that call functions run apart from the tile that made the sums, over rows that are still in the
// cache: a call in the tile would spill its accumulators, every time.
#pragma once

#include "compiler/codegen/kernels/packed_panel.h"

namespace o2w::codegen {

// Whether an epilogue's body has functions: exp, tanh and the like.
bool calls_functions(const schedule::Epilogue& epilogue);

// How the epilogue of a kernel is divided between its tiles and a pass over finished rows. The tiles do what
// the functions' argument needs that lies where the output may lie (a residual), or that is no f32 yet (sums
// of integers); the pass does the functions, and the rest.
class EpilogueParts {
 public:
  // may_finish_rows: false where the tiles must do all of it.
  EpilogueParts(FunctionTable& functions, const schedule::Epilogue& epilogue, bool may_finish_rows = true);

  // Whether there is such a pass: the body calls functions (in small code, or where kernels with little to do
  // share tiles, any body on f32 sums), and what comes after them reads nothing that is laid out like the
  // output.
  bool finishes_rows() const { return !finish_.empty(); }
  // What the tiles do. Their functions take operands_in_tile() of the kernel's.
  const schedule::Epilogue& in_tile() const { return finishes_rows() ? tile_ : epilogue_; }
  std::vector<Var<I32>> operands_in_tile(const std::vector<Var<I32>>& operands) const;
  // Emits the pass, if there is one: `rows` rows of `columns` elements, out_step bytes apart, from out +
  // out_offset.
  void finish(FunctionBuilder& f, const Var<I32>& out, const std::vector<Var<I32>>& operands, I32 rows,
              I32 columns, I32 out_step, I32 out_offset) const;

 private:
  const schedule::Epilogue& epilogue_;
  schedule::Epilogue tile_;
  std::vector<std::size_t> tile_slots_, finish_slots_;  // operands of the kernel that the parts read
  std::string finish_;                                  // function
};

}  // namespace o2w::codegen
