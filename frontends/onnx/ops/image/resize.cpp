// Resize and Upsample.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/image/resample.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

// p / q with the smallest q for which it rounds to `scale` in f32 (continued fractions): what the author of a
// scale like 0.7 meant. Nothing when that takes a q above `limit`.
std::optional<std::pair<int64_t, int64_t>> as_fraction(float scale, int64_t limit) {
  int64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0;
  double rest = scale;
  for (int k = 0; k < 32; ++k) {
    const double whole = std::floor(rest);
    if (whole > 1e6) return std::nullopt;
    const auto a = static_cast<int64_t>(whole);
    const int64_t p2 = a * p1 + p0, q2 = a * q1 + q0;
    if (q2 > limit) return std::nullopt;
    if (static_cast<float>(static_cast<double>(p2) / static_cast<double>(q2)) == scale)
      return std::pair(p2, q2);
    if (rest == whole) return std::nullopt;
    rest = 1 / (rest - whole);
    p0 = std::exchange(p1, p2);
    q0 = std::exchange(q1, q2);
  }
  return std::nullopt;
}

// floor(size * scale). ONNX Runtime multiplies in f32, which for sizes that are not known yet is the exact
// product with the fraction that the f32 stands for.
Dim scaled_size(Lowering& l, const Dim& size, double scale) {
  const auto narrow = static_cast<float>(scale);
  if (!(narrow > 0) || narrow > 1e6F)
    l.fail("a scale is {}, expected a positive number up to 1000000", scale);
  if (auto known = size.constant()) return static_cast<int64_t>(static_cast<float>(*known) * narrow);
  if (auto fraction = as_fraction(narrow, 1 << 16)) {
    return ir::floordiv(size * Dim(fraction->first), fraction->second);
  }
  constexpr int64_t one = int64_t{1} << 24;
  return ir::floordiv(size * Dim(static_cast<int64_t>(std::floor(static_cast<double>(narrow) * one))), one);
}

// A 1-D tensor of exactly `count` entries; null when it is absent or the empty placeholder that exporters
// write.
Value* vector_input(Lowering& l, int k, std::size_t count, const char* what) {
  Value* value = l.optional_input(k);
  if (value == nullptr) return nullptr;
  l.expect_rank(value, 1, 1, what);
  if (value->shape[0].is(0)) return nullptr;
  const Dim expected = static_cast<int64_t>(count);
  if (ir::provably_equal(value->shape[0], expected)) return value;
  require_equal(l, value->shape[0], expected, what);
  return l.b().slice(value, {0}, {1}, {expected});
}

// The value that goes with an attribute's text.
template <typename T, std::size_t n>
T named(Lowering& l, const std::array<std::pair<const char*, T>, n>& names, const char* attribute,
        const char* otherwise) {
  const std::string given = l.string_attribute(attribute, otherwise);
  for (const auto& [name, value] : names) {
    if (given == name) return value;
  }
  l.fail("attribute {} is '{}', which is not defined", attribute, given);
}

class ResizeLowering {
 public:
  explicit ResizeLowering(Lowering& l)
      : l_(l), x_(l.input(0)), legacy_(l.node().op_type == "Upsample" || l.version() < 11) {}

  void run() {
    read_modes();
    choose_axes();
    read_roi();
    if (legacy_) {
      sizes_from_scales(upsample_scales());
    } else {
      Value* scales = vector_input(l_, 2, axes_.size(), "scales");
      Value* sizes = vector_input(l_, 3, axes_.size(), "sizes");
      if (sizes != nullptr) {
        given_sizes(sizes);
      } else if (scales != nullptr) {
        sizes_from_scales(scales);
      } else {
        l_.fail("neither scales nor sizes are given");
      }
    }
    for (ResampledAxis& axis : axes_) {
      if (axis.is_identity()) continue;
      if (axis.in.lower() < 1)
        l_.b().require(ir::Require::Relation::less_equal, 1, axis.in, "a resized dimension is empty");
      resized_.push_back(&axis);
    }
    l_.output(0, nearest_ ? nearest() : interpolate());
  }

 private:
  void read_modes() {
    const std::string mode = l_.string_attribute("mode", "nearest");
    nearest_ = mode == "nearest";
    if (mode == "cubic" && !legacy_) {
      options_.filter = Filter::cubic;
    } else if (!nearest_ && mode != "linear" && mode != "bilinear") {
      l_.fail("attribute mode is '{}', expected nearest, linear{}", mode, legacy_ ? "" : " or cubic");
    }
    if (legacy_) {
      coordinates_ = Coordinates::asymmetric;
      rounding_ = Nearest::simple;
      return;
    }
    using NamedCoordinates = std::pair<const char*, Coordinates>;
    constexpr std::array<NamedCoordinates, 7> transformations = {
        {{"half_pixel", Coordinates::half_pixel},
         {"half_pixel_symmetric", Coordinates::half_pixel_symmetric},
         {"pytorch_half_pixel", Coordinates::pytorch_half_pixel},
         {"align_corners", Coordinates::align_corners},
         {"asymmetric", Coordinates::asymmetric},
         {"tf_half_pixel_for_nn", Coordinates::tf_half_pixel_for_nn},
         {"tf_crop_and_resize", Coordinates::tf_crop_and_resize}}};
    coordinates_ = named(l_, transformations, "coordinate_transformation_mode", "half_pixel");
    using NamedRounding = std::pair<const char*, Nearest>;
    constexpr std::array<NamedRounding, 4> roundings = {{{"round_prefer_floor", Nearest::round_prefer_floor},
                                                         {"round_prefer_ceil", Nearest::round_prefer_ceil},
                                                         {"floor", Nearest::floor},
                                                         {"ceil", Nearest::ceil}}};
    rounding_ = named(l_, roundings, "nearest_mode", "round_prefer_floor");
    options_.cubic_coefficient = l_.float_attribute("cubic_coeff_a", -0.75);
    options_.exclude_outside = l_.int_attribute("exclude_outside", 0) != 0;
    options_.antialias = l_.int_attribute("antialias", 0) != 0;
  }

  // Since version 18 `axes` may say which dimensions scales, sizes and roi are about (in its order).
  void choose_axes() {
    const auto listed = l_.ints_attribute("axes", {});
    std::vector<int> numbers;
    for (int64_t axis : listed) {
      const int number = l_.axis(axis, x_->rank());
      if (std::find(numbers.begin(), numbers.end(), number) != numbers.end())
        l_.fail("attribute axes repeats {}", axis);
      numbers.push_back(number);
    }
    if (numbers.empty()) numbers = axis_range(0, x_->rank());
    for (int number : numbers) {
      ResampledAxis axis;
      axis.axis = number;
      axis.in = x_->shape[static_cast<std::size_t>(number)];
      axis.coordinates = coordinates_;
      axes_.push_back(axis);
    }
  }

  void read_roi() {
    if (coordinates_ != Coordinates::tf_crop_and_resize) return;
    Value* roi = vector_input(l_, 1, 2 * axes_.size(), "roi");
    if (roi == nullptr) l_.fail("coordinate_transformation_mode tf_crop_and_resize needs the input roi");
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      const auto entry = [roi](std::size_t position) {
        return [roi, position](ir::Body& body) {
          return ir::cast(DType::f32, body.at(roi, {Expr(static_cast<int64_t>(position))}));
        };
      };
      axes_[k].roi_start = entry(k);
      axes_[k].roi_end = entry(axes_.size() + k);
    }
  }

  Value* upsample_scales() {
    if (l_.node().op_type == "Upsample" && l_.version() < 9) {
      // Version 1 has images only.
      const auto given = l_.version() == 1 ? std::vector<double>{1, 1, l_.float_attribute("height_scale"),
                                                                 l_.float_attribute("width_scale")}
                                           : l_.floats_attribute("scales", {});
      ir::Tensor scales(DType::f32, {static_cast<int64_t>(given.size())});
      for (std::size_t k = 0; k < given.size(); ++k) scales.set_double(static_cast<int64_t>(k), given[k]);
      if (given.size() != axes_.size())
        l_.fail("attribute scales has {} entries, expected {}", given.size(), axes_.size());
      return l_.b().constant(std::move(scales));
    }
    Value* scales = vector_input(l_, 1, axes_.size(), "scales");
    if (scales == nullptr) l_.fail("the input scales is missing or empty");
    return scales;
  }

  void sizes_from_scales(Value* scales) {
    if (!ir::is_float(scales->type))
      l_.fail("scales are of type {}, expected float32", ir::user_name(scales->type));
    if (const ir::Tensor* known = l_.constant(scales)) {
      for (std::size_t k = 0; k < axes_.size(); ++k) {
        const double scale = known->as_double(static_cast<int64_t>(k));
        axes_[k].out = scaled_size(l_, axes_[k].in, scale);
        axes_[k].known_scale = scale;
        axes_[k].scale = [scale](ir::Body&) { return ir::literal_of(DType::f32, scale); };
      }
      return;
    }
    std::vector<Value*> parts;
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      axes_[k].scale = [scales, k](ir::Body& body) {
        return ir::cast(DType::f32, body.at(scales, {Expr(static_cast<int64_t>(k))}));
      };
      parts.push_back(l_.b().tabulate(DType::i64, {1}, [&](ir::Body& body, ir::Builder::Indices) {
        const Expr product = size_as(DType::f32, axes_[k].in) * axes_[k].scale(body);
        return ir::cast(DType::i64, ir::unary(ir::ExprOp::floor, product));
      }));
    }
    const auto sizes = l_.sizes(parts.size() == 1 ? parts[0] : l_.b().concat(parts, 0), "resized");
    for (std::size_t k = 0; k < axes_.size(); ++k) axes_[k].out = sizes[k];
  }

  void given_sizes(Value* sizes) {
    if (!ir::is_integer(sizes->type))
      l_.fail("sizes are of type {}, expected int64", ir::user_name(sizes->type));
    auto wanted = l_.sizes(sizes, "resized");
    const std::string policy = l_.string_attribute("keep_aspect_ratio_policy", "stretch");
    if (policy == "not_larger" || policy == "not_smaller") {
      keep_aspect_ratio(wanted, policy == "not_larger");
      return;
    }
    if (policy != "stretch")
      l_.fail("attribute keep_aspect_ratio_policy is '{}', which is not defined", policy);
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      const Dim in = axes_[k].in, out = wanted[k];
      if (out.upper() < 0) l_.fail("sizes has the entry {}, expected a size", out.to_string());
      axes_[k].out = out;
      axes_[k].sized = true;
      axes_[k].scale = [in, out](ir::Body&) { return size_ratio(out, in); };
      if (in.is_constant() && out.is_constant() && in.value() > 0) {
        axes_[k].known_scale = static_cast<float>(out.value()) / static_cast<float>(in.value());
      } else if (auto factor = in.is(0) ? std::nullopt : out.exact_div(in); factor && factor->is_constant()) {
        axes_[k].known_scale = static_cast<double>(factor->value());
      }
    }
  }

  // One scale for all axes: the smallest or largest of those that the sizes ask for; sizes are rounded halves
  // up.
  void keep_aspect_ratio(const std::vector<Dim>& wanted, bool smallest) {
    bool known = true;
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      known = known && wanted[k].is_constant() && axes_[k].in.is_constant() && axes_[k].in.value() > 0;
    }
    if (known) {
      float scale = 0;
      for (std::size_t k = 0; k < axes_.size(); ++k) {
        const float one = static_cast<float>(wanted[k].value()) / static_cast<float>(axes_[k].in.value());
        scale = k == 0 ? one : (smallest ? std::min(scale, one) : std::max(scale, one));
      }
      for (ResampledAxis& axis : axes_) {
        axis.out = static_cast<int64_t>(std::floor(scale * static_cast<float>(axis.in.value()) + 0.5F));
        axis.known_scale = scale;
        axis.scale = [scale](ir::Body&) { return ir::literal_of(DType::f32, scale); };
      }
      return;
    }
    const std::vector<ResampledAxis> axes = axes_;
    const auto scale = [axes, wanted, smallest](ir::Body&) {
      Expr chosen;
      for (std::size_t k = 0; k < axes.size(); ++k) {
        const Expr one = size_ratio(wanted[k], axes[k].in);
        chosen = k == 0 ? one : (smallest ? min(chosen, one) : max(chosen, one));
      }
      return chosen;
    };
    std::vector<Value*> parts;
    for (ResampledAxis& axis : axes_) {
      axis.scale = scale;
      parts.push_back(l_.b().tabulate(DType::i64, {1}, [&](ir::Body& body, ir::Builder::Indices) {
        const Expr product = size_as(DType::f32, axis.in) * scale(body);
        return ir::cast(DType::i64, ir::unary(ir::ExprOp::floor, product + 0.5));
      }));
    }
    const auto sizes = l_.sizes(parts.size() == 1 ? parts[0] : l_.b().concat(parts, 0), "resized");
    for (std::size_t k = 0; k < axes_.size(); ++k) axes_[k].out = sizes[k];
  }

  ir::Shape output_shape() const {
    ir::Shape shape = x_->shape;
    for (const ResampledAxis& axis : axes_) shape[static_cast<std::size_t>(axis.axis)] = axis.out;
    return shape;
  }

  // `value`, or extrapolation_value where a coordinate lies outside of the input (tf_crop_and_resize).
  Expr extrapolated(ir::Body& body, ir::Builder::Indices i, const Expr& value) {
    if (coordinates_ != Coordinates::tf_crop_and_resize) return value;
    Expr outside;
    for (const ResampledAxis* axis : resized_) {
      const Expr one = axis->outside(body, i[static_cast<std::size_t>(axis->axis)]);
      outside = outside ? outside || one : one;
    }
    if (outside.get() == nullptr) return value;
    return select(outside, literal_number(value->type, l_.float_attribute("extrapolation_value", 0)), value);
  }

  Value* nearest() {
    if (resized_.empty()) return x_;
    return l_.b().tabulate(x_->type, output_shape(), [&](ir::Body& body, ir::Builder::Indices i) {
      std::vector<Expr> indices(i.begin(), i.end());
      for (const ResampledAxis* axis : resized_) {
        const auto k = static_cast<std::size_t>(axis->axis);
        indices[k] = axis->nearest(body, i[k], rounding_);
      }
      return extrapolated(body, i, body.at(x_, std::move(indices)));
    });
  }

  // Axis by axis: every pass but that of the last axis reads along unchanged rows.
  Value* interpolate() {
    if (resized_.empty()) return x_;
    if (!ir::is_integer(x_->type) && !ir::is_float(x_->type)) {
      l_.fail("the input is of type {}, which cannot be interpolated; use mode nearest",
              ir::user_name(x_->type));
    }
    Value* y = x_;
    for (const ResampledAxis* axis : resized_) y = resample(l_, y, *axis, options_);
    if (coordinates_ != Coordinates::tf_crop_and_resize) return l_.b().cast(y, x_->type);
    return l_.b().tabulate(x_->type, y->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      return ir::cast(ir::compute_type(x_->type), extrapolated(body, i, body.at(y, {i.begin(), i.end()})));
    });
  }

  Lowering& l_;
  Value* x_;
  bool legacy_;  // Upsample, and Resize 10: no coordinate transformation
  bool nearest_ = true;
  Coordinates coordinates_ = Coordinates::half_pixel;
  Nearest rounding_ = Nearest::round_prefer_floor;
  FilterOptions options_;
  std::vector<ResampledAxis> axes_;
  std::vector<const ResampledAxis*> resized_;
};

void lower(Lowering& l) { ResizeLowering(l).run(); }

const RegisterOperator resize({.name = "Resize",
                               .versions = {10, 11, 13, 18, 19},
                               .types = {{"T1", kMovable, inputs(0)},
                                         {"T2", kFloats, inputs(1)},
                                         {"scales", kFloat32, inputs(2)},
                                         {"sizes", kInt64, inputs(3)}},
                               .lower = lower});
const RegisterOperator upsample({.name = "Upsample",
                                 .versions = {1, 7, 9},
                                 .types = {{"T", kMovable, inputs(0)}, {"scales", kFloat32, inputs(1)}},
                                 .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
