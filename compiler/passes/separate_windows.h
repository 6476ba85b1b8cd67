// Largest elements of large windows are found among the largest of their columns.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// Maxima and minima over windows of two dimensions become two reductions of one dimension each, along rows
// and then along columns, where neighbouring windows overlap so far that this takes fewer comparisons: k + k
// instead of k * k for a window that moves by one. The results are the same to the bit.
void separate_windows(ir::Graph& graph);

}  // namespace o2w::passes
