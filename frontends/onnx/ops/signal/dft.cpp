// DFT and STFT.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/run_time_axes.h"
#include "frontends/onnx/ops/signal/fourier.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

// A size that is an input: a scalar, or a tensor of one element.
Dim size_input(Lowering& l, int k, const char* what) {
  Value* value = as_scalar(l, l.input(k), what);
  const Dim size = l.sizes(value, what)[0];
  if (size.upper() < 1) l.fail("{} is {}, expected a positive number", what, size.to_string());
  if (size.lower() < 1) {
    l.b().require(ir::Require::Relation::less_equal, 1, size, fmt::format("{} must be positive", what));
  }
  return size;
}

// The last dimension holds a real number or a complex one's parts.
const Dim& parts_of(Lowering& l, const Value* x) {
  const Dim& parts = x->shape.back();
  const std::string message =
      fmt::format("the last dimension must be 1 (real) or 2 (complex), but is {}", parts.to_string());
  if (parts.upper() < 1 || parts.lower() > 2) throw ModelError(message);
  if (parts.lower() < 1) l.b().require(ir::Require::Relation::less_equal, 1, parts, message);
  if (parts.upper() > 2) l.b().require(ir::Require::Relation::less_equal, parts, 2, message);
  return parts;
}

// A dimension of the input, to be transformed, and those around it but for the last.
struct Transformed {
  Dim before, size, behind;
  std::optional<std::size_t> axis;  // nothing: known only when the model runs, then it is `at`
  Value* at = nullptr;
};

Transformed transformed(Lowering& l, Value* x) {
  int64_t given = l.version() < 20 ? l.int_attribute("axis", 1) : -2;
  if (l.version() >= 20 && l.optional_input(2) != nullptr) {
    Value* axis = as_scalar(l, l.input(2), "axis");
    const ir::Tensor* known = l.constant(axis);
    if (known == nullptr) {
      // Counted without the last dimension, which also shifts what negative ones mean.
      Value* at = l.b().map(DType::i64, {axis}, [](std::span<const Expr> e) {
        const Expr a = ir::cast(DType::i64, e[0]);
        return ir::select(ir::lt(a, 0), a + 1, a);
      });
      const AroundAxis around = around_axis(l, leading(x->shape, x->rank() - 1), at);
      return {around.before, around.size, around.behind, std::nullopt, at};
    }
    given = known->as_int(0);
  }
  const int axis = l.axis(given, x->rank());
  if (axis == x->rank() - 1) l.fail("axis {} is that of the real and imaginary parts", given);
  return {count_along(x->shape, axis_range(0, axis)), x->shape[static_cast<std::size_t>(axis)],
          count_along(x->shape, axis_range(axis + 1, x->rank() - 1)), static_cast<std::size_t>(axis)};
}

// x's shape with `size` where it is transformed and `parts` at the end.
ir::Shape transformed_shape(Lowering& l, Value* x, const Transformed& t, const Dim& size, int64_t parts) {
  ir::Shape shape = x->shape;
  if (t.axis) {
    shape[*t.axis] = size;
  } else if (!ir::provably_equal(size, t.size)) {
    const auto dims = static_cast<int64_t>(shape.size()) - 1;
    Value* sizes = l.b().from_dims(leading(x->shape, x->rank() - 1));
    Value* changed = l.b().tabulate(DType::i64, {dims}, [&](ir::Body& body, ir::Builder::Indices i) {
      const Expr at = ir::checked_index(ir::cast(DType::index, body.at(t.at, {})), dims);
      return ir::select(ir::eq(at, i[0]), size_as(DType::i64, size), body.at(sizes, {i[0]}));
    });
    shape = l.b().bind(changed, "transformed");
    shape.emplace_back();
  }
  shape.back() = parts;
  return shape;
}

void lower_dft(Lowering& l) {
  ir::Builder& b = l.b();
  Value* x = l.input(0);
  l.expect_rank(x, 2, 64, "input");
  const bool inverse = l.int_attribute("inverse", 0) != 0, onesided = l.int_attribute("onesided", 0) != 0;
  const Dim& parts = parts_of(l, x);
  const Transformed t = transformed(l, x);
  // The inverse of a one-sided transform is real and, unless told otherwise, even in length.
  const bool to_real = inverse && onesided;
  const Dim length = l.optional_input(1) != nullptr ? size_input(l, 1, "dft_length")
                     : to_real                      ? (t.size - 1) * 2
                                                    : t.size;
  const Dim half = ir::floordiv(length, 2) + 1;
  // Longer transforms see zeros at the end, shorter ones leave out.
  const Dim used = ir::min(to_real ? half : length, t.size);
  Value* flat = b.view(x, {t.before, t.size, t.behind, parts});
  if (!ir::provably_equal(used, t.size))
    flat = b.slice(flat, {0, 0, 0, 0}, {1, 1, 1, 1}, {t.before, used, t.behind, parts});
  const Dim bins = onesided && !inverse ? half : length;
  Value* y = to_real ? real_inverse_fourier(l, flat, length) : fourier(l, flat, length, bins, inverse);
  l.output(0, b.cast(b.view(y, transformed_shape(l, x, t, bins, to_real ? 1 : 2)), x->type));
}

// Inputs: signal [batch, samples, 1 or 2], frame_step, window, frame_length. Output [batch, frames, bins, 2].
void lower_stft(Lowering& l) {
  Value* signal = l.input(0);
  if (signal->rank() == 2) signal = l.b().unsqueeze(signal, {2});
  l.expect_rank(signal, 3, 3, "signal");
  const Dim& parts = parts_of(l, signal);
  const Dim step = size_input(l, 1, "frame_step");
  Value* window = l.optional_input(2) != nullptr ? l.input(2) : nullptr;
  if (window != nullptr) l.expect_rank(window, 1, 1, "window");
  if (window == nullptr && l.optional_input(3) == nullptr) l.fail("neither window nor frame_length is given");
  const Dim length = l.optional_input(3) != nullptr ? size_input(l, 3, "frame_length") : window->shape[0];
  if (window != nullptr) require_equal(l, window->shape[0], length, "size of window and frame_length");
  l.b().require(ir::Require::Relation::less_equal, length, signal->shape[1],
                "the signal is shorter than a frame");
  const Dim frames = ir::floordiv(signal->shape[1] - length, step) + 1;
  const bool onesided = l.int_attribute("onesided", 1) != 0;
  const Dim bins = onesided ? ir::floordiv(length, 2) + 1 : length;
  const DType type = ir::compute_type(signal->type);
  Value* framed = l.b().tabulate(
      type, {signal->shape[0] * frames, length, 1, parts}, [&](ir::Body& body, ir::Builder::Indices i) {
        const Expr batch = floordiv(i[0], Expr(frames)), frame = mod(i[0], Expr(frames));
        const Expr sample = body.at(signal, {batch, frame * Expr(step) + i[1], i[3]});
        return window == nullptr ? sample : sample * ir::cast(type, body.at(window, {i[1]}));
      });
  Value* spectrum = fourier(l, framed, length, bins, false);
  l.output(0, l.b().cast(l.b().view(spectrum, {signal->shape[0], frames, bins, 2}), signal->type));
}

const RegisterOperator dft({.name = "DFT",
                            .versions = {17, 20},
                            .types = {{"T1", kFloats, inputs(0)}, {"T2", kIndices, inputs(1, 2), kMixed}},
                            .lower = lower_dft});
const RegisterOperator stft({.name = "STFT",
                             .versions = {17},
                             .types = {{"T1", kFloats, inputs(0, 2)}, {"T2", kIndices, inputs(1, 3)}},
                             .lower = lower_stft});

}  // namespace
}  // namespace o2w::onnx_frontend
