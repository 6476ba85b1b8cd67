#include "runtime-lib/non_max_suppression.h"

#include "compiler/eval/routines.h"
#include "compiler/support/error.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::Tensor;
namespace nms = non_max_suppression;

std::vector<Tensor> select_boxes(const RoutineCall& call) {
  const Tensor &boxes = *call.inputs[0], &scores = *call.inputs[1];
  const nms::Settings settings{.centred = call.integer(0) != 0,
                               .has_score_threshold = call.integer(1) != 0,
                               .iou_threshold = call.inputs[3]->data<float>()[0],
                               .score_threshold = call.inputs[4]->data<float>()[0],
                               .most = call.inputs[2]->data<int64_t>()[0]};
  if (!(settings.iou_threshold >= 0 && settings.iou_threshold <= 1))
    fail_model("iou_threshold must be between 0 and 1, but is {}", settings.iou_threshold);
  const int64_t count = scores.dims()[2];
  std::vector<nms::Candidate> heap(static_cast<std::size_t>(count));
  std::vector<nms::Box> kept(static_cast<std::size_t>(count));
  std::vector<int64_t> rows;
  for (int64_t batch = 0; batch < scores.dims()[0]; ++batch) {
    for (int64_t which = 0; which < scores.dims()[1]; ++which) {
      nms::suppress(boxes.data<float>() + batch * count * 4,
                    scores.data<float>() + (batch * scores.dims()[1] + which) * count,
                    static_cast<uint32_t>(count), settings, heap.data(), kept.data(),
                    [&](uint32_t index) { rows.insert(rows.end(), {batch, which, index}); });
    }
  }
  Tensor result(DType::i64, {static_cast<int64_t>(rows.size() / 3), 3});
  for (std::size_t i = 0; i < rows.size(); ++i) result.set_int(static_cast<int64_t>(i), rows[i]);
  return {result};
}

const RegisterRoutine routine("non_max_suppression", select_boxes);

}  // namespace
}  // namespace o2w::eval
