// QuantizeLinear and DequantizeLinear.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/float8.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/parameters.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// How scale and zero point are spread over x.
class Granularity {
 public:
  Granularity(Lowering& l, const Value* x, const Value* scale) {
    const int64_t block = l.int_attribute("block_size", 0);
    if (block < 0 || block > INT32_MAX) l.fail("attribute block_size is {}, expected 0 or more", block);
    bool one = true;
    for (const ir::Dim& size : scale->shape) one = one && size.is(1);
    if (one && block == 0 && scale->rank() <= 1) return;
    axis_ = l.axis(l.int_attribute("axis", 1), x->rank());
    const auto a = static_cast<std::size_t>(axis_);
    if (block == 0) {
      l.expect_rank(scale, 1, 1, "scale (per axis)");
      require_equal(l, scale->shape[0], x->shape[a], "size of the scale and of the quantized axis");
      return;
    }
    l.expect_rank(scale, x->rank(), x->rank(), "scale (blocked)");
    for (std::size_t d = 0; d < scale->shape.size(); ++d) {
      require_equal(l, scale->shape[d], d == a ? ir::ceildiv(x->shape[d], block) : x->shape[d],
                    "shape of the blocked scale");
    }
    block_ = block;
  }

  Expr at(ir::Body& body, Value* parameter, ir::Builder::Indices i) const {
    if (axis_ < 0) return body.at(parameter, std::vector<Expr>(parameter->shape.size(), Expr(0)));
    const auto a = static_cast<std::size_t>(axis_);
    if (block_ == 0) return vector_or_scalar_at(body, parameter, i[a]);
    std::vector<Expr> indices(i.begin(), i.end());
    indices[a] = floordiv(indices[a], Expr(block_));
    return body.at(parameter, std::move(indices));
  }

 private:
  int axis_ = -1;      // -1: one for the whole tensor
  int64_t block_ = 0;  // 0: not blocked
};

void check_zero_point(Lowering& l, const Value* zero, const Value* scale) {
  l.expect_rank(zero, 0, std::max(scale->rank(), 1), "zero point");
  if (zero->rank() != scale->rank()) return;  // [] and [1] are used interchangeably
  for (std::size_t d = 0; d < zero->shape.size(); ++d) {
    require_equal(l, zero->shape[d], scale->shape[d], "shapes of scale and zero point");
  }
}

DType type_attribute(Lowering& l, const char* name, DType otherwise) {
  const int64_t code = l.int_attribute(name, 0);
  if (code == 0) return otherwise;
  const auto type = ir::dtype_from_onnx(static_cast<int>(code));
  if (!type) l.fail("attribute {} is {}, which is no tensor type", name, code);
  return *type;
}

// y = saturate(round(x / scale) + zero_point).
void lower_quantize(Lowering& l) {
  Value* x = l.input(0);
  Value* scale = l.input(1);
  Value* zero = l.optional_input(2);
  const DType type = zero != nullptr ? zero->type : type_attribute(l, "output_dtype", DType::u8);
  const bool saturate = !is_float8(type) || l.int_attribute("saturate", 1) != 0;
  if (zero != nullptr) check_zero_point(l, zero, scale);
  const Granularity granularity(l, x, scale);
  // Integers are quantized as floats; `precision` (version 23) may ask for a wider division.
  const DType compute = x->type == DType::f64 || type_attribute(l, "precision", DType::f32) == DType::f64
                            ? DType::f64
                            : DType::f32;
  l.output(0, l.b().tabulate(type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr ratio = ir::cast(compute, body.at(x, {i.begin(), i.end()})) /
                       ir::cast(compute, granularity.at(body, scale, i));
    const Expr offset = zero == nullptr ? Expr() : granularity.at(body, zero, i);
    if (saturate) return quantize(ratio, offset, type);
    return to_float8(type, offset ? ratio + ir::cast(compute, offset) : ratio, false);
  }));
}

// y = (x - zero_point) * scale.
void lower_dequantize(Lowering& l) {
  Value* x = l.input(0);
  Value* scale = l.input(1);
  Value* zero = l.optional_input(2);
  if (zero != nullptr) check_zero_point(l, zero, scale);
  const Granularity granularity(l, x, scale);
  const DType type = type_attribute(l, "output_dtype", scale->type);
  const DType difference = ir::is_float(x->type) ? DType::f32 : DType::i32;
  l.output(0, l.b().tabulate(type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr value = ir::cast(difference, body.at(x, {i.begin(), i.end()}));
    if (zero != nullptr) value = value - ir::cast(difference, granularity.at(body, zero, i));
    const DType compute = ir::compute_type(scale->type);
    return ir::cast(compute, value) * granularity.at(body, scale, i);
  }));
}

const RegisterOperator quantize_linear({.name = "QuantizeLinear",
                                        .versions = {10, 13, 19, 21, 23, 24, 25},
                                        .types = {{"T1", kFloats | TypeSet{DType::i32}, inputs(0)},
                                                  {"T2", kFloats | TypeSet{DType::f8e8m0}, inputs(1)},
                                                  {"T3", kQuantized, inputs(2) | outputs(0)}},
                                        .lower = lower_quantize});
const RegisterOperator dequantize_linear({.name = "DequantizeLinear",
                                          .versions = {10, 13, 19, 21, 23, 24, 25},
                                          .types = {{"T1", kQuantized | TypeSet{DType::i32}, inputs(0, 2)},
                                                    {"T2", kFloats | TypeSet{DType::f8e8m0}, inputs(1)},
                                                    {"T3", kFloats, outputs(0)}},
                                          .lower = lower_dequantize});
// ONNX Runtime's own domain has the same operators with more types.
const RegisterOperator quantize_ms({.domain = "com.microsoft",
                                    .name = "QuantizeLinear",
                                    .versions = {1},
                                    .types = {{"T1", kFloats | TypeSet{DType::i32}, inputs(0)},
                                              {"T2", kFloats | TypeSet{DType::f8e8m0}, inputs(1)},
                                              {"T3", kQuantized, inputs(2) | outputs(0)}},
                                    .lower = lower_quantize});
const RegisterOperator dequantize_ms({.domain = "com.microsoft",
                                      .name = "DequantizeLinear",
                                      .versions = {1},
                                      .types = {{"T1", kQuantized | TypeSet{DType::i32}, inputs(0, 2)},
                                                {"T2", kFloats | TypeSet{DType::f8e8m0}, inputs(1)},
                                                {"T3", kFloats, outputs(0)}},
                                      .lower = lower_dequantize});

}  // namespace
}  // namespace o2w::onnx_frontend
