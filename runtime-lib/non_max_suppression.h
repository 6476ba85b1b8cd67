// Non-maximum suppression of the boxes of one class, shared by the compiler's evaluator and the runtime
// library, so that both select the same. Freestanding; all arithmetic is f32, in the order in which ONNX
// Runtime does it.
#pragma once

#include <stdint.h>

namespace o2w::non_max_suppression {

// A box by its smaller and larger corner.
struct Box {
  float low[2], high[2];
  float area() const { return (high[0] - low[0]) * (high[1] - low[1]); }
};

// Four numbers as the operator takes them: two opposite corners in any order or, `centred`, centre and size.
inline Box read_box(const float* numbers, bool centred) {
  Box box;
  for (int axis = 0; axis < 2; ++axis) {
    const float a = numbers[axis], b = numbers[axis + 2];
    if (centred) {
      const float half = b / 2;
      box.low[axis] = a - half;
      box.high[axis] = a + half;
    } else {
      box.low[axis] = a < b ? a : b;
      box.high[axis] = a < b ? b : a;
    }
  }
  return box;
}

// Whether intersection over union exceeds the threshold. Boxes without area suppress nothing.
inline bool overlap(const Box& a, const Box& b, float threshold) {
  float intersection = 1;
  for (int axis = 1; axis >= 0; --axis) {
    const float low = a.low[axis] > b.low[axis] ? a.low[axis] : b.low[axis];
    const float high = a.high[axis] < b.high[axis] ? a.high[axis] : b.high[axis];
    if (!(high > low)) return false;
    intersection *= high - low;
  }
  const float of_a = a.area(), of_b = b.area();
  const float either = of_a + of_b - intersection;
  if (!(intersection > 0) || !(of_a > 0) || !(of_b > 0) || !(either > 0)) return false;
  return intersection / either > threshold;
}

struct Candidate {
  float score;
  uint32_t index;
  // The higher score first, of equal ones the lower index; NaN last.
  bool before(const Candidate& other) const {
    const bool nan = score != score, other_nan = other.score != other.score;
    if (nan != other_nan) return other_nan;
    if (!nan && score != other.score) return score > other.score;
    return index < other.index;
  }
};

// Restores the heap (first candidate on top) below `root`.
inline void sift(Candidate* heap, uint32_t root, uint32_t count) {
  const Candidate moved = heap[root];
  for (uint64_t child = 2 * uint64_t{root} + 1; child < count; child = 2 * uint64_t{root} + 1) {
    if (child + 1 < count && heap[child + 1].before(heap[child])) ++child;
    if (!heap[child].before(moved)) break;
    heap[root] = heap[child];
    root = static_cast<uint32_t>(child);
  }
  heap[root] = moved;
}

struct Settings {
  bool centred = false;
  bool has_score_threshold = false;
  float iou_threshold = 0, score_threshold = 0;
  int64_t most = 0;  // per class
};

// Selects from one class: boxes [count, 4], scores [count]. `heap` and `kept` have room for `count` entries.
// Calls `select(index)` for every selected box, best first.
template <typename Select>
void suppress(const float* boxes, const float* scores, uint32_t count, const Settings& settings,
              Candidate* heap, Box* kept, Select select) {
  if (settings.most <= 0) return;
  uint32_t candidates = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (!settings.has_score_threshold || scores[i] > settings.score_threshold)
      heap[candidates++] = {scores[i], i};
  }
  for (uint32_t i = candidates / 2; i-- > 0;) sift(heap, i, candidates);
  uint32_t selected = 0;
  while (candidates > 0 && selected < settings.most) {
    const uint32_t index = heap[0].index;
    heap[0] = heap[--candidates];
    if (candidates > 0) sift(heap, 0, candidates);
    const Box box = read_box(boxes + 4 * uint64_t{index}, settings.centred);
    bool suppressed = false;
    for (uint32_t k = 0; k < selected && !suppressed; ++k)
      suppressed = overlap(box, kept[k], settings.iou_threshold);
    if (suppressed) continue;
    kept[selected++] = box;
    select(index);
  }
}

}  // namespace o2w::non_max_suppression
