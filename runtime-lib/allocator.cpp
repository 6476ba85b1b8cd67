#include "runtime-lib/allocator.h"

#include "runtime-lib/platform.h"

namespace o2w::runtime {
namespace {

constexpr uint32_t kGrain = abi::kAlignment;
constexpr uint32_t kUsed = 1, kOwnedByRun = 2, kFlags = kGrain - 1;
constexpr uint32_t kMagic = 0x6f327768;  // tells a live allocation from a wild address given to o2w_free
constexpr int kBins = 26;                // of 64 << bin bytes and more
constexpr uint64_t kMaxBytes = 0xfff00000;
constexpr uint64_t kGrowth = 4 * kPageBytes;

// Lies in the 16 bytes before its payload; payloads are 64-byte aligned and sizes are multiples of 64. A
// region of memory is a run of blocks ended by a used block of size 0 whose payload would start where the
// region ends.
struct Block {
  uint32_t size_and_flags;  // header and payload
  uint32_t previous_size;   // of the block right before; 0 for the first of a region
  uint32_t magic;           // kMagic while in use
  uint32_t region;          // address of the region's first block

  uint32_t size() const { return size_and_flags & ~kFlags; }
  bool used() const { return size_and_flags & kUsed; }
};
static_assert(sizeof(Block) == 16);
// In the payload of a free block, or before the payload proper of one that the run owns.
struct Links {
  uint32_t next, previous;  // addresses of blocks
};
constexpr uint32_t kHeader = sizeof(Block);

struct Heap {
  uint32_t bins[kBins];
  uint32_t occupied;      // bit per non-empty bin
  uint32_t first_region;  // address of the first block of the newest region, 0 before the first allocation
  uint64_t end;           // of the newest region
  bool in_run;
};
Heap heap;

Block* block_at(uint32_t address) { return at<Block>(address); }
Links* links_of(uint32_t block) { return at<Links>(block + kHeader); }

int bin_of(uint32_t size) {
  const int bin = 31 - __builtin_clz(size / kGrain);
  return bin < kBins ? bin : kBins - 1;
}

void insert_free(uint32_t address) {
  const int bin = bin_of(block_at(address)->size());
  const uint32_t head = heap.bins[bin];
  *links_of(address) = {head, 0};
  if (head) links_of(head)->previous = address;
  heap.bins[bin] = address;
  heap.occupied |= 1u << bin;
}

void remove_free(uint32_t address) {
  const Links links = *links_of(address);
  const int bin = bin_of(block_at(address)->size());
  if (links.next) links_of(links.next)->previous = links.previous;
  if (links.previous) {
    links_of(links.previous)->next = links.next;
  } else {
    heap.bins[bin] = links.next;
    if (!links.next) heap.occupied &= ~(1u << bin);
  }
}

uint32_t next_of(uint32_t address) { return address + block_at(address)->size(); }

// Makes [address, address + size) one free block, merged with free neighbours.
void make_free(uint32_t address, uint32_t size, uint32_t previous_size, uint32_t region) {
  if (previous_size && !block_at(address - previous_size)->used()) {
    address -= previous_size;
    remove_free(address);
    size += previous_size;
    previous_size = block_at(address)->previous_size;
  }
  const uint32_t next = address + size;
  if (!block_at(next)->used()) {
    remove_free(next);
    size += block_at(next)->size();
  }
  *block_at(address) = {size, previous_size, 0, region};
  block_at(address + size)->previous_size = size;
  insert_free(address);
}

// Adds memory [start, end): to the newest region where it continues it, else as a region of its own (a host
// may have grown memory in between, which then stays the host's).
void add_memory(uint64_t start, uint64_t end) {
  if (heap.first_region && start == heap.end) {
    const auto sentinel = static_cast<uint32_t>(heap.end - kHeader);
    const Block old = *block_at(sentinel);
    const auto size = static_cast<uint32_t>(end - start);
    *block_at(static_cast<uint32_t>(end - kHeader)) = {kUsed, size, old.magic, old.region};
    heap.end = end;
    make_free(sentinel, size, old.previous_size, old.region);
    return;
  }
  const uint64_t first = (start + kHeader + kGrain - 1) / kGrain * kGrain - kHeader;
  const uint64_t last = end / kGrain * kGrain - kHeader;
  if (last < first + kGrain) return;
  const auto address = static_cast<uint32_t>(first);
  const auto size = static_cast<uint32_t>(last - first);
  // The block at its end remembers the region before, for inspect_heap().
  *block_at(static_cast<uint32_t>(last)) = {kUsed, size, heap.first_region, address};
  heap.first_region = address;
  heap.end = last + kHeader;
  make_free(address, size, 0, address);
}

uint32_t find_free(uint32_t size) {
  const int bin = bin_of(size);
  for (uint32_t address = heap.bins[bin]; address; address = links_of(address)->next) {
    if (block_at(address)->size() >= size) return address;
  }
  const uint32_t larger = bin + 1 < kBins ? heap.occupied >> (bin + 1) << (bin + 1) : 0;
  return larger ? heap.bins[__builtin_ctz(larger)] : 0;
}

uint64_t limit_of_memory() {
  const uint64_t limit = o2w_model.max_pages * kPageBytes;
  return limit && limit < kMaxBytes ? limit : kMaxBytes;
}

bool grow_for(uint32_t size) {
  if (!heap.first_region) {
    add_memory(o2w_model.heap_start, memory_bytes());
    if (find_free(size)) return true;
  }
  // What is free at the end of memory need not be grown again.
  uint64_t missing = size + 2 * kGrain;
  if (heap.end == memory_bytes()) {
    const uint32_t last = block_at(static_cast<uint32_t>(heap.end - kHeader))->previous_size;
    const auto address = static_cast<uint32_t>(heap.end - kHeader - last);
    if (last && !block_at(address)->used()) missing -= last < missing ? last : missing;
  }
  const uint64_t exact = (missing + kPageBytes - 1) / kPageBytes;
  const uint64_t limit = limit_of_memory();
  if (memory_bytes() + exact * kPageBytes > limit) return false;
  const uint64_t room = (limit - memory_bytes()) / kPageBytes;
  uint64_t pages = exact < kGrowth / kPageBytes ? kGrowth / kPageBytes : exact;
  if (pages > room) pages = room;
  int64_t before = grow_memory(pages);
  if (before < 0) before = grow_memory(pages = exact);
  if (before < 0) return false;
  add_memory(static_cast<uint64_t>(before), static_cast<uint64_t>(before) + pages * kPageBytes);
  return find_free(size) != 0;
}

// Blocks that the run owns are listed through their last 8 payload bytes, which allocate() reserves.
uint32_t run_blocks;
Links* run_links_of(uint32_t block) { return at<Links>(block + block_at(block)->size() - sizeof(Links)); }

void forget_run_block(uint32_t block) {
  const Links links = *run_links_of(block);
  if (links.next) run_links_of(links.next)->previous = links.previous;
  if (links.previous) {
    run_links_of(links.previous)->next = links.next;
  } else {
    run_blocks = links.next;
  }
  block_at(block)->size_and_flags &= ~kOwnedByRun;
}

// The block of a live allocation, or 0.
uint32_t live_block(uint32_t address) {
  if (address % kGrain != 0 || address < o2w_model.heap_start + kHeader || !in_memory(address, 1)) return 0;
  const uint32_t block = address - kHeader;
  return block_at(block)->magic == kMagic && block_at(block)->used() ? block : 0;
}

}  // namespace

uint32_t allocate(uint64_t bytes) {
  if (bytes > kMaxBytes) return 0;
  const uint64_t wanted = bytes + kHeader + sizeof(Links);
  const auto size = static_cast<uint32_t>((wanted + kGrain - 1) / kGrain * kGrain);
  uint32_t address = find_free(size);
  if (!address) {
    if (!grow_for(size)) return 0;
    address = find_free(size);
  }
  remove_free(address);
  Block* block = block_at(address);
  const uint32_t rest = block->size() - size;
  block->size_and_flags = size | kUsed;
  block->magic = kMagic;
  block_at(address + size)->previous_size = size;
  if (rest) make_free(address + size, rest, size, block->region);
  if (heap.in_run) {
    block->size_and_flags |= kOwnedByRun;
    *run_links_of(address) = {run_blocks, 0};
    if (run_blocks) run_links_of(run_blocks)->previous = address;
    run_blocks = address;
  }
  return address + kHeader;
}

void release(uint32_t address) {
  const uint32_t block = live_block(address);
  if (!block) return;
  if (block_at(block)->size_and_flags & kOwnedByRun) forget_run_block(block);
  const Block header = *block_at(block);
  block_at(block)->magic = 0;
  make_free(block, header.size(), header.previous_size, header.region);
}

uint32_t capacity(uint32_t address) {
  const uint32_t block = live_block(address);
  return block ? block_at(block)->size() - kHeader - static_cast<uint32_t>(sizeof(Links)) : 0;
}

void begin_run_allocations() { heap.in_run = true; }
void end_run_allocations() { heap.in_run = false; }

void release_run_allocations() {
  while (run_blocks) release(run_blocks + kHeader);
}

void keep(uint32_t address) {
  const uint32_t block = live_block(address);
  if (block && (block_at(block)->size_and_flags & kOwnedByRun)) forget_run_block(block);
}

bool inspect_heap(HeapStatistics& statistics) {
  statistics = {};
  uint64_t listed = 0;
  for (uint32_t bin : heap.bins) {
    for (uint32_t address = bin; address; address = links_of(address)->next) ++listed;
  }
  uint32_t region = heap.first_region;
  while (region) {
    uint32_t address = region, previous = 0;
    bool previous_free = false;
    while (block_at(address)->size()) {
      const Block& block = *block_at(address);
      if (block.previous_size != previous || block.region != region) return false;
      if (block.used()) {
        statistics.used_bytes += block.size();
        ++statistics.used_blocks;
      } else {
        if (previous_free) return false;  // neighbours must have been merged
        statistics.free_bytes += block.size();
        ++statistics.free_blocks;
      }
      previous_free = !block.used();
      previous = block.size();
      address = next_of(address);
    }
    if (block_at(address)->previous_size != previous || !block_at(address)->used()) return false;
    region = block_at(address)->magic;  // of the end block: the region before
  }
  return listed == statistics.free_blocks;
}

}  // namespace o2w::runtime

O2W_EXPORT uint32_t o2w_heap_alloc(int64_t bytes) {
  return bytes < 0 ? 0 : o2w::runtime::allocate(static_cast<uint64_t>(bytes));
}

O2W_EXPORT void o2w_heap_free(uint32_t address) { o2w::runtime::release(address); }
