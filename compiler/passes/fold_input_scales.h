// Folds what a convolution's input is multiplied by, channel by channel, into the weights (pictures scaled to
// [0, 1] before the first layer), and what is then added into its result where nothing is padded.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// Weights that are not constants of f32 stay. Sums are those of other numbers afterwards: results may differ
// in the last digits, as with folded batch normalizations.
void fold_input_scales(ir::Graph& graph);

}  // namespace o2w::passes
