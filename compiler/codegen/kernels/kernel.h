// The kernel families: each turns one kernel of the program into a function and says how the plan calls it.
// One file per family.
//
// A family specialises its function on what changes the code (tile, layout of the right-hand side, epilogue,
// constant strides and window sizes where measuring says so) and takes everything else as i32 parameters, so
// that layers share functions. The function's name tells the family, tile and epilogue operands; the memo key
// everything it was specialised on.
#pragma once

#include "compiler/codegen/function_table.h"
#include "compiler/schedule/program.h"

namespace o2w::codegen {

// Parameters: pointers as the program's struct documents them, then KernelCall::arguments.
KernelCall emit_matmul(FunctionTable& functions, const schedule::Matmul& kernel);
KernelCall emit_conv2d(FunctionTable& functions, const schedule::Conv2d& kernel);
KernelCall emit_transpose2d(FunctionTable& functions, const schedule::Transpose2d& kernel);
// The function plane(x, out, rows, columns, x_step, out_step): out[column][row] = x[row][column] of elements
// of 1, 2, 4 or 8 bytes, with so many bytes between rows of either side.
std::string transpose_plane(FunctionTable& functions, int element_bytes);
KernelCall emit_loop_nest(FunctionTable& functions, const schedule::LoopNest& nest);

}  // namespace o2w::codegen
