// Assigns arena offsets to buffers with known lifetimes and sizes: no two buffers that live at the same time
// overlap.
//
// Plain C++ without a library, because the same code runs in the compiler (static shapes) and, compiled to
// WebAssembly, in the runtime library (when shapes are set). Greedy: one buffer after the other at the lowest
// gap that fits it best, the largest buffer first (Pisarchyk and
// Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, section 5.2). The compiler tries
// other orders as well (search_plan.h).
#pragma once

namespace o2w {

struct MemoryInterval {
  int first, last;  // steps in which the buffer lives, inclusive
  long long bytes;  // not negative
};

constexpr long long memory_plan_alignment = 64;

inline long long memory_plan_align(long long bytes) {
  return (bytes + memory_plan_alignment - 1) / memory_plan_alignment * memory_plan_alignment;
}

// True when a precedes b: larger first, then (`by_life`) what lives longer, then in the order given.
inline bool memory_plan_precedes(const MemoryInterval* intervals, int a, int b, bool by_life) {
  if (intervals[a].bytes != intervals[b].bytes) return intervals[a].bytes > intervals[b].bytes;
  const int life_a = intervals[a].last - intervals[a].first, life_b = intervals[b].last - intervals[b].first;
  return by_life && life_a != life_b ? life_a > life_b : a < b;
}

// Sinks order[root] in the heap order[0..count), whose top is what comes last in the precedence.
inline void memory_plan_sift(const MemoryInterval* intervals, int* order, int root, int count, bool by_life) {
  for (;;) {
    int child = 2 * root + 1;
    if (child >= count) return;
    if (child + 1 < count && memory_plan_precedes(intervals, order[child], order[child + 1], by_life))
      ++child;
    if (!memory_plan_precedes(intervals, order[root], order[child], by_life)) return;
    const int swapped = order[root];
    order[root] = order[child];
    order[child] = swapped;
    root = child;
  }
}

// The bytes from the start of the arena to the end of its last buffer, with the buffers placed in the given
// order. Writes offsets[0..count), multiples of memory_plan_alignment; `placed` has room for count ints.
inline long long place_in_order(const MemoryInterval* intervals, int count, const int* order,
                                long long* offsets, int* placed) {
  long long total = 0;
  for (int n = 0; n < count; ++n) {
    const MemoryInterval& interval = intervals[order[n]];
    const long long size = memory_plan_align(interval.bytes);
    long long gap_begin = 0, best = -1, best_size = 0;
    for (int p = 0; p < n; ++p) {  // by offset
      const MemoryInterval& other = intervals[placed[p]];
      if (other.last < interval.first || interval.last < other.first) continue;
      const long long gap = offsets[placed[p]] - gap_begin;
      if (gap >= size && (best < 0 || gap < best_size)) {
        best = gap_begin;
        best_size = gap;
      }
      const long long end = offsets[placed[p]] + memory_plan_align(other.bytes);
      if (end > gap_begin) gap_begin = end;
    }
    if (best < 0) best = gap_begin;
    offsets[order[n]] = best;
    if (best + size > total) total = best + size;
    int position = n;
    while (position > 0 && offsets[placed[position - 1]] > best) {
      placed[position] = placed[position - 1];
      --position;
    }
    placed[position] = order[n];
  }
  return total;
}

inline long long plan_by_size(const MemoryInterval* intervals, int count, long long* offsets, int* scratch,
                              bool by_life) {
  int* order = scratch;
  for (int i = 0; i < count; ++i) order[i] = i;
  for (int i = count / 2; i-- > 0;) memory_plan_sift(intervals, order, i, count, by_life);
  for (int end = count - 1; end > 0; --end) {
    const int swapped = order[0];
    order[0] = order[end];
    order[end] = swapped;
    memory_plan_sift(intervals, order, 0, end, by_life);
  }
  return place_in_order(intervals, count, order, offsets, scratch + count);
}

// Writes offsets[0..count) and returns the bytes of the whole arena. `scratch` has room for 2 * count ints.
inline long long plan_memory(const MemoryInterval* intervals, int count, long long* offsets, int* scratch) {
  // Networks have many buffers of one size; which order of them is better depends on the network.
  const long long as_given = plan_by_size(intervals, count, offsets, scratch, false);
  const long long by_life = plan_by_size(intervals, count, offsets, scratch, true);
  return as_given < by_life ? plan_by_size(intervals, count, offsets, scratch, false) : by_life;
}

}  // namespace o2w
