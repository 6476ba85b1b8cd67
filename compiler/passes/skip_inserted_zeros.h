// Convolutions of pictures between whose pixels zeros were put are transposed convolutions.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// Upsampling as StyleGAN's exporters write it: pixels are repeated, a constant picture of ones and zeros
// keeps one of each, and a convolution filters the result. The convolution becomes the transposed one of the
// pixels themselves, which multiplies by no zeros. (Pixels that are infinite or NaN would have given NaN
// beside them.)
void skip_inserted_zeros(ir::Graph& graph);

}  // namespace o2w::passes
