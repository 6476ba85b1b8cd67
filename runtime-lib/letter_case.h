// Letters in lower and upper case, one code point for one. Shared by the runtime library and the compiler.
// The tables come with the models that need them.
#pragma once

#include <stdint.h>

namespace o2w {

// Code points first, first + step, ... last become that + delta.
struct CaseRange {
  int32_t first, last;
  int32_t step, delta;
};
static_assert(sizeof(CaseRange) == 16);

// `ranges` are in order and do not overlap.
inline int32_t mapped_case(const CaseRange* ranges, uint64_t count, int32_t code) {
  uint64_t low = 0, high = count;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    const CaseRange& range = ranges[middle];
    if (code > range.last) {
      low = middle + 1;
    } else if (code < range.first) {
      high = middle;
    } else {
      return (code - range.first) % range.step == 0 ? code + range.delta : code;
    }
  }
  return code;
}

}  // namespace o2w
