// com.microsoft.CropAndResize: regions of pictures, given by corners relative to the picture, resized to one
// size (TensorFlow's crop_and_resize; corners are aligned).
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

// A position along one side, in the picture's pixels.
Expr position_of(const Expr& first, const Expr& last, const Expr& index, const Dim& picture,
                 const Dim& crop) {
  const Expr far = size_as(DType::f32, picture - 1);
  const Expr step = (last - first) * far / size_as(DType::f32, ir::max(crop - 1, 1));
  const Expr inner = first * far + ir::cast(DType::f32, index) * step;
  // The last one exactly at the corner.
  const Expr along = select(eq(index, Expr(crop - 1)), last * far, inner);
  const Expr middle = (first + last) * 0.5 * far;
  return crop.is(1) ? middle : crop.lower() > 1 ? along : select(eq(Expr(crop), 1), middle, along);
}

void lower(Lowering& l) {
  Value* x = l.input(0);
  Value* rois = l.input(1);
  Value* images = l.input(2);
  l.expect_rank(x, 4, 4, "input X");
  l.expect_rank(rois, 2, 2, "rois");
  l.expect_rank(images, 1, 1, "batch_indices");
  require_equal(l, rois->shape[1], 4, "entries of a region");
  require_equal(l, rois->shape[0], images->shape[0], "numbers of regions and of batch_indices");
  const std::vector<Dim> size = sizes_input(l, 3, 2, "crop");
  const std::string mode = l.string_attribute("mode", "bilinear");
  if (mode != "bilinear" && mode != "nearest")
    l.fail("attribute mode is '{}', expected bilinear or nearest", mode);
  const double outside = l.float_attribute("extrapolation_value", 0);
  const Dim height = x->shape[2], width = x->shape[3];
  const ir::Shape shape = {rois->shape[0], x->shape[1], size[0], size[1]};
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto corner = [&](int k) { return ir::cast(DType::f32, body.at(rois, {i[0], Expr(k)})); };
    const Expr y = position_of(corner(0), corner(2), i[2], height, size[0]);
    const Expr column = position_of(corner(1), corner(3), i[3], width, size[1]);
    const Expr image = ir::checked_index(ir::cast(DType::index, body.at(images, {i[0]})), x->shape[0]);
    // Positions outside of the picture are not read, but may be computed.
    const auto pixel = [&](const Expr& row, const Expr& at) {
      const auto within = [](const Expr& e, const Dim& extent) {
        return max(min(ir::cast(DType::index, e), Expr(extent - 1)), 0);
      };
      return ir::cast(DType::f32, body.at(x, {image, i[1], within(row, height), within(at, width)}));
    };
    const auto unary = [](ExprOp op, const Expr& e) { return ir::unary(op, e); };
    Expr value;
    if (mode == "nearest") {
      value = pixel(unary(ExprOp::floor, y + 0.5), unary(ExprOp::floor, column + 0.5));
    } else {
      const Expr top = unary(ExprOp::floor, y), left = unary(ExprOp::floor, column);
      const Expr bottom = unary(ExprOp::ceil, y), right = unary(ExprOp::ceil, column);
      const auto between = [&](const Expr& row) {
        const Expr first = pixel(row, left);
        return first + (pixel(row, right) - first) * (column - left);
      };
      const Expr upper = between(top);
      value = upper + (between(bottom) - upper) * (y - top);
    }
    const Expr inside = ge(y, 0.0) && le(y, size_as(DType::f32, height - 1)) && ge(column, 0.0) &&
                        le(column, size_as(DType::f32, width - 1));
    return ir::cast(ir::compute_type(x->type), select(inside, value, ir::literal_of(DType::f32, outside)));
  }));
}

const RegisterOperator crop_and_resize({.domain = "com.microsoft",
                                        .name = "CropAndResize",
                                        .versions = {1},
                                        .types = {{"T1", kFloats, inputs(0, 1)},
                                                  {"T2", {DType::i32}, inputs(2, 3)}},
                                        .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
