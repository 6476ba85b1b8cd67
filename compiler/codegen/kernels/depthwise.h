// Depthwise convolution: one filter per channel.
#pragma once

#include "compiler/codegen/kernels/kernel.h"

namespace o2w::codegen {

// Parameters as emit_conv2d's.
KernelCall emit_depthwise(FunctionTable& functions, const schedule::Conv2d& kernel);

}  // namespace o2w::codegen
