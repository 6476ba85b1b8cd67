// Experimental operators of ONNX 1.0 and 1.1 that ONNX has removed and ONNX Runtime still runs: models
// converted from Caffe and Core ML in those days carry them.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

const RegisterOperator affine(
    {.name = "Affine", .versions = {1}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 1), beta = l.float_attribute("beta", 0);
       l.output(0, l.b().map1(l.input(0), [&](const Expr& x) { return x * alpha + beta; }));
     }});

const RegisterOperator scale(
    {.name = "Scale", .versions = {1}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double factor = l.float_attribute("scale", 1);
       l.output(0, l.b().map1(l.input(0), [&](const Expr& x) { return x * factor; }));
     }});

// alpha * log(1 + e^(beta x)), without overflow.
const RegisterOperator parametric_softplus(
    {.name = "ParametricSoftplus", .versions = {1}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 1), beta = l.float_attribute("beta", 1);
       l.output(0, l.b().map1(l.input(0), [&](const Expr& x) {
         const Expr y = x * beta;
         return (max(y, 0.0) + ir::unary(ExprOp::log1p, ir::unary(ExprOp::exp, -ir::unary(ExprOp::abs, y)))) *
                alpha;
       }));
     }});

const RegisterOperator scaled_tanh(
    {.name = "ScaledTanh", .versions = {1}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       const double alpha = l.float_attribute("alpha", 1), beta = l.float_attribute("beta", 1);
       l.output(0, l.b().map1(l.input(0),
                              [&](const Expr& x) { return ir::unary(ExprOp::tanh, x * beta) * alpha; }));
     }});

// scale * x + bias[channel].
const RegisterOperator image_scaler(
    {.name = "ImageScaler", .versions = {1}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       Value* x = l.input(0);
       l.expect_rank(x, 4, 4, "the input");
       const double factor = l.float_attribute("scale", 1);
       const auto bias = l.floats_attribute("bias", {});
       const auto channels = static_cast<int64_t>(bias.size());
       require_equal(l, x->shape[1], channels, "channels and entries of the attribute bias");
       ir::Tensor numbers(ir::DType::f32, {channels});
       for (int64_t c = 0; c < channels; ++c) numbers.set_double(c, bias[static_cast<std::size_t>(c)]);
       Value* shift = l.b().constant(std::move(numbers));
       l.output(0, l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
         const ir::DType type = ir::compute_type(x->type);
         return body.at(x, {i.begin(), i.end()}) * factor + ir::cast(type, body.at(shift, {i[1]}));
       }));
     }});

// Takes `border` (left, top, right, bottom) off a picture; with `scale` (height, width) that much is kept
// right of and below the left and top border.
void lower_crop(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 4, 4, "the input");
  const auto border = l.ints_attribute("border", {}), size = l.ints_attribute("scale", {});
  if (border.size() != 4) l.fail("attribute border has {} entries, expected 4", border.size());
  if (!size.empty() && size.size() != 2) l.fail("attribute scale has {} entries, expected 2", size.size());
  const auto kept = [&](std::size_t d, int64_t before, int64_t after, std::size_t k) {
    if (before < 0 || after < 0) l.fail("attribute border has a negative entry");
    const Dim rest = size.empty() ? x->shape[d] - Dim(before) - Dim(after) : Dim(size[k]);
    l.b().require(ir::Require::Relation::less_equal, 0, rest, "the borders overlap");
    l.b().require(ir::Require::Relation::less_equal, rest + Dim(before), x->shape[d],
                  "the crop reaches out of the picture");
    return rest;
  };
  ir::Shape shape = x->shape;
  shape[2] = kept(2, border[1], border[3], 0);
  shape[3] = kept(3, border[0], border[2], 1);
  l.output(0, l.b().slice(x, {0, 0, border[1], border[0]}, {1, 1, 1, 1}, shape));
}
const RegisterOperator crop(
    {.name = "Crop", .versions = {1}, .types = {{"T", kFloats}}, .lower = lower_crop});

}  // namespace
}  // namespace o2w::onnx_frontend
