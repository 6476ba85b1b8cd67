// com.microsoft QGemm: alpha * op(A) op(B) + C of quantized matrices, to f32 or requantized.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/linear/integer_product.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// Inputs: A, a_scale, a_zero_point, B, b_scale, b_zero_point, C (i32, in units of a_scale * b_scale),
// y_scale, y_zero_point.
void lower(Lowering& l) {
  Value* a = l.input(0);
  Value* b = l.input(3);
  Value* c = l.optional_input(6);
  Value* y_scale = l.optional_input(7);
  Value* y_zero = l.optional_input(8);
  l.expect_rank(a, 2, 2, "input A");
  l.expect_rank(b, 2, 2, "input B");
  l.expect_rank(l.input(1), 0, 1, "the scale of A");
  l.expect_rank(l.input(4), 0, 1, "the scale of B");
  if (l.int_attribute("transA", 0) != 0) a = l.b().transpose(a, {1, 0});
  if (l.int_attribute("transB", 0) != 0) b = l.b().transpose(b, {1, 0});
  Value* sums = integer_product(l, a, l.input(2), b, l.input(5));
  if (c != nullptr) {
    l.expect_rank(c, 0, 2, "input C");
    for (std::size_t d = 0; d < c->shape.size(); ++d) {
      l.b().require(ir::Require::Relation::broadcastable, c->shape[d], sums->shape[2 - c->shape.size() + d],
                    fmt::format("input C of shape {} does not broadcast to {}", ir::to_string(c->shape),
                                ir::to_string(sums->shape)));
    }
    sums = l.b().tabulate(DType::i32, sums->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      return body.at(sums, {i[0], i[1]}) + body.at(c, ir::Builder::broadcast_read(c, sums->shape, i));
    });
  }
  Value* factors = column_factors(l, l.float_attribute("alpha", 1), l.input(1), l.input(4), y_scale);
  if (factors == nullptr) l.fail("the scales of A and Y must have one element");
  const DType type = y_scale == nullptr ? DType::f32 : y_zero != nullptr ? y_zero->type : a->type;
  l.output(0, l.b().tabulate(type, sums->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr units =
        ir::cast(DType::f32, body.at(sums, {i[0], i[1]})) * column_parameter(body, factors, sums->shape, i);
    return y_scale == nullptr ? units : quantize(units, only_element(body, y_zero), type);
  }));
}

const RegisterOperator qgemm({.domain = "com.microsoft",
                              .name = "QGemm",
                              .versions = {1},
                              .types = {{"T", kFloat32, inputs(1, 4, 7)},
                                        {"TA", kBytes, inputs(0, 2)},
                                        {"TB", kBytes, inputs(3, 5)},
                                        {"TC", {DType::i32}, inputs(6)},
                                        {"TYZ", kBytes, inputs(8)}},
                              .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
