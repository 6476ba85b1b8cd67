// MelWeightMatrix: triangular filters, evenly spaced on the mel scale, over the bins of a spectrogram.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

// Inputs (scalars): num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz.
void lower(Lowering& l) {
  std::vector<Value*> inputs;
  for (int k = 0; k < 5; ++k) {
    inputs.push_back(as_scalar(l, k < 3 ? l.input(k) : l.input(k), "an input of MelWeightMatrix"));
  }
  const Dim filters = l.sizes(inputs[0], "num_mel_bins")[0], length = l.sizes(inputs[1], "dft_length")[0];
  const DType type = element_type(l, l.int_attribute("output_datatype", 1), "output_datatype");
  if (!ir::is_float(type) && !ir::is_integer(type))
    l.fail("attribute output_datatype is {}", ir::user_name(type));
  constexpr double log10_e = 0.43429448190325182765, ln_10 = 2.30258509299404568402;
  const auto mel = [&](const Expr& hertz) {
    return ir::unary(ExprOp::log, hertz / 700.0 + 1.0) * (2595.0 * log10_e);
  };
  // The spectrogram bin of each filter's edges: filter i rises from edge i to i + 1 and falls to i + 2.
  Value* edges = l.b().tabulate(DType::i64, {filters + 2}, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr low = mel(ir::cast(DType::f64, body.at(inputs[3], {}))),
               high = mel(ir::cast(DType::f64, body.at(inputs[4], {})));
    const Expr at = ir::cast(DType::f64, i[0]) * ((high - low) / size_as(DType::f64, filters + 2)) + low;
    const Expr hertz = (ir::unary(ExprOp::exp, at * (ln_10 / 2595.0)) - 1.0) * 700.0;
    const Expr bin = hertz * size_as(DType::f64, length + 1) / ir::cast(DType::f64, body.at(inputs[2], {}));
    return ir::cast(DType::i64, ir::unary(ExprOp::floor, bin));
  });
  const ir::Shape shape = {ir::floordiv(length, 2) + 1, filters};
  l.output(0, l.b().tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr bin = ir::cast(DType::i64, i[0]);
    const Expr low = body.at(edges, {i[1]}), centre = body.at(edges, {i[1] + Expr(1)}),
               high = body.at(edges, {i[1] + Expr(2)});
    const auto ratio = [](const Expr& a, const Expr& b) {
      return ir::cast(DType::f64, a) / ir::cast(DType::f64, b);
    };
    const Expr zero = ir::literal_of(DType::f64, 0), one = ir::literal_of(DType::f64, 1);
    const Expr rising = select(eq(low, centre), select(eq(bin, centre), one, zero),
                               select(ge(bin, low) && le(bin, centre), ratio(bin - low, centre - low), zero));
    const Expr weight = select(ge(bin, centre) && lt(bin, high), ratio(high - bin, high - centre), rising);
    return ir::cast(ir::compute_type(type), weight);
  }));
}

const RegisterOperator mel_weight_matrix({.name = "MelWeightMatrix",
                                          .versions = {17},
                                          .types = {{"T1", kIndices, inputs(0, 1, 2)},
                                                    {"T2", kFloats, inputs(3, 4)},
                                                    {"T3", kNumeric, outputs(0)}},
                                          .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
