// Joins chains of views.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// A view of a view becomes one view of the first tensor; a view to the shape that is there already, no node.
void eliminate_views(ir::Graph& graph);

}  // namespace o2w::passes
