#include "runtime-lib/routines.h"
#include "runtime-lib/text.h"
#include "runtime-lib/vector.h"

namespace o2w::runtime {
namespace {

// Elements as unsigned numbers in the same order: -0 is 0, all NaN are the largest.
uint64_t order_key(const abi::TensorArg& x, uint64_t index) {
  switch (dtype_of(x)) {
    case DType::u64:
      return at<const uint64_t>(x.data)[index];
    case DType::i64:
      return at<const uint64_t>(x.data)[index] ^ (uint64_t{1} << 63);
    case DType::f32: {
      const float value = at<const float>(x.data)[index];
      if (value != value) return UINT64_MAX;
      const auto bits = __builtin_bit_cast(uint32_t, value == 0 ? 0.0F : value);
      return bits >> 31 ? ~bits : bits | uint32_t{1} << 31;
    }
    default: {
      // Every other type is exact as a double.
      const double value = load_element(x, index);
      if (value != value) return UINT64_MAX;
      const auto bits = __builtin_bit_cast(uint64_t, value == 0 ? 0.0 : value);
      return bits >> 63 ? ~bits : bits | uint64_t{1} << 63;
    }
  }
}

struct Entry {
  uint64_t key;
  uint64_t index;

  // Indices differ, so the order is total and any sorting method is stable.
  bool before(const Entry& other) const { return key != other.key ? key < other.key : index < other.index; }
};

// Restores the heap (last entry on top) below `root`.
void sift(Entry* heap, uint64_t root, uint64_t count) {
  const Entry entry = heap[root];
  for (uint64_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
    if (child + 1 < count && heap[child].before(heap[child + 1])) ++child;
    if (!entry.before(heap[child])) break;
    heap[root] = heap[child];
    root = child;
  }
  heap[root] = entry;
}

// The first element from `i` on that may come before one that is `worst` and stands before them all; they are
// neighbours. A NaN on either side may.
uint64_t next_candidate(const float* row, uint64_t i, uint64_t count, float worst, bool largest) {
  const f32x4 limit = splat(worst);
  for (; i + 4 <= count; i += 4) {
    f32x4 x;
    __builtin_memcpy(&x, row + i, sizeof x);
    const i32x4 behind = largest ? x <= limit : x >= limit;
    if (any(~behind)) break;
  }
  for (; i < count; ++i) {
    if (!(largest ? row[i] <= worst : row[i] >= worst)) break;
  }
  return i;
}

}  // namespace
}  // namespace o2w::runtime

// Selection by a heap of the k best so far, then heap sort: n log k steps, k entries of memory.
O2W_ROUTINE(sort) {
  using namespace o2w::runtime;
  const auto& x = args[0];
  const auto& values = args[1];
  const auto& indices = args[2];
  const AxisView from(x, ints[0]), to(values, ints[0]);
  const bool largest = ints[1] != 0;
  const uint64_t k = to.length;
  if (element_count(values) == 0) return o2w::abi::kSuccess;
  if (k > from.length) {
    ErrorText() << "k is " << k << ", but the axis has " << from.length << " elements";
    return o2w::abi::kInvalidArgument;
  }
  const Scratch scratch(k * sizeof(Entry));
  if (!scratch) return o2w::abi::kTooLarge;
  auto* heap = scratch.data<Entry>();
  const uint32_t bytes = element_bytes(dtype_of(x));
  for (uint64_t outer = 0; outer < from.outer; ++outer) {
    for (uint64_t inner = 0; inner < from.inner; ++inner) {
      const auto entry = [&](uint64_t index) {
        const uint64_t key = order_key(x, (outer * from.length + index) * from.inner + inner);
        return Entry{largest ? ~key : key, index};
      };
      for (uint64_t i = 0; i < k; ++i) heap[i] = entry(i);
      for (uint64_t i = k / 2; i-- > 0;) sift(heap, i, k);
      const float* row = dtype_of(x) == DType::f32 && from.inner == 1
                             ? at<const float>(x.data) + outer * from.length
                             : nullptr;
      for (uint64_t i = k; i < from.length; ++i) {
        if (row != nullptr) {
          i = next_candidate(row, i, from.length, row[heap[0].index], largest);
          if (i == from.length) break;
        }
        const Entry next = entry(i);
        if (!next.before(heap[0])) continue;
        heap[0] = next;
        sift(heap, 0, k);
      }
      for (uint64_t end = k - 1; end > 0; --end) {
        const Entry last = heap[0];
        heap[0] = heap[end];
        heap[end] = last;
        sift(heap, 0, end);
      }
      for (uint64_t i = 0; i < k; ++i) {
        const uint64_t target = (outer * k + i) * to.inner + inner;
        const uint64_t source = (outer * from.length + heap[i].index) * from.inner + inner;
        __builtin_memcpy(at<char>(values.data) + target * bytes, at<const char>(x.data) + source * bytes,
                         bytes);
        at<int64_t>(indices.data)[target] = static_cast<int64_t>(heap[i].index);
      }
    }
  }
  return o2w::abi::kSuccess;
}
