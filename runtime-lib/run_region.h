// Memory for what a run makes piece by piece and never frees piece by piece: bytes of strings, lists and
// their elements. It stays until the next run begins, so outputs may lie in it; then all of it goes back to
// the heap at once.
#pragma once

#include <stdint.h>

namespace o2w::runtime {

// `alignment` is a power of two, at most 64. Null when memory is exhausted (the last error says so). 0 bytes
// give an address too.
void* region_alloc(uint64_t bytes, uint32_t alignment = 16);

// Gives everything back.
void reset_region();

}  // namespace o2w::runtime
