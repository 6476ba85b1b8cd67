// Padding with zeros becomes the convolution's own.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// A convolution of a tensor that is another one with zeros around its pictures reads that one, with as much
// more padding before it; how much there is after it follows from the result's shape.
void fold_pads(ir::Graph& graph);

}  // namespace o2w::passes
