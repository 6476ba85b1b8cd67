// DynamicQuantizeLinear, and the same inside of operators that quantize their input themselves.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::Value;

DynamicQuantization dynamic_parameters(Lowering& l, Value* x,
                                       const std::function<Expr(ir::Body&, ir::Builder::Indices)>& within) {
  ir::Builder& b = l.b();
  // The range always holds 0.
  const auto bound = [&](ir::Combiner combiner) {
    return b.reduce(combiner, DType::f32, {}, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const Expr element = ir::cast(DType::f32, body.at(x, {i.begin(), i.end()}));
      return within ? select(within(body, i), element, ir::literal_of(DType::f32, 0)) : element;
    });
  };
  Value* low = bound(ir::Combiner::min);
  Value* high = bound(ir::Combiner::max);
  DynamicQuantization result;
  result.scale = b.map(DType::f32, {low, high}, [](std::span<const Expr> e) {
    const Expr range = max(e[1], 0.0) - min(e[0], 0.0);
    return select(eq(range, 0.0), ir::literal_of(DType::f32, 1), range / 255.0);
  });
  result.zero_point = b.map(DType::u8, {low, result.scale}, [](std::span<const Expr> e) {
    return quantize((0.0 - min(e[0], 0.0)) / e[1], Expr(), DType::u8);
  });
  return result;
}

Value* dynamic_differences(Lowering& l, Value* x, const DynamicQuantization& parameters) {
  // Shifting by the zero point and back cancels, but for the bounds.
  return l.b().map(DType::i16, {x, parameters.scale, parameters.zero_point}, [](std::span<const Expr> e) {
    const Expr zero = ir::cast(DType::f32, e[2]);
    const Expr rounded = ir::unary(ir::ExprOp::round_even, ir::cast(DType::f32, e[0]) / e[1]);
    return ir::cast(DType::i16, min(max(rounded, 0.0 - zero), 255.0 - zero));
  });
}

namespace {

void lower_dynamic(Lowering& l) {
  Value* x = l.input(0);
  const DynamicQuantization parameters = dynamic_parameters(l, x);
  l.output(0, l.b().map(DType::u8, {x, parameters.scale, parameters.zero_point}, [](std::span<const Expr> e) {
    return quantize(ir::cast(DType::f32, e[0]) / e[1], e[2], DType::u8);
  }));
  if (l.wants_output(1)) l.output(1, parameters.scale);
  if (l.wants_output(2)) l.output(2, parameters.zero_point);
}

const RegisterOperator dynamic_quantize({.name = "DynamicQuantizeLinear",
                                         .versions = {11},
                                         .types = {{"T1", kFloat32, inputs(0)}},
                                         .lower = lower_dynamic});

}  // namespace
}  // namespace o2w::onnx_frontend
