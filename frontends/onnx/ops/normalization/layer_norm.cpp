// LayerNormalization, RMSNormalization and ONNX Runtime's forms of them (SimplifiedLayerNormalization and
// those with a residual).
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/normalization/moments.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// The type that mean and deviation are computed in: stash_type, but never narrower than the input.
DType stash_type(Lowering& l, const Value* x) {
  const auto type = ir::dtype_from_onnx(static_cast<int>(l.int_attribute("stash_type", 1)));
  if (!type || !ir::is_float(*type))
    l.fail("attribute stash_type is {}, expected a float type", l.int_attribute("stash_type", 1));
  return x->type == DType::f64 ? DType::f64 : ir::compute_type(*type);
}

Value* inverse_deviation_of(Lowering& l, Value* variance, double epsilon) {
  return l.b().map1(variance, [&](const Expr& e) { return inverse_root(e, epsilon); });
}

void lower_layer(Lowering& l) {
  Value* x = l.input(0);
  const auto axes = axis_range(l.axis(l.int_attribute("axis", -1), x->rank()), x->rank());
  const double epsilon = l.float_attribute("epsilon", 1e-5);
  const Moments m = moments(l, l.b().cast(x, stash_type(l, x)), axes);
  Value* inverse = inverse_deviation_of(l, m.variance, epsilon);
  l.output(0, scale_and_shift(l, m.centered, inverse, l.input(1), l.optional_input(2), x->type));
  if (l.wants_output(1)) l.output(1, m.mean);
  if (l.wants_output(2)) l.output(2, inverse);
}

// y = x / sqrt(mean(x^2) + epsilon) * scale.
void lower_rms(Lowering& l) {
  Value* x = l.input(0);
  const auto axes = axis_range(l.axis(l.int_attribute("axis", -1), x->rank()), x->rank());
  const double epsilon = l.float_attribute("epsilon", 1e-5);
  Value* wide = l.b().cast(x, stash_type(l, x));
  Value* inverse = inverse_deviation_of(l, mean_square(l, wide, axes), epsilon);
  l.output(0, scale_and_shift(l, wide, inverse, l.input(1), nullptr, x->type));
  if (l.wants_output(1)) l.output(1, inverse);  // SimplifiedLayerNormalization only
}

// com.microsoft: normalizes x + skip (+ bias) over the last axis; the sum itself is output 3.
void lower_skip(Lowering& l, bool simplified) {
  Value* x = l.input(0);
  Value* skip = l.input(1);
  Value* gamma = l.input(2);
  Value* beta = simplified ? nullptr : l.optional_input(3);
  Value* bias = l.optional_input(simplified ? 3 : 4);
  l.expect_rank(x, 1, 64, "input");
  const double epsilon = l.float_attribute("epsilon", 1e-12);
  const DType compute = ir::compute_type(x->type);
  std::vector<Value*> parts = {x, skip};
  if (bias != nullptr) parts.push_back(bias);
  Value* sum = l.b().map(compute, parts, [](std::span<const Expr> e) {
    Expr total = e[0] + e[1];
    return e.size() > 2 ? total + e[2] : total;
  });
  const std::vector<int> axes = {x->rank() - 1};
  if (simplified) {
    Value* inverse = inverse_deviation_of(l, mean_square(l, sum, axes), epsilon);
    l.output(0, scale_and_shift(l, sum, inverse, gamma, nullptr, x->type));
    // Nothing is subtracted.
    if (l.wants_output(1))
      l.output(1, l.b().map1(inverse, [&](const Expr&) { return ir::literal_of(compute, 0); }));
    if (l.wants_output(2)) l.output(2, inverse);
  } else {
    const Moments m = moments(l, sum, axes);
    Value* inverse = inverse_deviation_of(l, m.variance, epsilon);
    l.output(0, scale_and_shift(l, m.centered, inverse, gamma, beta, x->type));
    if (l.wants_output(1)) l.output(1, m.mean);
    if (l.wants_output(2)) l.output(2, inverse);
  }
  if (l.wants_output(3)) l.output(3, l.b().cast(sum, x->type));
}

const RegisterOperator layer({.name = "LayerNormalization",
                              .versions = {1, 17},
                              .types = {{"T", kFloats, inputs(0)}, {"V", kFloats, inputs(1, 2)}},
                              .lower = lower_layer});
const RegisterOperator rms({.name = "RMSNormalization",
                            .versions = {23},
                            .types = {{"T", kFloats, inputs(0)}, {"V", kFloats, inputs(1)}},
                            .lower = lower_rms});
// ONNX Runtime writes its own operator into the default domain when it saves an optimised model.
const RegisterOperator simplified({.name = "SimplifiedLayerNormalization",
                                   .versions = {1},
                                   .types = {{"T", kFloats, inputs(0)}, {"V", kFloats, inputs(1)}},
                                   .lower = lower_rms});
const RegisterOperator simplified_ms({.domain = "com.microsoft",
                                      .name = "SimplifiedLayerNormalization",
                                      .versions = {1},
                                      .types = {{"T", kFloats, inputs(0)}, {"V", kFloats, inputs(1)}},
                                      .lower = lower_rms});
const RegisterOperator skip({.domain = "com.microsoft",
                             .name = "SkipLayerNormalization",
                             .versions = {1},
                             .types = {{"T", kFloats}},
                             .lower = [](Lowering& l) { lower_skip(l, false); }});
const RegisterOperator skip_simplified({.domain = "com.microsoft",
                                        .name = "SkipSimplifiedLayerNormalization",
                                        .versions = {1},
                                        .types = {{"T", kFloats}},
                                        .lower = [](Lowering& l) { lower_skip(l, true); }});

}  // namespace
}  // namespace o2w::onnx_frontend
