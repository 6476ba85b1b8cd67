// Window functions of signal processing: sums of cosines of the position.
#include <numbers>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;

// a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N)
void lower_window(Lowering& l, double a0, double a1, double a2) {
  const DType type =
      element_type(l, l.int_attribute("output_datatype", ir::onnx_code(DType::f32)), "output_datatype");
  const std::vector<ir::Dim> sizes = l.sizes(l.input(0), "window");
  if (sizes.size() != 1) l.fail("the window's size must be a scalar");
  const ir::Dim period = l.int_attribute("periodic", 1) != 0 ? sizes[0] : sizes[0] - 1;
  l.output(0, l.b().tabulate(type, {sizes[0]}, [&](ir::Body&, ir::Builder::Indices i) {
    const auto real = [](const Expr& e) { return ir::cast(DType::f64, e); };
    const Expr angle = real(i[0]) * (2 * std::numbers::pi) / real(period);
    const auto cos = [](const Expr& x) { return ir::unary(ir::ExprOp::cos, x); };
    Expr value = Expr(a0) - cos(angle) * a1;
    if (a2 != 0) value = value + cos(angle * 2.0) * a2;
    return ir::cast(ir::compute_type(type), value);
  }));
}

const RegisterOperator windows[] = {
    RegisterOperator({.name = "HannWindow",
                      .versions = {17},
                      .types = {{"T1", kIndices, inputs(0)}, {"T2", kNumeric, outputs(0)}},
                      .lower = [](Lowering& l) { lower_window(l, 0.5, 0.5, 0); }}),
    RegisterOperator({.name = "HammingWindow",
                      .versions = {17},
                      .types = {{"T1", kIndices, inputs(0)}, {"T2", kNumeric, outputs(0)}},
                      .lower = [](Lowering& l) { lower_window(l, 25.0 / 46, 21.0 / 46, 0); }}),
    RegisterOperator({.name = "BlackmanWindow",
                      .versions = {17},
                      .types = {{"T1", kIndices, inputs(0)}, {"T2", kNumeric, outputs(0)}},
                      .lower = [](Lowering& l) { lower_window(l, 0.42, 0.5, 0.08); }}),
};

}  // namespace
}  // namespace o2w::onnx_frontend
