#include "frontends/onnx/ops/conv/convolution.h"

#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/common/window.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::Expr;
using ir::Value;

Value* convolve(Lowering& l, Value* x, Value* w, ir::DType type) {
  l.expect_rank(x, 3, 64, "input X");
  l.expect_rank(w, x->rank(), x->rank(), "weights W");
  const int64_t group = l.int_attribute("group", 1);
  if (group < 1 || group > INT32_MAX) l.fail("attribute group is {}, expected 1..{}", group, INT32_MAX);
  const ir::Shape kernel = trailing(w->shape, 2);
  const Window window = window_of(l, trailing(x->shape, 2), WindowUse::convolution, &kernel);
  require_equal(l, x->shape[1], w->shape[1] * Dim(group), "channels of X and of W times group");
  divide_exactly(l, w->shape[0], group, "output channels by group");
  ir::Shape shape = {x->shape[0], w->shape[0]};
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  ir::Convolution attributes;
  attributes.strides = window.strides;
  attributes.dilations = window.dilations;
  attributes.pads_begin = window.pads_begin;
  attributes.group = group;
  return l.b().convolution(x, w, std::move(attributes), std::move(shape), type);
}

Value* add_channel_bias(Lowering& l, Value* y, Value* bias, ir::DType type) {
  if (bias == nullptr) return l.b().cast(y, type);
  l.expect_rank(bias, 1, 1, "bias B");
  require_equal(l, bias->shape[0], y->shape[1], "size of the bias and output channels");
  return l.b().tabulate(type, y->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return body.at(y, {i.begin(), i.end()}) + ir::cast(ir::compute_type(y->type), body.at(bias, {i[1]}));
  });
}

}  // namespace o2w::onnx_frontend
