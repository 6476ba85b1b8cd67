// DeformConv: a convolution whose window has every position moved by an offset that the model computes, and
// maybe weighted by a mask. The input is interpolated linearly at those positions, then it is a matrix
// product.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/common/window.h"
#include "frontends/onnx/ops/conv/convolution.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;
using Indices = ir::Builder::Indices;

// x [N, C, spatial..] at a position of numbers, linearly interpolated; 0 outside.
Expr interpolated(ir::Body& body, Value* x, const Expr& n, const Expr& channel, const std::vector<Expr>& at) {
  const DType type = ir::compute_type(x->type);
  Expr sum = ir::literal_of(type, 0);
  for (std::size_t corner = 0; corner < std::size_t{1} << at.size(); ++corner) {
    Expr weight = ir::literal_of(type, 1), inside = ir::literal_bool(true);
    std::vector<Expr> place = {n, channel};
    for (std::size_t d = 0; d < at.size(); ++d) {
      const bool upper = ((corner >> d) & 1U) != 0;
      const Expr low = ir::unary(ExprOp::floor, at[d]), fraction = at[d] - low;
      const Expr here = upper ? low + 1.0 : low;
      weight = weight * (upper ? fraction : ir::literal_of(type, 1) - fraction);
      inside = inside && ir::ge(here, 0.0) && ir::lt(here, size_as(type, x->shape[d + 2]));
      place.push_back(ir::cast(DType::index, here));
    }
    sum = sum + ir::select(inside, weight * body.at(x, place), ir::literal_of(type, 0));
  }
  return sum;
}

void lower_deform_conv(Lowering& l) {
  ir::Builder& b = l.b();
  Value *x = l.input(0), *w = l.input(1), *offsets = l.input(2);
  Value* mask = l.optional_input(4);
  l.expect_rank(x, 3, 6, "input X");
  l.expect_rank(w, x->rank(), x->rank(), "weights W");
  l.expect_rank(offsets, x->rank(), x->rank(), "the offsets");
  const int64_t group = l.int_attribute("group", 1), offset_group = l.int_attribute("offset_group", 1);
  if (group < 1 || offset_group < 1) l.fail("group and offset_group are {} and {}", group, offset_group);
  const ir::Shape kernel = trailing(w->shape, 2);
  const Window window = window_of(l, trailing(x->shape, 2), WindowUse::convolution, &kernel);
  const auto n = static_cast<std::size_t>(window.rank());
  const Dim channels = x->shape[1], batch = x->shape[0];
  require_equal(l, channels, w->shape[1] * Dim(group), "channels of X and of W times group");
  const Dim maps = divide_exactly(l, w->shape[0], group, "output channels by group");
  const Dim sharing = divide_exactly(l, channels, offset_group, "channels by offset_group");
  const Dim taps = ir::element_count(window.kernel), points = ir::element_count(window.output);
  const auto check = [&](Value* value, const Dim& per_tap, const char* what) {
    l.expect_rank(value, x->rank(), x->rank(), what);
    require_equal(l, value->shape[0], batch, fmt::format("batch of {} and X", what));
    require_equal(l, value->shape[1], taps * Dim(offset_group) * per_tap,
                  fmt::format("channels of {}", what));
    for (std::size_t d = 0; d < n; ++d)
      require_equal(l, value->shape[d + 2], window.output[d],
                    fmt::format("spatial sizes of {} and the output", what));
  };
  check(offsets, static_cast<int64_t>(n), "the offsets");
  if (mask != nullptr) check(mask, 1, "the mask");

  // [N, C, window.., output..]: what the window sees.
  const DType type = ir::compute_type(x->type);
  ir::Shape shape = {batch, channels};
  shape.insert(shape.end(), window.kernel.begin(), window.kernel.end());
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  Value* seen = b.tabulate(type, shape, [&](ir::Body& body, Indices i) {
    Expr tap = Expr(0);
    for (std::size_t d = 0; d < n; ++d) tap = tap * Expr(window.kernel[d]) + i[2 + d];
    const Expr of_group =
        (offset_group == 1 ? Expr(0) : ir::floordiv(i[1], Expr(sharing))) * Expr(taps) + tap;
    const auto moved_by = [&](Value* value, const Expr& channel) {
      std::vector<Expr> where = {i[0], channel};
      where.insert(where.end(), i.begin() + static_cast<std::ptrdiff_t>(2 + n), i.end());
      return ir::cast(type, body.at(value, where));
    };
    std::vector<Expr> at;
    for (std::size_t d = 0; d < n; ++d) {
      const Expr grid = window.position(static_cast<int>(d), i[2 + n + d], i[2 + d]);
      const Expr channel = of_group * Expr(static_cast<int64_t>(n)) + Expr(static_cast<int64_t>(d));
      at.push_back(ir::cast(type, grid) + moved_by(offsets, channel));
    }
    const Expr value = interpolated(body, x, i[0], i[1], at);
    return mask == nullptr ? value : value * moved_by(mask, of_group);
  });
  const Dim depth = w->shape[1] * taps;
  Value* y = b.einsum(b.view(seen, {batch, group, depth, points}),
                      b.view(b.cast(w, type), {group, maps, depth}), "ngkp", "gmk", "ngmp", type);
  ir::Shape result = {batch, w->shape[0]};
  result.insert(result.end(), window.output.begin(), window.output.end());
  l.output(0, add_channel_bias(l, b.view(y, result), l.optional_input(3), x->type));
}
const RegisterOperator deform_conv(
    {.name = "DeformConv", .versions = {19, 22}, .types = {{"T", kFloats}}, .lower = lower_deform_conv});

}  // namespace
}  // namespace o2w::onnx_frontend
