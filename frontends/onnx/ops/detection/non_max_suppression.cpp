// NonMaxSuppression: which boxes to keep of every class. How many is only known afterwards; the most there
// can be is the smaller one of the number of boxes and max_output_boxes_per_class, for every class of every
// batch entry.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

void lower_non_max_suppression(Lowering& l) {
  ir::Builder& b = l.b();
  Value* boxes = b.cast(l.input(0), DType::f32);
  Value* scores = b.cast(l.input(1), DType::f32);
  l.expect_rank(boxes, 3, 3, "the boxes");
  l.expect_rank(scores, 3, 3, "the scores");
  require_equal(l, boxes->shape[0], scores->shape[0], "batch of boxes and scores");
  require_equal(l, boxes->shape[1], scores->shape[2], "number of boxes and of scores of a class");
  require_equal(l, boxes->shape[2], 4, "numbers of a box");
  const Dim count = boxes->shape[1];

  // Without the input, nothing is selected. The number is cut to that of the boxes, so that it can be a size.
  Value* most = b.scalar(DType::i64, int64_t{0});
  if (l.optional_input(2) != nullptr) {
    most = as_scalar(l, l.input(2), "max_output_boxes_per_class");
    most = b.map(DType::i64, {most}, [&](std::span<const Expr> e) {
      return ir::max(ir::min(ir::cast(DType::i64, e[0]), size_as(DType::i64, count)),
                     ir::literal_int(DType::i64, 0));
    });
  }
  const auto threshold = [&](int i, const char* what) {
    if (l.optional_input(i) == nullptr) return b.scalar(DType::f32, 0.0);
    return b.cast(as_scalar(l, l.input(i), what), DType::f32);
  };
  Value* iou_threshold = threshold(3, "iou_threshold");
  Value* score_threshold = threshold(4, "score_threshold");
  const int64_t centred = l.int_attribute("center_point_box", 0);
  if (centred != 0 && centred != 1) l.fail("center_point_box is {}, but must be 0 or 1", centred);

  const Dim per_class = b.bind(most, "boxes_per_class")[0];
  const Dim capacity = scores->shape[0] * scores->shape[1] * per_class;
  const int64_t upper = std::clamp<int64_t>(capacity.upper(), 0, INT32_MAX);
  const ir::SymbolRef selected = b.graph().new_symbol("selected_boxes", 0, upper, false);
  ir::Opaque routine;
  routine.routine = "non_max_suppression";
  routine.ints = {centred, l.optional_input(4) != nullptr ? 1 : 0};
  routine.counts = {selected};
  routine.capacity = {{capacity, 3}};
  l.output(0, b.opaque(routine, {boxes, scores, most, iou_threshold, score_threshold},
                       {{DType::i64, {Dim::symbol(selected), 3}}})[0]);
}
const RegisterOperator non_max_suppression({.name = "NonMaxSuppression",
                                            .versions = {10, 11},
                                            .types = {{"tensor(float)", kFloats, inputs(0, 1, 3, 4), kMixed},
                                                      {"tensor(int64)", kIntegers, inputs(2)}},
                                            .lower = lower_non_max_suppression});

}  // namespace
}  // namespace o2w::onnx_frontend
