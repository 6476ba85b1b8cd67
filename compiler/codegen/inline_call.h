// Calls of small functions of the runtime library, put in place of the call.
//
// A call of a vector function saves and restores every vector register around it and keeps loops from
// overlapping their rounds: exp in place is twice as fast. Only straight-line code is put in place;
// Binaryen's own inlining works on whole modules and cannot be told where.
#pragma once

#include <string>
#include <vector>

#include "compiler/codegen/function_builder.h"
#include "compiler/codegen/function_table.h"

namespace o2w::codegen {

// The value of `callee` for these arguments: its code where it is straight-line code, else a call.
// `functions` learns which functions' code was copied, since what they read must be in the module without
// them.
Tree call_in_place(FunctionTable& functions, FunctionBuilder& f, const std::string& callee,
                   std::vector<Tree> arguments, WasmType result);

}  // namespace o2w::codegen
