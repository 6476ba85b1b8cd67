// Padding becomes that of the convolution or pool behind it.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// A convolution of a tensor that is another one with zeros around its pictures reads that one, with as much
// more padding before it; how much there is after it follows from the result's shape. Sums over windows leave
// zeros around pictures out, and maxima what cannot be the largest: minus infinity, and zeros around what is
// never negative, where every window has other elements as well.
void fold_pads(ir::Graph& graph);

}  // namespace o2w::passes
