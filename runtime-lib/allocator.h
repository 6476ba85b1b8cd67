// The heap above everything that is laid out when compiling. Boundary tags with coalescing and free lists by
// power of two: frees merge at once, so a host that goes back and forth between shapes reuses the same
// memory.
#pragma once

#include <stdint.h>

namespace o2w::runtime {

// 64-byte aligned, with at least 32 bytes of memory behind it (kernels may read past the end); 0 when memory
// cannot grow any more. `bytes` 0 gives a distinct address.
uint32_t allocate(uint64_t bytes);
// Address 0 is ignored, and so is one that is no live allocation of ours (a host may pass anything to
// o2w_free).
void release(uint32_t address);
// Usable bytes of an allocation.
uint32_t capacity(uint32_t address);

// Between these two, allocations are owned by the run: release_run_allocations() frees those that nobody
// freed or kept.
void begin_run_allocations();
void end_run_allocations();
void release_run_allocations();
// Takes an allocation out of the run's ownership.
void keep(uint32_t address);

struct HeapStatistics {
  uint64_t used_bytes, free_bytes;
  uint32_t used_blocks, free_blocks;
};
// Walks the heap; false if its structure is damaged.
bool inspect_heap(HeapStatistics& statistics);

}  // namespace o2w::runtime
