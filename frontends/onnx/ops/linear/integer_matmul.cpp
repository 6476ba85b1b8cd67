// Matrix products of 8-bit operands: MatMulInteger, QLinearMatMul, and ONNX Runtime's MatMulIntegerToFloat
// and DynamicQuantizeMatMul.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/linear/integer_product.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

void lower_matmul_integer(Lowering& l) {
  l.output(0, integer_product(l, l.input(0), l.optional_input(2), l.input(1), l.optional_input(3)));
}

// Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point.
void lower_qlinear_matmul(Lowering& l) {
  Value* a_scale = l.input(1);
  Value* b_scale = l.input(4);
  Value* y_scale = l.input(6);
  Value* y_zero = l.input(7);
  Value* sums = integer_product(l, l.input(0), l.input(2), l.input(3), l.input(5));
  const ir::Shape& shape = sums->shape;
  Value* factors = column_factors(l, 1, a_scale, b_scale, y_scale);
  l.output(0, l.b().tabulate(y_zero->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr scale = factors != nullptr
                           ? column_parameter(body, factors, shape, i)
                           : ir::cast(DType::f32, row_parameter(body, a_scale, shape, i)) *
                                 ir::cast(DType::f32, column_parameter(body, b_scale, shape, i)) /
                                 ir::cast(DType::f32, row_parameter(body, y_scale, shape, i));
    const Expr sum = ir::cast(DType::f32, body.at(sums, {i.begin(), i.end()}));
    return quantize(sum * scale, row_parameter(body, y_zero, shape, i), y_zero->type);
  }));
}

// Inputs: A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias.
void lower_matmul_integer_to_float(Lowering& l) {
  Value* sums = integer_product(l, l.input(0), l.optional_input(4), l.input(1), l.optional_input(5));
  l.output(0, dequantized_product(l, sums, l.input(2), l.input(3), l.optional_input(6)));
}

// Inputs: A (float), B, b_scale, b_zero_point, bias.
void lower_dynamic_quantize_matmul(Lowering& l) {
  Value* a = l.input(0);
  const DynamicQuantization parameters = dynamic_parameters(l, a);
  Value* sums = integer_product(l, dynamic_differences(l, a, parameters), l.input(1), l.optional_input(3));
  l.output(0, dequantized_product(l, sums, parameters.scale, l.input(2), l.optional_input(4)));
}

const RegisterOperator matmul_integer({.name = "MatMulInteger",
                                       .versions = {10},
                                       .types = {{"T1", kBytes, inputs(0, 2)}, {"T2", kBytes, inputs(1, 3)}},
                                       .lower = lower_matmul_integer});
const RegisterOperator qlinear_matmul({.name = "QLinearMatMul",
                                       .versions = {10, 21},
                                       .types = {{"TS", kFloats - TypeSet{DType::f64}, inputs(1, 4, 6),
                                                  kMixed},
                                                 {"T1", kBytes, inputs(0, 2)},
                                                 {"T2", kBytes, inputs(3, 5)},
                                                 {"T3", kBytes, inputs(7)}},
                                       .lower = lower_qlinear_matmul});
const RegisterOperator matmul_integer_to_float(
    {.domain = "com.microsoft",
     .name = "MatMulIntegerToFloat",
     .versions = {1},
     .types = {{"T1", kBytes, inputs(0, 4)}, {"T2", kBytes, inputs(1, 5)}, {"T3", kFloat32, inputs(2, 3, 6)}},
     .lower = lower_matmul_integer_to_float});
const RegisterOperator dynamic_quantize_matmul({.domain = "com.microsoft",
                                                .name = "DynamicQuantizeMatMul",
                                                .versions = {1},
                                                .types = {{"T1", kFloat32, inputs(0, 2, 4)},
                                                          {"T2", kBytes, inputs(1, 3)}},
                                                .lower = lower_dynamic_quantize_matmul});

}  // namespace
}  // namespace o2w::onnx_frontend
