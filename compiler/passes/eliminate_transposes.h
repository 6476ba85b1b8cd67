// Composes permutations of dimensions.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// A transpose of a transpose becomes one transpose of the first tensor; one that changes nothing, no node.
void eliminate_transposes(ir::Graph& graph);

}  // namespace o2w::passes
