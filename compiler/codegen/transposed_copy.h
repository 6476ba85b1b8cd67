// Copies whose rows are columns of what they read.
#pragma once

#include <optional>
#include <string>

#include "compiler/codegen/canonical_nest.h"
#include "compiler/codegen/function_table.h"

namespace o2w::codegen {

// If the nest only copies elements of 1, 2, 4 or 8 bytes, and memory runs along one loop where it reads and
// along another where it writes: a function with the nest's parameters that transposes plane by plane, over
// those two loops.
std::optional<std::string> emit_transposed_copy(FunctionTable& functions, const CanonicalNest& nest);

}  // namespace o2w::codegen
