// Folds what follows a convolution channel by channel into its weights.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// y = convolution(x, W) * scale[c] + bias[c], with constant W, scale and bias (what BatchNormalization is at
// inference, whatever the order of its operations), becomes convolution(x, W * scale) + bias'. f32 only; the
// convolution must have no other use. Results differ from the original by rounding, as they do in other
// runtimes that fold.
void fold_batch_norm(ir::Graph& graph);

}  // namespace o2w::passes
