// 128-bit vectors through the vector extensions that clang (wasm) and gcc (native tests) share.
#pragma once

#include <stdint.h>

namespace o2w::runtime {

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));

}  // namespace o2w::runtime
