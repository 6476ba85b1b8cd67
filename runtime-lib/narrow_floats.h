// Conversions of the narrow floating-point types, by ONNX type.
#pragma once

#include <stdint.h>

#include "runtime-lib/routines.h"

namespace o2w::runtime {

float decode_narrow(DType type, uint32_t bits);
uint32_t encode_narrow(DType type, float value);

}  // namespace o2w::runtime
