// Convolutions of stride 1 by Winograd's F(4x4, 3x3) and F(2x2, 5x5).
#pragma once

#include "compiler/codegen/kernels/kernel.h"

namespace o2w::codegen {

// Parameters as emit_conv2d's.
KernelCall emit_winograd(FunctionTable& functions, const schedule::Conv2d& kernel);

}  // namespace o2w::codegen
