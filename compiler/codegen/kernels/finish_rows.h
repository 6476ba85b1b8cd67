// Epilogues that call functions run apart from the tile that made the sums, over rows that are still in the
// cache: a call in the tile would spill its accumulators, every time.
#pragma once

#include "compiler/codegen/kernels/packed_panel.h"

namespace o2w::codegen {

// How the epilogue of a kernel is divided between its tiles and a pass over finished rows.
class EpilogueParts {
 public:
  // may_finish_rows: false where the tiles must do all of it.
  EpilogueParts(FunctionTable& functions, const schedule::Epilogue& epilogue, bool may_finish_rows = true);

  // Whether there is such a pass: f32 sums, a body that calls functions (any, where tiles are shared), and no operand laid out like the
  // output, which may be the output itself.
  bool finishes_rows() const { return !finish_.empty(); }
  // What the tiles do. Their functions take operands() of the kernel's.
  const schedule::Epilogue& in_tile() const { return finishes_rows() ? none_ : epilogue_; }
  const std::vector<Var<I32>>& operands_in_tile(const std::vector<Var<I32>>& operands) const {
    return finishes_rows() ? no_operands_ : operands;
  }
  // Emits the pass, if there is one: `rows` rows of `columns` elements, out_step bytes apart, from out +
  // out_offset.
  void finish(FunctionBuilder& f, const Var<I32>& out, const std::vector<Var<I32>>& operands, I32 rows,
              I32 columns, I32 out_step, I32 out_offset) const;

 private:
  const schedule::Epilogue& epilogue_;
  schedule::Epilogue none_;
  std::vector<Var<I32>> no_operands_;
  std::string finish_;  // function
};

}  // namespace o2w::codegen
