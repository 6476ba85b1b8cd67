// Evaluates what depends on constants only.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// Replaces nodes whose inputs are all constants by their results, except where the result is large and what
// it is made of is not: such tensors are better computed than shipped.
void fold_constants(ir::Graph& graph);

}  // namespace o2w::passes
