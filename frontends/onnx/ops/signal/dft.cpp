// DFT and STFT.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
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

int64_t parts_of(Lowering& l, const Value* x) {
  const auto parts = x->shape.back().constant();
  if (parts && (*parts == 1 || *parts == 2)) return *parts;
  l.fail("the last dimension is {}, expected 1 (real) or 2 (complex), known when compiling",
         x->shape.back().to_string());
}

void lower_dft(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 2, 64, "input");
  int64_t given = l.version() < 20 ? l.int_attribute("axis", 1) : -2;
  if (l.version() >= 20 && l.optional_input(2) != nullptr) {
    const auto axes = l.constant_ints(l.input(2), "axis");
    if (axes.size() != 1) l.fail("axis has {} entries, expected one", axes.size());
    given = axes[0];
  }
  const int axis = l.axis(given, x->rank());
  if (axis == x->rank() - 1) l.fail("axis {} is that of the real and imaginary parts", given);
  const bool inverse = l.int_attribute("inverse", 0) != 0, onesided = l.int_attribute("onesided", 0) != 0;
  if (inverse && onesided) l.fail("attributes inverse and onesided must not both be set");
  const auto a = static_cast<std::size_t>(axis);
  parts_of(l, x);
  const Dim length = l.optional_input(1) != nullptr ? size_input(l, 1, "dft_length") : x->shape[a];
  const Dim bins = onesided ? ir::floordiv(length, 2) + 1 : length;
  ir::Shape shape = x->shape;
  shape[a] = ir::min(length, x->shape[a]);  // longer transforms see zeros at the end, shorter ones leave out
  Value* used = shape[a] == x->shape[a] ? x
                                        : l.b().slice(x, std::vector<Dim>(shape.size(), 0),
                                                      std::vector<int64_t>(shape.size(), 1), shape);
  const Dim before = count_along(shape, axis_range(0, axis));
  const Dim after = count_along(shape, axis_range(axis + 1, x->rank() - 1));
  Value* flat = l.b().view(used, {before, shape[a], after, shape.back()});
  shape[a] = bins;
  shape.back() = 2;
  l.output(0, l.b().cast(l.b().view(fourier(l, flat, length, bins, inverse), shape), x->type));
}

// Inputs: signal [batch, samples, 1 or 2], frame_step, window, frame_length. Output [batch, frames, bins, 2].
void lower_stft(Lowering& l) {
  Value* signal = l.input(0);
  if (signal->rank() == 2) signal = l.b().unsqueeze(signal, {2});
  l.expect_rank(signal, 3, 3, "signal");
  const int64_t parts = parts_of(l, signal);
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
                            .limits = "axis must be constant; inverse one-sided transforms are not supported",
                            .types = {{"T1", kFloats, inputs(0)}, {"T2", kIndices, inputs(1, 2), kMixed}},
                            .lower = lower_dft});
const RegisterOperator stft({.name = "STFT",
                             .versions = {17},
                             .types = {{"T1", kFloats, inputs(0, 2)}, {"T2", kIndices, inputs(1, 3)}},
                             .lower = lower_stft});

}  // namespace
}  // namespace o2w::onnx_frontend
