// Elementwise work on a concatenation is done on its parts.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// Where elementwise work is all that a concatenation is for, and some part is computed for it alone: the work
// moves to the parts, where it joins what computes them, and the concatenation comes after it.
void delay_concats(ir::Graph& graph);

}  // namespace o2w::passes
