// Products of one row.
#pragma once

#include "compiler/codegen/kernels/packed_panel.h"

namespace o2w::codegen {

// Columns at once: four panels.
inline constexpr int kGemvColumns = 4 * kPanel;

// gemv(left, right, out, operands..., k, right_step, panel_step, out_offset, column_offset): one row of f32
// times kGemvColumns columns of panels, or of an unpacked matrix, panel_step bytes apart. Sums are made in
// the order of a tile's.
std::string gemv_function(FunctionTable& functions, const schedule::Epilogue& epilogue);

}  // namespace o2w::codegen
