#include "frontends/onnx/ops/image/resample.h"

#include <cmath>

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

namespace {

Expr real(const Expr& e) { return ir::cast(DType::f32, e); }
Expr real(const Dim& d) { return size_as(DType::f32, d); }
Expr integer(const Expr& e) { return ir::cast(DType::index, e); }

Expr clamp_index(const Expr& position, const Dim& size) {
  return min(max(position, Expr(0)), Expr(size - 1));
}

// `general` unless the axis has one output position, for which the formula is `single`.
Expr unless_single(const Dim& out, const Expr& single, const Expr& general) {
  if (out.is(1)) return single;
  if (out.lower() > 1) return general;
  return select(gt(Expr(out), Expr(1)), general, single);
}

}  // namespace

Expr ResampledAxis::coordinate(ir::Body& body, const Expr& position) const {
  const Expr x = real(position);
  const Expr zero = ir::literal_of(DType::f32, 0);
  switch (coordinates) {
    case Coordinates::half_pixel:
      return (x + 0.5) / scale(body) - 0.5;
    case Coordinates::half_pixel_symmetric: {
      // The whole grid is centred when the rounded output size does not fit the scale.
      const Expr adjustment = real(out) / (scale(body) * real(in));
      return real(in) / 2.0 * (1.0 - adjustment) + (x + 0.5) / scale(body) - 0.5;
    }
    case Coordinates::pytorch_half_pixel:
      return unless_single(out, zero, (x + 0.5) / scale(body) - 0.5);
    case Coordinates::align_corners:
      return unless_single(out, zero, x * real(in - 1) / (real_out(body) - 1.0));
    case Coordinates::asymmetric:
      return x / scale(body);
    case Coordinates::tf_half_pixel_for_nn:
      return (x + 0.5) / scale(body);
    case Coordinates::tf_crop_and_resize: {
      const Expr start = roi_start(body), end = roi_end(body), last = real(in - 1);
      return unless_single(out, (start + end) * last * 0.5,
                           start * last + x * (end - start) * last / real(out - 1));
    }
  }
  fail_internal("unknown coordinate transformation");
}

Expr ResampledAxis::outside(ir::Body& body, const Expr& position) const {
  const Expr x = coordinate(body, position);
  return lt(x, 0.0) || gt(x, real(in - 1));
}

Expr ResampledAxis::real_out(ir::Body& body) const {
  const bool exact = sized || (known_scale && *known_scale == std::floor(*known_scale));
  return exact ? real(out) : real(in) * scale(body);
}

bool ResampledAxis::is_identity() const {
  return coordinates != Coordinates::tf_crop_and_resize && ir::provably_equal(in, out) &&
         (!known_scale || *known_scale == 1);
}

Expr ResampledAxis::nearest(ir::Body& body, const Expr& position, Nearest mode) const {
  if (is_identity()) return position;
  const bool rounds = mode == Nearest::round_prefer_floor || mode == Nearest::round_prefer_ceil;
  const bool enlarges_evenly = known_scale && *known_scale >= 1 && *known_scale == std::floor(*known_scale) &&
                               *known_scale <= 65536 &&
                               ir::provably_equal(out, in * Dim(static_cast<int64_t>(*known_scale)));
  // Enlarging by a whole factor repeats pixels, and then the position is a plain quotient.
  if (enlarges_evenly &&
      ((coordinates == Coordinates::asymmetric && (mode == Nearest::floor || mode == Nearest::simple)) ||
       ((coordinates == Coordinates::half_pixel || coordinates == Coordinates::pytorch_half_pixel) &&
        rounds))) {
    return floordiv(position, Expr(static_cast<int64_t>(*known_scale)));
  }
  const Expr x = coordinate(body, position);
  const Expr low = ir::unary(ExprOp::floor, x);
  Expr chosen;
  switch (mode) {
    case Nearest::floor:
      chosen = low;
      break;
    case Nearest::ceil:
      chosen = ir::unary(ExprOp::ceil, x);
      break;
    case Nearest::round_prefer_floor:
      chosen = select(gt(x - low, 0.5), low + 1.0, low);
      break;
    case Nearest::round_prefer_ceil:
      chosen = select(ge(x - low, 0.5), low + 1.0, low);
      break;
    case Nearest::simple:
      if (known_scale) {
        chosen = *known_scale < 1 ? ir::unary(ExprOp::ceil, x) : low;
      } else {
        chosen = select(lt(scale(body), 1.0), ir::unary(ExprOp::ceil, x), low);
      }
      break;
  }
  return clamp_index(integer(chosen), in);
}

std::vector<Expr> cubic_weights(const Expr& fraction, double a) {
  const auto far = [&](const Expr& d) { return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a; };  // 1 < d < 2
  const auto near = [&](const Expr& d) { return (d * (a + 2) - (a + 3)) * d * d + 1.0; };     // d <= 1
  return {far(fraction + 1.0), near(fraction), near(1.0 - fraction), far(2.0 - fraction)};
}

namespace {

class Resampler {
 public:
  Resampler(Lowering& l, Value* x, const ResampledAxis& axis, const FilterOptions& options)
      : l_(l),
        x_(x),
        axis_(axis),
        options_(options),
        type_(ir::is_float(x->type) ? ir::compute_type(x->type) : DType::f32),
        shape_(x->shape),
        at_(static_cast<std::size_t>(axis.axis)) {
    shape_[at_] = axis.out;
  }

  Value* linear() {
    return tabulate([&](ir::Body& body, ir::Builder::Indices i) {
      const Expr x = min(max(axis_.coordinate(body, i[at_]), 0.0), real(axis_.in - 1));
      const Expr low = integer(x);
      const Expr high = min(low + Expr(1), Expr(axis_.in - 1));
      const Expr weight = ir::cast(type_, x - real(low));
      return read(body, i, low) * (1.0 - weight) + read(body, i, high) * weight;
    });
  }

  Value* cubic() {
    return tabulate([&](ir::Body& body, ir::Builder::Indices i) {
      const Expr x = axis_.coordinate(body, i[at_]);
      const Expr base = ir::unary(ExprOp::floor, x);
      auto weights = cubic_weights(x - base, options_.cubic_coefficient);
      Expr sum, total;
      for (int k = 0; k < 4; ++k) {
        const Expr position = integer(base) + Expr(k - 1);
        Expr weight = weights[static_cast<std::size_t>(k)];
        if (options_.exclude_outside) {
          weight = select(inside(position), weight, ir::literal_of(DType::f32, 0));
          total = k == 0 ? weight : total + weight;
        }
        const Expr term = read(body, i, clamp_index(position, axis_.in)) * ir::cast(type_, weight);
        sum = k == 0 ? term : sum + term;
      }
      return options_.exclude_outside ? sum / ir::cast(type_, total) : sum;
    });
  }

  // The filter stretched by 1 / scale, its weights made to sum to 1.
  Value* stretched() {
    const int support = options_.filter == Filter::linear ? 1 : 2;
    Dim half;
    if (axis_.known_scale) {
      half = static_cast<int64_t>(std::ceil(support / std::min(*axis_.known_scale, 1.0)));
    } else {
      // One more than the sizes say: a scale that the model computes may be slightly smaller than their
      // ratio.
      half = ir::ceildiv(axis_.in, ir::max(axis_.out, 1)) * Dim(support) + 1;
    }
    const Dim taps = half * Dim(2);
    const auto position = [&](ir::Body& body, const Expr& out, const Expr& tap) {
      return integer(ir::unary(ExprOp::floor, axis_.coordinate(body, out))) + Expr(Dim(1) - half) + tap;
    };
    const auto weight = [&](ir::Body& body, const Expr& out, const Expr& tap) {
      const Expr shrink = min(axis_.scale(body), 1.0);
      const Expr at = position(body, out, tap);
      const Expr w = filter((real(at) - axis_.coordinate(body, out)) * shrink);
      return options_.exclude_outside ? select(inside(at), w, ir::literal_of(DType::f32, 0)) : w;
    };
    Value* totals =
        l_.b().reduce(ir::Combiner::sum, DType::f32, {axis_.out}, {taps},
                      [&](ir::Body& body, ir::Builder::Indices i) { return weight(body, i[0], i[1]); });
    Value* sums =
        l_.b().reduce(ir::Combiner::sum, type_, shape_, {taps}, [&](ir::Body& body, ir::Builder::Indices i) {
          const Expr at = clamp_index(position(body, i[at_], i.back()), axis_.in);
          return read(body, i.first(i.size() - 1), at) * ir::cast(type_, weight(body, i[at_], i.back()));
        });
    return tabulate([&](ir::Body& body, ir::Builder::Indices i) {
      return body.at(sums, {i.begin(), i.end()}) / ir::cast(type_, body.at(totals, {i[at_]}));
    });
  }

 private:
  Value* tabulate(const std::function<Expr(ir::Body&, ir::Builder::Indices)>& make) {
    return l_.b().tabulate(type_, shape_, make);
  }

  Expr read(ir::Body& body, ir::Builder::Indices i, const Expr& position) const {
    std::vector<Expr> indices(i.begin(), i.end());
    indices[at_] = position;
    return ir::cast(type_, body.at(x_, std::move(indices)));
  }

  Expr inside(const Expr& position) const { return ge(position, Expr(0)) && lt(position, Expr(axis_.in)); }

  // The kernel at distance d (in output pixels where shrinking).
  Expr filter(const Expr& distance) const {
    const Expr d = ir::unary(ExprOp::abs, distance);
    const Expr zero = ir::literal_of(DType::f32, 0);
    if (options_.filter == Filter::linear) return max(1.0 - d, 0.0);
    const double a = options_.cubic_coefficient;
    const Expr near = (d * (a + 2) - (a + 3)) * d * d + 1.0;
    const Expr far = ((d * a - 5 * a) * d + 8 * a) * d - 4 * a;
    return select(le(d, 1.0), near, select(lt(d, 2.0), far, zero));
  }

  Lowering& l_;
  Value* x_;
  const ResampledAxis& axis_;
  const FilterOptions& options_;
  DType type_;
  ir::Shape shape_;
  std::size_t at_;
};

}  // namespace

Value* resample(Lowering& l, Value* x, const ResampledAxis& axis, const FilterOptions& options) {
  Resampler resampler(l, x, axis, options);
  if (options.antialias && !(axis.known_scale && *axis.known_scale >= 1)) return resampler.stretched();
  return options.filter == Filter::linear ? resampler.linear() : resampler.cubic();
}

}  // namespace o2w::onnx_frontend
