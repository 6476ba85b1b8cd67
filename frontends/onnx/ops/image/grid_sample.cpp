// GridSample: reads X at the fractional positions that a grid gives, with any number of spatial dimensions.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/image/resample.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

enum class Mode : uint8_t { linear, nearest, cubic };
enum class Padding : uint8_t { zeros, border, reflection };

struct Options {
  Mode mode = Mode::linear;
  Padding padding = Padding::zeros;
  bool align_corners = false;
};

Options options_of(Lowering& l) {
  Options options;
  const std::string mode = l.string_attribute("mode", l.version() < 20 ? "bilinear" : "linear");
  if (mode == "nearest") {
    options.mode = Mode::nearest;
  } else if (mode == "cubic" || mode == "bicubic") {
    options.mode = Mode::cubic;
  } else if (mode != "linear" && mode != "bilinear") {
    l.fail("attribute mode is '{}', expected linear, nearest or cubic", mode);
  }
  const std::string padding = l.string_attribute("padding_mode", "zeros");
  if (padding == "border") {
    options.padding = Padding::border;
  } else if (padding == "reflection") {
    options.padding = Padding::reflection;
  } else if (padding != "zeros") {
    l.fail("attribute padding_mode is '{}', expected zeros, border or reflection", padding);
  }
  options.align_corners = l.int_attribute("align_corners", 0) != 0;
  return options;
}

// The taps of one output element along one dimension: positions that are valid to read, and their weights.
struct Tap {
  Expr position, weight;
  Expr outside;  // null unless positions outside read 0
};

// Positions -1 of the grid are the first pixel's, 1 the last pixel's centre (align_corners) or edge.
Expr pixel_coordinate(const Expr& g, const Dim& size, bool align_corners) {
  const Expr pixels = size_as(g->type, size);
  const Expr x = align_corners ? (g + 1.0) / 2.0 * (pixels - 1.0) : ((g + 1.0) * pixels - 1.0) / 2.0;
  // Positions this far outside are all alike, and stay exact as integers.
  return min(max(x, -4194304.0), 4194304.0);
}

Expr valid(const Expr& position, const Dim& size, const Options& options) {
  const Expr last(size - 1);
  if (options.padding != Padding::reflection) return min(max(position, Expr(0)), last);
  // Reflection at pixel centres repeats after 2 (size - 1) pixels, at edges after 2 size.
  if (options.align_corners) {
    const Expr around = mod(position, Expr((size - 1) * Dim(2)));
    return min(around, Expr((size - 1) * Dim(2)) - around);
  }
  const Expr around = mod(position, Expr(size * Dim(2)));
  return min(around, Expr(size * Dim(2) - 1) - around);
}

std::vector<Tap> taps_of(const Expr& g, const Dim& size, const Options& options) {
  const Expr x = pixel_coordinate(g, size, options.align_corners);
  const Expr one = ir::literal_of(x->type, 1);
  std::vector<Expr> weights;
  Expr first;
  if (options.mode == Mode::nearest) {
    first = ir::cast(DType::index, ir::unary(ExprOp::round_even, x));
    weights = {one};
  } else {
    const Expr base = ir::unary(ExprOp::floor, x), fraction = x - base;
    first = ir::cast(DType::index, base);
    if (options.mode == Mode::linear) {
      weights = {one - fraction, fraction};
    } else {
      weights = cubic_weights(fraction, -0.75);
      first = first - Expr(1);
    }
  }
  std::vector<Tap> taps;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const Expr position = first + Expr(static_cast<int64_t>(k));
    Tap tap{valid(position, size, options), weights[k], Expr()};
    if (options.padding == Padding::zeros) tap.outside = lt(position, Expr(0)) || ge(position, Expr(size));
    taps.push_back(tap);
  }
  return taps;
}

void lower(Lowering& l) {
  Value* x = l.input(0);
  Value* grid = l.input(1);
  const Options options = options_of(l);
  l.expect_rank(x, 3, l.version() < 20 ? 4 : 64, "input X");
  l.expect_rank(grid, x->rank(), x->rank(), "grid");
  const int spatial = x->rank() - 2;
  if (options.mode == Mode::cubic && spatial > 3)
    l.fail("mode cubic is supported for up to 3 spatial dimensions");
  if (spatial > 6) l.fail("{} spatial dimensions are not supported, expected at most 6", spatial);
  require_equal(l, grid->shape.front(), x->shape.front(), "batches of X and grid");
  require_equal(l, grid->shape.back(), spatial, "last size of grid and spatial dimensions");
  ir::Shape shape = leading(x->shape, 2);
  shape.insert(shape.end(), grid->shape.begin() + 1, grid->shape.end() - 1);
  for (int d = 0; d < spatial; ++d) {
    const Dim& size = x->shape[static_cast<std::size_t>(d + 2)];
    if (size.lower() < 1)
      l.b().require(ir::Require::Relation::less_equal, 1, size, "a spatial dimension of X is empty");
  }
  const DType compute = ir::compute_type(x->type);
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<std::vector<Tap>> taps;
    for (int d = 0; d < spatial; ++d) {
      std::vector<Expr> at = {i[0]};
      at.insert(at.end(), i.begin() + 2, i.end());
      at.emplace_back(spatial - 1 - d);  // the grid's last dimension is x, y, z
      const Expr g = ir::cast(compute, body.at(grid, std::move(at)));
      taps.push_back(taps_of(g, x->shape[static_cast<std::size_t>(d + 2)], options));
    }
    std::vector<Expr> indices = {i[0], i[1]};
    // Innermost dimension first, as ONNX Runtime's bicubic does.
    const std::function<Expr(int, Expr)> interpolate = [&](int d, Expr outside) {
      if (d == spatial) {
        const Expr value = body.at(x, indices);
        return outside ? select(outside, ir::literal_of(compute, 0), value) : value;
      }
      Expr sum;
      for (const Tap& tap : taps[static_cast<std::size_t>(d)]) {
        indices.push_back(tap.position);
        Expr out = outside;
        if (tap.outside) out = out ? out || tap.outside : tap.outside;
        const Expr value = interpolate(d + 1, out);
        const Expr term = options.mode == Mode::nearest ? value : value * tap.weight;
        sum = sum ? sum + term : term;
        indices.pop_back();
      }
      return sum;
    };
    return interpolate(0, Expr());
  }));
}

const RegisterOperator grid_sample({.name = "GridSample",
                                    .versions = {16, 20, 22},
                                    .types = {{"T1", kFloats, inputs(0)}, {"T2", kFloats, inputs(1)}},
                                    .lower = lower});
// As torch exported it before ONNX had it.
const RegisterOperator ms_grid_sample({.domain = "com.microsoft",
                                       .name = "GridSample",
                                       .versions = {1},
                                       .types = {{"T1", kFloats, inputs(0)}, {"T2", kFloats, inputs(1)}},
                                       .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
