#include "frontends/onnx/ops/reduction/reduced_axes.h"

#include <numeric>

#include "frontends/onnx/ops/run_time_axes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;

ReducedAxes::ReducedAxes(Lowering& l, int version_with_input) : lowering_(&l) {
  const ir::Value* x = l.input(0);
  shape_ = x->shape;
  const int rank = x->rank();
  // No axes mean all, unless the node asks for none.
  const bool all_if_empty = l.int_attribute("noop_with_empty_axes", 0) == 0;
  std::optional<std::vector<int64_t>> axes;
  ir::Value* input = l.version() >= version_with_input ? l.optional_input(1) : nullptr;
  if (!input) {
    axes = l.ints_attribute("axes", {});
  } else if (input->rank() <= 1 && ir::element_count(input->shape).is(0)) {
    axes.emplace();
  } else if (l.input(1); l.known_sizes(input)) {
    axes = l.constant_ints(input, "axes");
  }
  if (axes) {
    if (axes->empty() && all_if_empty) {
      known_.resize(static_cast<std::size_t>(rank));
      std::iota(known_.begin(), known_.end(), 0);
    } else {
      known_ = l.axes(*axes, rank);
    }
    return;
  }

  mask_ = axis_mask(l, input, rank);
  const Dim count = ir::element_count(input->shape);
  axis_count_ = count.constant();
  if (!axis_count_ && all_if_empty) {
    mask_ = l.b().map(DType::boolean, {mask_},
                      [&](std::span<const Expr> e) { return e[0] || ir::eq(Expr(count), 0); });
  }
  ir::Value* sizes = l.b().from_dims(shape_);
  const auto choose = [&](bool reduced) {
    return l.b().bind(l.b().map(DType::i64, {mask_, sizes},
                                [&](std::span<const Expr> e) {
                                  return reduced ? ir::select(e[0], e[1], 1)
                                                 : ir::select(e[0], ir::literal_int(DType::i64, 1), e[1]);
                                }),
                      reduced ? "reduced" : "kept");
  };
  kept_ = choose(false);
  extents_ = choose(true);
}

ir::Value* ReducedAxes::reduce(Combiner combiner, ir::Value* x, bool keep_dims,
                               const std::function<Expr(const Expr&)>& before) {
  ir::Builder& b = lowering_->b();
  if (!mask_) return b.reduce_axes(combiner, x, known_, keep_dims, before);
  const std::size_t rank = shape_.size();
  ir::Value* result =
      b.reduce(combiner, x->type, kept_, extents_, [&](ir::Body& body, ir::Builder::Indices i) {
        // One of the two is 0 where the dimension is reduced, the other where it is kept.
        std::vector<Expr> position;
        for (std::size_t d = 0; d < rank; ++d) position.push_back(i[d] + i[rank + d]);
        const Expr element = body.at(x, position);
        return before ? before(element) : element;
      });
  return keep_dims ? result : drop(result);
}

ir::Value* ReducedAxes::drop(ir::Value* reduced) {
  if (!mask_) return lowering_->b().squeeze(reduced, known_);
  if (!axis_count_) {
    lowering_->fail(
        "the number of axes decides the output's rank, but is only known when the model runs; use keepdims = "
        "1");
  }
  const int64_t left = static_cast<int64_t>(shape_.size()) - *axis_count_;
  if (left < 0) lowering_->fail("{} axes for a tensor of rank {}", *axis_count_, shape_.size());
  return lowering_->b().view(reduced, unmasked_sizes(*lowering_, shape_, mask_, static_cast<int>(left)));
}

Dim ReducedAxes::count() const {
  if (mask_) return ir::element_count(extents_);
  Dim count = 1;
  for (const int axis : known_) count *= shape_[static_cast<std::size_t>(axis)];
  return count;
}

}  // namespace o2w::onnx_frontend
