// Conversions of the narrow floating-point types, by ONNX type. Modules whose routines see no such tensors
// are made without them (compiler/package/unused_runtime.h).
#pragma once

#include <stdint.h>

#include "runtime-lib/routines.h"

O2W_EXPORT float o2w_decode_narrow(o2w::runtime::DType type, uint32_t bits);
O2W_EXPORT uint32_t o2w_encode_narrow(o2w::runtime::DType type, float value);
