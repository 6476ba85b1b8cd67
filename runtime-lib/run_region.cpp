#include "runtime-lib/run_region.h"

#include "runtime-lib/allocator.h"
#include "runtime-lib/model.h"
#include "runtime-lib/platform.h"

namespace o2w::runtime {
namespace {

// Chunks double up to the largest, so that a run which needs little takes little; a piece that no chunk would
// hold gets its own.
constexpr uint64_t kFirstChunk = 4 << 10, kLargestChunk = 1 << 20;

// At the start of every chunk, padded to keep what follows aligned.
struct Chunk {
  uint32_t next;  // the chunk before; 0 for the first
};
constexpr uint64_t kHeader = abi::kAlignment;

struct Region {
  uint32_t newest;     // address of a Chunk
  uint64_t used, end;  // the free part of the newest chunk
  uint64_t next_size;
};
Region region;

bool add_chunk(uint64_t least) {
  if (region.next_size < kFirstChunk) region.next_size = kFirstChunk;
  const uint64_t size = least > region.next_size ? least : region.next_size;
  const uint32_t address = allocate(size);
  if (!address) {
    out_of_memory("strings and lists", size);
    return false;
  }
  keep(address);
  at<Chunk>(address)->next = region.newest;
  region.newest = address;
  region.used = address + kHeader;
  region.end = address + size;
  if (region.next_size < kLargestChunk) region.next_size *= 2;
  return true;
}

}  // namespace

void* region_alloc(uint64_t bytes, uint32_t alignment) {
  const uint64_t mask = alignment - 1;
  uint64_t start = (region.used + mask) & ~mask;
  if (!region.newest || bytes > UINT32_MAX || start + bytes > region.end) {
    if (!add_chunk(bytes > UINT32_MAX ? bytes : bytes + kHeader)) return nullptr;
    start = region.used;
  }
  region.used = start + bytes;
  return at<void>(static_cast<uint32_t>(start));
}

void reset_region() {
  while (region.newest) {
    const uint32_t chunk = region.newest;
    region.newest = at<Chunk>(chunk)->next;
    release(chunk);
  }
  region = {};
}

}  // namespace o2w::runtime
