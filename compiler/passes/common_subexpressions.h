// Computes equal things once.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// Merges nodes that compute the same from the same values (constants by content: weights that a model holds
// twice), also with nodes of the regions around. Repeated run-time checks go as well. Nodes that define
// symbols, random ones and control flow are left alone.
void merge_common_subexpressions(ir::Graph& graph);

}  // namespace o2w::passes
