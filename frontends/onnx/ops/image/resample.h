// Resampling one axis at a time: where an output position lies in the input, and the values interpolated
// there.
//
// Formulas: ONNX operators.md, "Resize" (coordinate_transformation_mode, nearest_mode, mode); computed in f32
// in the order that ONNX Runtime computes them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

enum class Coordinates : uint8_t {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize
};
// `simple` is what version 10 and Upsample do: down when enlarging, up when shrinking.
enum class Nearest : uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil, simple };
enum class Filter : uint8_t { linear, cubic };

// A scalar that may have to be read from a tensor of the model.
using ScalarSource = std::function<ir::Expr(ir::Body&)>;

// One resized axis.
struct ResampledAxis {
  int axis = 0;
  ir::Dim in, out;
  ScalarSource scale;  // f32
  std::optional<double> known_scale;
  bool sized = false;               // the sizes were given, scale is their ratio
  ScalarSource roi_start, roi_end;  // f32; tf_crop_and_resize only
  Coordinates coordinates = Coordinates::half_pixel;

  // The unclamped input coordinate (f32) of an output position.
  ir::Expr coordinate(ir::Body& body, const ir::Expr& position) const;
  // Whether the coordinate lies outside of the input.
  ir::Expr outside(ir::Body& body, const ir::Expr& position) const;
  // The input position that nearest-neighbour sampling reads; always valid.
  ir::Expr nearest(ir::Body& body, const ir::Expr& position, Nearest mode) const;
  // out as the formulas of coordinates mean it: in * scale before it was rounded down to a size, where scales
  // are given.
  ir::Expr real_out(ir::Body& body) const;
  // Nothing is resampled: out == in at scale 1.
  bool is_identity() const;
};

struct FilterOptions {
  Filter filter = Filter::linear;
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
};

// x with one axis resampled, in x's compute type.
ir::Value* resample(Lowering& l, ir::Value* x, const ResampledAxis& axis, const FilterOptions& options);

// The weights of the four taps at -1, 0, 1, 2 around a point with this fraction (Keys 1981; `a` is the free
// coefficient).
std::vector<ir::Expr> cubic_weights(const ir::Expr& fraction, double a);

}  // namespace o2w::onnx_frontend
