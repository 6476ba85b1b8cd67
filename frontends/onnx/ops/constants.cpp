// Operators whose result does not depend on data: Constant, ConstantOfShape, Identity, Shape, Size.
#include <algorithm>
#include <utility>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Tensor;
using ir::Value;

template <typename Numbers>
Tensor vector_of(DType type, const Numbers& numbers) {
  Tensor tensor(type, {static_cast<int64_t>(numbers.size())});
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if constexpr (std::is_floating_point_v<typename Numbers::value_type>) {
      tensor.set_double(static_cast<int64_t>(i), numbers[i]);
    } else {
      tensor.set_int(static_cast<int64_t>(i), numbers[i]);
    }
  }
  return tensor;
}

Tensor contents(Lowering& lowering) {
  if (lowering.has_attribute("value")) return lowering.tensor_attribute("value");
  if (lowering.has_attribute("sparse_value")) return lowering.tensor_attribute("sparse_value");
  if (lowering.has_attribute("value_float"))
    return Tensor::scalar(DType::f32, lowering.float_attribute("value_float"));
  if (lowering.has_attribute("value_int"))
    return Tensor::scalar(DType::i64, lowering.int_attribute("value_int"));
  if (lowering.has_attribute("value_floats")) {
    return vector_of(DType::f32, lowering.floats_attribute("value_floats", {}));
  }
  if (lowering.has_attribute("value_ints"))
    return vector_of(DType::i64, lowering.ints_attribute("value_ints", {}));
  if (lowering.has_attribute("value_string"))
    return Tensor::of_strings({}, {lowering.string_attribute("value_string", "")});
  if (lowering.has_attribute("value_strings")) {
    const std::vector<std::string> texts = lowering.strings_attribute("value_strings", {});
    return Tensor::of_strings({static_cast<int64_t>(texts.size())}, texts);
  }
  lowering.fail("has no value");
}

void lower_constant(Lowering& lowering) {
  Tensor tensor = contents(lowering);
  lowering.output(0, lowering.b().constant(std::move(tensor)));
}

void lower_constant_of_shape(Lowering& lowering) {
  Tensor value = Tensor::scalar(DType::f32, 0.0);
  if (lowering.has_attribute("value")) value = lowering.tensor_attribute("value");
  if (value.count() != 1) lowering.fail("attribute 'value' must have one element, but has {}", value.count());
  lowering.expect_rank(lowering.input(0), 1, 1, "the shape");
  ir::Shape shape = lowering.sizes(lowering.input(0), lowering.node().outputs.front());
  for (const Dim& dim : shape) {
    lowering.b().require(ir::Require::Relation::less_equal, Dim(0), dim, "a shape has a negative size");
  }
  lowering.output(
      0, lowering.b().tabulate(value.type(), std::move(shape),
                               [&](ir::Body&, ir::Builder::Indices) { return literal_from(value); }));
}

void lower_identity(Lowering& lowering) { lowering.output(0, lowering.input(0)); }

// Shape-15 takes a slice of the dims; out-of-range bounds are clamped.
void lower_shape(Lowering& lowering) {
  const ir::Shape& shape = lowering.input(0)->shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto bound = [&](const char* name, int64_t otherwise) {
    const int64_t given = lowering.int_attribute(name, otherwise);
    return std::clamp<int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  const int64_t start = bound("start", 0);
  const int64_t end = std::max(start, bound("end", rank));
  lowering.output(0, lowering.b().from_dims(ir::Shape(shape.begin() + start, shape.begin() + end)));
}

void lower_size(Lowering& lowering) {
  lowering.output(
      0, lowering.b().from_dims({ir::element_count(lowering.input(0)->shape)}, DType::i64, /*scalar=*/true));
}

const RegisterOperator op_constant({.name = "Constant",
                                    .versions = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25},
                                    .types = {{"T", kAny, outputs(0)}},
                                    .lower = lower_constant});
const RegisterOperator op_constant_of_shape({.name = "ConstantOfShape",
                                             .versions = {9, 20, 21, 23, 24, 25},
                                             .types = {{"T1", kInt64, inputs(0)},
                                                       {"T2", kMovable, outputs(0)}},
                                             .lower = lower_constant_of_shape});
const RegisterOperator op_identity({.name = "Identity",
                                    .versions = {1, 13, 14, 16, 19, 21, 23, 24, 25},
                                    .types = {{"V", kAny | kLists}},
                                    .lower = lower_identity});
const RegisterOperator op_shape({.name = "Shape",
                                 .versions = {1, 13, 15, 19, 21, 23, 24, 25},
                                 .types = {{"T", kAny}},
                                 .lower = lower_shape});
const RegisterOperator op_size(
    {.name = "Size", .versions = {1, 13, 19, 21, 23, 24, 25}, .types = {{"T", kAny}}, .lower = lower_size});

}  // namespace
}  // namespace o2w::onnx_frontend
