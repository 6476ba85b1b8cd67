#include "runtime-lib/routines.h"
#include "runtime-lib/strings.h"

namespace o2w::runtime {
namespace {

bool is_same(const String& a, const String& b) { return a.address == b.address && a.length == b.length; }

// By bytes, a beginning before what it is the beginning of.
bool before(const String& a, const String& b) {
  const uint32_t common = a.length < b.length ? a.length : b.length;
  const int order = __builtin_memcmp(bytes_of(a), bytes_of(b), common);
  return order != 0 ? order < 0 : a.length < b.length;
}

// Restores the heap of positions (last in order on top) below `root`.
void sift(const String* x, uint32_t* heap, uint64_t root, uint64_t count) {
  const uint32_t entry = heap[root];
  for (uint64_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
    if (child + 1 < count && before(x[heap[child]], x[heap[child + 1]])) ++child;
    if (!before(x[entry], x[heap[child]])) break;
    heap[root] = heap[child];
    root = child;
  }
  heap[root] = entry;
}

}  // namespace
}  // namespace o2w::runtime

O2W_ROUTINE(string_rank) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  auto* y = at<int64_t>(args[1].data);
  const uint64_t count = element_count(args[0]);
  if (count == 0) return o2w::abi::kSuccess;
  const Scratch scratch(count * sizeof(uint32_t));
  if (!scratch) return o2w::abi::kTooLarge;
  auto* order = scratch.data<uint32_t>();
  for (uint64_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
  for (uint64_t i = count / 2; i-- > 0;) sift(x, order, i, count);
  for (uint64_t end = count - 1; end > 0; --end) {
    const uint32_t last = order[0];
    order[0] = order[end];
    order[end] = last;
    sift(x, order, 0, end);
  }
  int64_t rank = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0 && !is_same(x[order[i]], x[order[i - 1]])) ++rank;
    y[order[i]] = rank;
  }
  return o2w::abi::kSuccess;
}
