// A plan of the arena close to its lower bound, for sizes that are known when compiling.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime-lib/memory_plan.h"

namespace o2w::schedule {

struct ArenaPlan {
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
  int64_t lower_bound = 0;  // bytes that live at the worst step
};

// Bytes that live at the worst step: no plan needs fewer.
int64_t live_at_worst(const std::vector<MemoryInterval>& intervals);

// The best of several orders in which buffers are placed, improved by moving buffers at the top of the arena
// forward in the order. Deterministic; the time is bounded.
ArenaPlan search_plan(const std::vector<MemoryInterval>& intervals);

}  // namespace o2w::schedule
