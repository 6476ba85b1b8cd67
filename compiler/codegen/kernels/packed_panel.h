// The inner part of products whose left side is packed: what matrix products, convolutions and Winograd's
// products have in common.
#pragma once

#include <string>
#include <vector>

#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {

// pack(row0, row1, row2, row3, to, units): four rows of `units` elements of 4 bytes become [units][4].
std::string pack_rows_function(FunctionTable& functions);

// pack(row0, row1, row2, row3, to, units): the same into four of a panel's columns, [units][8].
std::string pack_columns_function(FunctionTable& functions);
// pack(from, step, to, k): 8 columns of k rows that lie `step` bytes apart become [k][8].
std::string pack_panel_function(FunctionTable& functions);

// panel(left, right, out, operands..., rows, k, out_step, out_offset, column_offset[, columns]): 8 columns of
// ceil(rows / 4) tiles. left: packed, [ceil(rows / 4)][k][4] units of 4 bytes; right: a packed panel, its
// head included; k counts units (pairs, of integers) and is at least 1. Steps and offsets are bytes of the
// output as if its elements had 4. `partial`: the first `columns` of the 8 (of more there are, all).
std::string packed_panel_function(FunctionTable& functions, Factors factors,
                                  const schedule::Epilogue& epilogue, bool partial);

// Panels of at most this many columns have functions of their own, whose vectors are rows.
using schedule::kNarrowColumns;

// panel(left, right, out, operands..., rows, k, out_step, out_offset, column_offset): `columns` (1 to
// kNarrowColumns) columns of f32, otherwise as above.
std::string narrow_panel_function(FunctionTable& functions, const schedule::Epilogue& epilogue, int columns);

std::vector<Var<I32>> operand_params(FunctionBuilder& f, const schedule::Epilogue& epilogue);
void append(std::vector<Tree>& arguments, const std::vector<Var<I32>>& variables);

}  // namespace o2w::codegen
