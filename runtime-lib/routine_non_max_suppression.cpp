#include "runtime-lib/non_max_suppression.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/text.h"

O2W_ROUTINE(non_max_suppression) {
  using namespace o2w::runtime;
  using namespace o2w::non_max_suppression;
  const auto &boxes = args[0], &scores = args[1], &selected = args[5];
  const auto batches = static_cast<uint32_t>(scores.dims[0]), classes = static_cast<uint32_t>(scores.dims[1]);
  const auto count = static_cast<uint32_t>(scores.dims[2]);
  const Settings settings{.centred = ints[0] != 0,
                          .has_score_threshold = ints[1] != 0,
                          .iou_threshold = at<const float>(args[3].data)[0],
                          .score_threshold = at<const float>(args[4].data)[0],
                          .most = at<const int64_t>(args[2].data)[0]};
  counts[0] = 0;
  if (!(settings.iou_threshold >= 0 && settings.iou_threshold <= 1)) {
    ErrorText() << "iou_threshold must be between 0 and 1";
    return o2w::abi::kInvalidArgument;
  }
  if (count == 0 || batches == 0 || classes == 0) return o2w::abi::kSuccess;
  const Scratch heap(uint64_t{count} * sizeof(Candidate)), kept(uint64_t{count} * sizeof(Box));
  if (!heap || !kept) return o2w::abi::kTooLarge;
  const uint64_t room = element_count(selected) / 3;
  auto* out = at<int64_t>(selected.data);
  uint64_t found = 0;
  for (uint32_t batch = 0; batch < batches; ++batch) {
    for (uint32_t which = 0; which < classes; ++which) {
      const float* of_batch = at<const float>(boxes.data) + 4 * uint64_t{batch} * count;
      const float* of_class = at<const float>(scores.data) + (uint64_t{batch} * classes + which) * count;
      suppress(of_batch, of_class, count, settings, heap.data<Candidate>(), kept.data<Box>(),
               [&](uint32_t index) {
                 if (found < room) {
                   out[3 * found] = batch;
                   out[3 * found + 1] = which;
                   out[3 * found + 2] = index;
                 }
                 ++found;
               });
    }
  }
  if (found > room) {
    ErrorText() << found << " boxes are selected, more than the room for them";
    return o2w::abi::kRuntimeError;
  }
  counts[0] = static_cast<int64_t>(found);
  return o2w::abi::kSuccess;
}
