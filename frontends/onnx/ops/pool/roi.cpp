// RoiAlign and MaxRoiPool: pooling inside regions of interest.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

int64_t positive(Lowering& l, const char* name, int64_t otherwise) {
  const int64_t value = l.int_attribute(name, otherwise);
  if (value < 1 || value > 65536) l.fail("attribute {} is {}, expected 1..65536", name, value);
  return value;
}

// One region on one axis of the feature map.
struct Side {
  Expr start, bin;  // in pixels; size of one output bin
  Expr samples;     // sampling points per bin (index)
};

// Where ONNX leaves sampling_ratio 0, the number of points depends on the region: ceil(size / bins).
Side side_of(const Expr& low, const Expr& high, double scale, bool half_pixel, int64_t bins, int64_t ratio) {
  const Expr shift = Expr(half_pixel ? 0.5 : 0.0);
  Side side;
  side.start = low * scale - shift;
  Expr size = high * scale - shift - side.start;
  if (!half_pixel) size = max(size, 1.0);
  side.bin = size / static_cast<double>(bins);
  side.samples =
      ratio > 0 ? Expr(ratio) : max(ir::cast(DType::index, ir::unary(ExprOp::ceil, side.bin)), Expr(0));
  return side;
}

// Bilinear interpolation on one axis: the two pixels and the upper one's weight (Caffe2's and ONNX Runtime's
// RoiAlign: points further than a pixel outside give 0).
struct Tap {
  Expr low, high, fraction, outside;
};
Tap tap_at(const Expr& position, const Dim& size) {
  const Expr real_size = size_as(DType::f32, size);
  Tap tap;
  tap.outside = lt(position, -1.0) || gt(position, real_size);
  const Expr inner = min(max(position, 0.0), real_size - 1.0);
  tap.low = ir::cast(DType::index, inner);
  tap.high = min(tap.low + Expr(1), Expr(size - 1));
  tap.fraction = inner - ir::cast(DType::f32, tap.low);
  return tap;
}

void lower_roi_align(Lowering& l) {
  Value* x = l.input(0);
  Value* rois = l.input(1);
  Value* batch = l.input(2);
  l.expect_rank(x, 4, 4, "input X");
  l.expect_rank(rois, 2, 2, "rois");
  l.expect_rank(batch, 1, 1, "batch_indices");
  require_equal(l, rois->shape[1], 4, "entries of a region");
  require_equal(l, rois->shape[0], batch->shape[0], "numbers of regions and of batch_indices");
  const int64_t height = positive(l, "output_height", 1), width = positive(l, "output_width", 1);
  const int64_t ratio = l.int_attribute("sampling_ratio", 0);
  if (ratio < 0 || ratio > 4096) l.fail("attribute sampling_ratio is {}, expected 0..4096", ratio);
  const double scale = l.float_attribute("spatial_scale", 1);
  const std::string mode = l.string_attribute("mode", "avg");
  if (mode != "avg" && mode != "max") l.fail("attribute mode is '{}', expected avg or max", mode);
  const bool half_pixel =
      l.version() >= 16 && l.string_attribute("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const bool average = mode == "avg";

  const auto side = [&](ir::Body& body, const Expr& roi, bool vertical) {
    const auto corner = [&](int k) { return ir::cast(DType::f32, body.at(rois, {roi, Expr(k)})); };
    return side_of(corner(vertical ? 1 : 0), corner(vertical ? 3 : 2), scale, half_pixel,
                   vertical ? height : width, ratio);
  };
  // The loops over samples run to the largest region's count; the guard leaves out what smaller regions do
  // not have.
  Dim most_h = ratio, most_w = ratio;
  if (ratio == 0) {
    Value* counts =
        l.b().tabulate(DType::i64, {rois->shape[0], 2}, [&](ir::Body& body, ir::Builder::Indices i) {
          const Side vertical = side(body, i[0], true), horizontal = side(body, i[0], false);
          return ir::cast(DType::i64, select(eq(i[1], Expr(0)), vertical.samples, horizontal.samples));
        });
    Value* largest = l.b().reduce_axes(ir::Combiner::max, counts, {0}, false);
    const auto most = l.sizes(largest, "roi_samples");
    for (const Dim& count : most) {
      l.b().require(ir::Require::Relation::less_equal, count, 4096,
                    "a region is too large for sampling_ratio 0");
    }
    most_h = most[0];
    most_w = most[1];
  }
  const ir::Shape shape = {rois->shape[0], x->shape[1], height, width};
  // Indices: region, channel, row, column, sample row, sample column.
  const auto sample = [&](ir::Body& body, ir::Builder::Indices i) {
    const Side v = side(body, i[0], true), h = side(body, i[0], false);
    const auto at = [](const Side& s, const Expr& out, const Expr& in_bin) {
      return s.start + ir::cast(DType::f32, out) * s.bin +
             (ir::cast(DType::f32, in_bin) + 0.5) * s.bin / ir::cast(DType::f32, s.samples);
    };
    const Tap ty = tap_at(at(v, i[2], i[4]), x->shape[2]), tx = tap_at(at(h, i[3], i[5]), x->shape[3]);
    const Expr image = ir::checked_index(ir::cast(DType::index, body.at(batch, {i[0]})), x->shape[0]);
    const auto pixel = [&](const Expr& row, const Expr& column) {
      return ir::cast(DType::f32, body.at(x, {image, i[1], row, column}));
    };
    const Expr one_y = 1.0 - ty.fraction, one_x = 1.0 - tx.fraction;
    const Expr a = pixel(ty.low, tx.low) * (one_y * one_x),
               b = pixel(ty.low, tx.high) * (one_y * tx.fraction);
    const Expr c = pixel(ty.high, tx.low) * (ty.fraction * one_x),
               d = pixel(ty.high, tx.high) * (ty.fraction * tx.fraction);
    // ONNX defines mode max as the largest of the weighted corners, not of the interpolated values.
    const Expr value = average ? a + b + c + d : max(max(a, b), max(c, d));
    return select(ty.outside || tx.outside, ir::literal_of(DType::f32, 0), value);
  };
  const auto in_grid = [&](ir::Body& body, ir::Builder::Indices i) {
    return lt(i[4], side(body, i[0], true).samples) && lt(i[5], side(body, i[0], false).samples);
  };
  Value* pooled = l.b().reduce(
      average ? ir::Combiner::sum : ir::Combiner::max, DType::f32, shape, {most_h, most_w}, sample,
      ratio == 0 ? std::function<Expr(ir::Body&, ir::Builder::Indices)>(in_grid) : nullptr);
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr value = body.at(pooled, {i.begin(), i.end()});
    const Expr points = side(body, i[0], true).samples * side(body, i[0], false).samples;
    if (average)
      return ir::cast(ir::compute_type(x->type), value / ir::cast(DType::f32, max(points, Expr(1))));
    return ir::cast(ir::compute_type(x->type),
                    select(gt(points, Expr(0)), value, ir::literal_of(DType::f32, 0)));
  }));
}

// Bins of whole pixels as in Fast R-CNN: region corners are rounded, bin k covers floor(k * size / bins) ..
// ceil((k + 1) * size / bins).
void lower_max_roi_pool(Lowering& l) {
  Value* x = l.input(0);
  Value* rois = l.input(1);
  l.expect_rank(x, 4, 4, "input X");
  l.expect_rank(rois, 2, 2, "rois");
  require_equal(l, rois->shape[1], 5, "entries of a region (batch index and corners)");
  const auto pooled = l.ints_attribute("pooled_shape", {});
  if (pooled.size() != 2 || pooled[0] < 1 || pooled[1] < 1)
    l.fail("attribute pooled_shape must hold two positive sizes");
  const double scale = l.float_attribute("spatial_scale", 1);
  const auto corner = [&](ir::Body& body, const Expr& roi, int k) {
    const Expr scaled = ir::cast(DType::f32, body.at(rois, {roi, Expr(k)})) * scale;
    // round() of C: halves away from zero.
    const Expr rounded = ir::unary(ExprOp::floor, ir::unary(ExprOp::abs, scaled) + 0.5);
    return ir::cast(DType::index, select(lt(scaled, 0.0), -rounded, rounded));
  };
  // First pixel and end of a bin on one axis, clipped to the map.
  const auto bin = [&](ir::Body& body, const Expr& roi, int axis, const Expr& k) {
    const Expr start = corner(body, roi, axis == 0 ? 2 : 1), last = corner(body, roi, axis == 0 ? 4 : 3);
    const int64_t bins = pooled[static_cast<std::size_t>(axis)];
    const Expr size = ir::cast(DType::f32, max(last - start + Expr(1), Expr(1))) / static_cast<double>(bins);
    const Dim& limit = x->shape[static_cast<std::size_t>(2 + axis)];
    const auto clip = [&](const Expr& e) {
      return min(max(ir::cast(DType::index, e) + start, Expr(0)), Expr(limit));
    };
    const Expr real = ir::cast(DType::f32, k);
    return std::pair(clip(ir::unary(ExprOp::floor, real * size)),
                     clip(ir::unary(ExprOp::ceil, (real + 1.0) * size)));
  };
  const ir::Shape shape = {rois->shape[0], x->shape[1], pooled[0], pooled[1]};
  const auto inside = [&](ir::Body& body, ir::Builder::Indices i) {
    const auto [top, bottom] = bin(body, i[0], 0, i[2]);
    const auto [left, right] = bin(body, i[0], 1, i[3]);
    return ge(i[4], top) && lt(i[4], bottom) && ge(i[5], left) && lt(i[5], right);
  };
  Value* largest = l.b().reduce(
      ir::Combiner::max, x->type, shape, {x->shape[2], x->shape[3]},
      [&](ir::Body& body, ir::Builder::Indices i) {
        const Expr image = ir::cast(DType::index, body.at(rois, {i[0], Expr(0)}));
        return body.at(x, {ir::checked_index(image, x->shape[0]), i[1], i[4], i[5]});
      },
      inside);
  // An empty bin is 0.
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto [top, bottom] = bin(body, i[0], 0, i[2]);
    const auto [left, right] = bin(body, i[0], 1, i[3]);
    const Expr value = body.at(largest, {i.begin(), i.end()});
    return select(lt(top, bottom) && lt(left, right), value, ir::literal_of(ir::compute_type(x->type), 0));
  }));
}

const RegisterOperator roi_align({.name = "RoiAlign",
                                  .versions = {10, 16, 22},
                                  .types = {{"T1", kFloats, inputs(0, 1)}, {"T2", kInt64, inputs(2)}},
                                  .lower = lower_roi_align});
const RegisterOperator max_roi_pool(
    {.name = "MaxRoiPool", .versions = {1, 22}, .types = {{"T", kFloats}}, .lower = lower_max_roi_pool});

}  // namespace
}  // namespace o2w::onnx_frontend
