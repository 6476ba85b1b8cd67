// com.microsoft QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu, QLinearConcat, QLinearWhere,
// MulInteger: elementwise work on quantized tensors.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

constexpr TypeSet kQuantized = kBytes | TypeSet{DType::i16, DType::u16};

// Two quantized operands that broadcast, (A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale,
// C_zero_point); `combine` gets the differences to the zero points in f32 and the three scales, and gives C
// in units of its scale.
void lower_binary(Lowering& l, Expr (*combine)(const Expr& a, const Expr& b, const Expr& sa, const Expr& sb,
                                               const Expr& sc)) {
  const QuantizedInput a = quantized_input(l, 0), b = quantized_input(l, 3), c = quantized_output(l, 6);
  const ir::Shape shape = l.b().broadcast_shapes(a.x->shape, b.x->shape, "two quantized operands");
  const Expr one = ir::literal_of(DType::f32, 1);
  l.output(0, l.b().tabulate(a.x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto difference = [&](const QuantizedInput& input) {
      return dequantize(body.at(input.x, ir::Builder::broadcast_read(input.x, shape, i)),
                        only_element(body, input.zero_point), one);
    };
    const Expr units = combine(difference(a), difference(b), only_element(body, a.scale),
                               only_element(body, b.scale), only_element(body, c.scale));
    return quantize(units, only_element(body, c.zero_point), a.x->type);
  }));
}

void lower_add(Lowering& l) {
  lower_binary(l, [](const Expr& a, const Expr& b, const Expr& sa, const Expr& sb, const Expr& sc) {
    return a * (sa / sc) + b * (sb / sc);
  });
}

// Differences of 8-bit numbers multiply exactly in f32.
void lower_mul(Lowering& l) {
  lower_binary(l, [](const Expr& a, const Expr& b, const Expr& sa, const Expr& sb, const Expr& sc) {
    return a * b * (sa * sb / sc);
  });
}

// Inputs: X, X_scale, X_zero_point, Y_scale, Y_zero_point.
void lower_function(Lowering& l, const std::function<Expr(const Expr&)>& function) {
  const QuantizedInput x = quantized_input(l, 0), y = quantized_output(l, 3);
  l.output(0, l.b().tabulate(x.x->type, x.x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return quantized(body, function(real_at(body, x, {i.begin(), i.end()})), y, x.x->type);
  }));
}

void lower_sigmoid(Lowering& l) {
  lower_function(l, [](const Expr& x) { return ir::unary(ir::ExprOp::sigmoid, x); });
}

void lower_leaky_relu(Lowering& l) {
  const double alpha = l.float_attribute("alpha", 0.01);
  lower_function(l, [&](const Expr& x) { return select(ge(x, 0.0), x, x * alpha); });
}

// The element in the output's parameters; as it is where these are the same.
Expr requantized(ir::Body& body, const QuantizedInput& input, const QuantizedInput& output,
                 const std::vector<Expr>& index) {
  if (input.scale == output.scale && input.zero_point == output.zero_point) return body.at(input.x, index);
  return quantized(body, real_at(body, input, index), output, input.x->type);
}

// Inputs: Y_scale, Y_zero_point, then X, X_scale, X_zero_point for each part.
void lower_concat(Lowering& l) {
  const QuantizedInput y = quantized_output(l, 0);
  if (l.input_count() < 5 || (l.input_count() - 2) % 3 != 0)
    l.fail("it has {} inputs, expected two and three for each part", l.input_count());
  std::vector<Value*> parts;
  for (int first = 2; first < l.input_count(); first += 3) {
    const QuantizedInput x = quantized_input(l, first);
    parts.push_back(l.b().tabulate(x.x->type, x.x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      return requantized(body, x, y, {i.begin(), i.end()});
    }));
  }
  const int axis = l.axis(l.int_attribute("axis"), parts[0]->rank());
  for (const Value* part : parts) l.expect_rank(part, parts[0]->rank(), parts[0]->rank(), "a part");
  l.output(0, parts.size() == 1 ? parts[0] : l.b().concat(parts, axis));
}

// Inputs: condition, X, x_scale, x_zero_point, Y, y_scale, y_zero_point, z_scale, z_zero_point.
void lower_where(Lowering& l) {
  Value* condition = l.input(0);
  const QuantizedInput x = quantized_input(l, 1), y = quantized_input(l, 4), z = quantized_output(l, 7);
  const ir::Shape shape =
      l.b().broadcast_shapes(l.b().broadcast_shapes(condition->shape, x.x->shape, "condition and X"),
                             y.x->shape, "condition, X and Y");
  l.output(0, l.b().tabulate(x.x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto side = [&](const QuantizedInput& input) {
      return ir::cast(x.x->type, requantized(body, input, z, ir::Builder::broadcast_read(input.x, shape, i)));
    };
    const Expr then = side(x), otherwise = side(y);
    return select(body.at(condition, ir::Builder::broadcast_read(condition, shape, i)), then, otherwise);
  }));
}

// Inputs: A, A_zero_point, B, B_zero_point; the product in i32.
void lower_mul_integer(Lowering& l) {
  const QuantizedInput a{l.input(0), nullptr, l.optional_input(1)},
      b{l.input(2), nullptr, l.optional_input(3)};
  const ir::Shape shape = l.b().broadcast_shapes(a.x->shape, b.x->shape, "two quantized operands");
  l.output(0, l.b().tabulate(DType::i32, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto difference = [&](const QuantizedInput& input) {
      const Expr x = ir::cast(DType::i32, body.at(input.x, ir::Builder::broadcast_read(input.x, shape, i)));
      return input.zero_point == nullptr ? x : x - ir::cast(DType::i32, only_element(body, input.zero_point));
    };
    return difference(a) * difference(b);
  }));
}

const RegisterOperator add({.domain = "com.microsoft",
                            .name = "QLinearAdd",
                            .versions = {1},
                            .types = {{"T", kQuantized, inputs(0, 2, 3, 5, 7)},
                                      {"tensor(float)", kFloat32, inputs(1, 4, 6)}},
                            .lower = lower_add});
const RegisterOperator mul({.domain = "com.microsoft",
                            .name = "QLinearMul",
                            .versions = {1},
                            .types = {{"T", kQuantized, inputs(0, 2, 3, 5, 7)},
                                      {"tensor(float)", kFloat32, inputs(1, 4, 6)}},
                            .lower = lower_mul});
const RegisterOperator sigmoid({.domain = "com.microsoft",
                                .name = "QLinearSigmoid",
                                .versions = {1},
                                .types = {{"T", kBytes, inputs(0, 2, 4)},
                                          {"tensor(float)", kFloat32, inputs(1, 3)}},
                                .lower = lower_sigmoid});
const RegisterOperator leaky_relu({.domain = "com.microsoft",
                                   .name = "QLinearLeakyRelu",
                                   .versions = {1},
                                   .types = {{"T", kBytes, inputs(0, 2, 4)},
                                             {"tensor(float)", kFloat32, inputs(1, 3)}},
                                   .lower = lower_leaky_relu});
const RegisterOperator concat({.domain = "com.microsoft",
                               .name = "QLinearConcat",
                               .versions = {1},
                               .types = {{"TF", kFloat32, inputs(0)},
                                         {"T8", kBytes, inputs(1)},
                                         {"TV", kBytes | kFloat32, inputs_from(2), kMixed}},
                               .lower = lower_concat});
const RegisterOperator where({.domain = "com.microsoft",
                              .name = "QLinearWhere",
                              .versions = {1},
                              .types = {{"B", kBool, inputs(0)},
                                        {"T", kBytes, inputs(1, 3, 4, 6, 8)},
                                        {"TF", kFloat32, inputs(2, 5, 7)}},
                              .lower = lower_where});
const RegisterOperator mul_integer({.domain = "com.microsoft",
                                    .name = "MulInteger",
                                    .versions = {1},
                                    .types = {{"T", kBytes, inputs(0, 1)}, {"T1", kBytes, inputs(2, 3)}},
                                    .lower = lower_mul_integer});

}  // namespace
}  // namespace o2w::onnx_frontend
