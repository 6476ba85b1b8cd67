// Forms of operators that ONNX's conformance data lacks: attributes of old opsets, sizes that the model
// computes, negative pads, special values. Expected numbers are worked out by hand from the specification.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/eval/evaluate.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Tensor;
using testing::ElementsAre;
using testing::ElementsAreArray;

Tensor floats(std::vector<int64_t> dims, const std::vector<double>& values) {
  Tensor tensor(DType::f32, std::move(dims));
  for (std::size_t i = 0; i < values.size(); ++i) tensor.set_double(static_cast<int64_t>(i), values[i]);
  return tensor;
}

Tensor ints(std::vector<int64_t> dims, const std::vector<int64_t>& values) {
  Tensor tensor(DType::i64, std::move(dims));
  for (std::size_t i = 0; i < values.size(); ++i) tensor.set_int(static_cast<int64_t>(i), values[i]);
  return tensor;
}

AttributeDef integer(int64_t value) {
  AttributeDef attribute;
  attribute.kind = AttributeDef::Kind::integer;
  attribute.integer = value;
  return attribute;
}

AttributeDef integers(std::vector<int64_t> values) {
  AttributeDef attribute;
  attribute.kind = AttributeDef::Kind::integers;
  attribute.integers = std::move(values);
  return attribute;
}

AttributeDef text(std::string value) {
  AttributeDef attribute;
  attribute.kind = AttributeDef::Kind::text;
  attribute.text = std::move(value);
  return attribute;
}

using Attributes = std::map<std::string, AttributeDef>;

// A model of one node; its inputs are model inputs of fixed shape, so that their contents are only known at
// run time.
ModelDef one_node(const char* op, int64_t opset, const std::vector<Tensor>& inputs, Attributes attributes) {
  ModelDef model;
  model.ir_version = 8;
  model.opset_imports[""] = opset;
  NodeDef node;
  node.name = "node";
  node.op_type = op;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ValueDef input;
    input.name = "x" + std::to_string(i);
    input.type.kind = TypeDef::Kind::tensor;
    input.type.element = inputs[i].type();
    input.type.shape.emplace();
    for (const int64_t dim : inputs[i].dims()) input.type.shape->push_back({.value = dim, .name = {}});
    node.inputs.push_back(input.name);
    model.graph.inputs.push_back(std::move(input));
  }
  for (auto& [name, attribute] : attributes) {
    attribute.name = name;
    node.attributes[name] = attribute;
  }
  node.outputs = {"y"};
  ValueDef output;
  output.name = "y";
  output.type.kind = TypeDef::Kind::tensor;
  output.type.element = inputs[0].type();
  model.graph.outputs.push_back(output);
  model.graph.nodes.push_back(std::move(node));
  return model;
}

Tensor run(const char* op, int64_t opset, const std::vector<Tensor>& inputs, Attributes attributes = {}) {
  Diagnostics diagnostics;
  const Result<ir::Graph> graph =
      import_model(one_node(op, opset, inputs, std::move(attributes)), {}, diagnostics);
  if (!graph) throw std::runtime_error("the model was refused");
  return eval::evaluate(*graph, inputs).at(0);
}

std::vector<double> numbers(const Tensor& tensor) {
  std::vector<double> result;
  for (int64_t i = 0; i < tensor.count(); ++i) result.push_back(tensor.as_double(i));
  return result;
}

TEST(OldForms, AddBroadcastsFromAnAxis) {
  const Tensor y = run("Add", 6, {floats({2, 2, 1}, {1, 2, 3, 4}), floats({2}, {10, 20})},
                       {{"broadcast", integer(1)}, {"axis", integer(0)}});
  EXPECT_THAT(y.dims(), ElementsAre(2, 2, 1));
  EXPECT_THAT(numbers(y), ElementsAre(11, 12, 23, 24));
}

TEST(OldForms, PReluSlopesBelongToChannels) {
  const Tensor y = run("PRelu", 6, {floats({1, 2, 2}, {-1, 1, -2, -3}), floats({2}, {0.5, 2})});
  EXPECT_THAT(numbers(y), ElementsAre(-0.5, 1, -4, -6));
}

TEST(OldForms, CastNamesItsType) {
  const Tensor y = run("Cast", 1, {floats({3}, {-1.5, 0, 2.9})}, {{"to", text("INT32")}});
  EXPECT_EQ(y.type(), DType::i32);
  EXPECT_THAT(numbers(y), ElementsAre(-1, 0, 2));
}

TEST(OldForms, SliceTakesAttributes) {
  const Tensor y =
      run("Slice", 1, {floats({4}, {0, 1, 2, 3})},
          {{"starts", integers({-3})}, {"ends", integers({INT64_MAX})}, {"axes", integers({0})}});
  EXPECT_THAT(numbers(y), ElementsAre(1, 2, 3));
}

TEST(RunTimeSizes, SliceNormalisesExtremeBounds) {
  const Tensor x = floats({5}, {0, 1, 2, 3, 4});
  EXPECT_THAT(
      numbers(run("Slice", 13,
                  {x, ints({1}, {INT64_MAX}), ints({1}, {INT64_MIN}), ints({1}, {-1}), ints({1}, {-2})})),
      ElementsAre(4, 2, 0));
  EXPECT_THAT(numbers(run("Slice", 13,
                          {x, ints({1}, {-100}), ints({1}, {2}), ints({1}, {0}), ints({1}, {INT64_MAX})})),
              ElementsAre(0));
  EXPECT_THAT(run("Slice", 13, {x, ints({1}, {4}), ints({1}, {1})}).dims(), ElementsAre(0));
}

TEST(RunTimeSizes, PadCropsWithNegativePads) {
  const Tensor y =
      run("Pad", 13, {floats({2, 3}, {1, 2, 3, 4, 5, 6}), ints({4}, {1, -1, 0, 1}), floats({}, {9})});
  EXPECT_THAT(y.dims(), ElementsAre(3, 3));
  EXPECT_THAT(numbers(y), ElementsAre(9, 9, 9, 2, 3, 9, 5, 6, 9));
}

TEST(RunTimeSizes, ReflectionGoesBackAndForth) {
  const Tensor y = run("Pad", 13, {floats({3}, {0, 1, 2}), ints({2}, {5, 4})}, {{"mode", text("reflect")}});
  EXPECT_THAT(numbers(y), ElementsAreArray({1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2}));
}

TEST(RunTimeSizes, ReshapeInfersAndCopies) {
  EXPECT_THAT(run("Reshape", 14, {floats({2, 3, 4}, std::vector<double>(24)), ints({3}, {0, -1, 2})}).dims(),
              ElementsAre(2, 6, 2));
  EXPECT_THROW(run("Reshape", 14, {floats({6}, std::vector<double>(6)), ints({2}, {4, -1})}), ModelError);
}

TEST(RunTimeSizes, AxesOfReductions) {
  const Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(numbers(run("ReduceSum", 13, {x, ints({1}, {-1})}, {{"keepdims", integer(0)}})),
              ElementsAre(6, 15));
  EXPECT_THAT(numbers(run("ReduceMax", 18, {x, ints({2}, {0, 1})})), ElementsAre(6));
  EXPECT_THROW(run("ReduceSum", 13, {x, ints({1}, {2})}), ModelError);
}

// Sizes and values as ONNX Runtime 1.30 gives them, which rounds the number of strides towards 0.
TEST(LargeWindows, PoolsTakeWhatIsThere) {
  const auto pool = [](const char* op, std::vector<double> x, int64_t kernel, int64_t stride,
                       std::vector<int64_t> pads = {0, 0}, bool count_padding = false) {
    const auto length = static_cast<int64_t>(x.size());
    Attributes attributes = {{"kernel_shape", integers({kernel})}, {"strides", integers({stride})}};
    attributes["pads"] = integers(std::move(pads));
    if (count_padding) attributes["count_include_pad"] = integer(1);
    return numbers(run(op, 11, {floats({1, 1, length}, x)}, attributes));
  };
  EXPECT_THAT(pool("MaxPool", {1}, 2, 2), ElementsAre(1));
  EXPECT_THAT(pool("MaxPool", {1, 2}, 3, 2), ElementsAre(2));
  EXPECT_THAT(pool("MaxPool", {1}, 3, 2), ElementsAre());
  EXPECT_THAT(pool("AveragePool", {1}, 2, 2), ElementsAre(1));
  EXPECT_THAT(pool("AveragePool", {1, 2, 3}, 4, 3), ElementsAre(2));
  EXPECT_THAT(pool("AveragePool", {1}, 5, 3, {0, 2}, true), ElementsAre(testing::DoubleNear(1.0 / 3, 1e-6)));
  EXPECT_THROW(pool("MaxPool", {1}, 5, 2), std::runtime_error);
  EXPECT_THROW(pool("MaxPool", {}, 1, 1), std::runtime_error);
}

TEST(LargeWindows, ConvolutionsRefuseThem) {
  const Tensor x = floats({1, 1, 1}, {1}), w = floats({1, 1, 2}, {1, 1});
  EXPECT_THROW(run("Conv", 11, {x, w}, {{"strides", integers({2})}}), std::runtime_error);
}

TEST(SpecialValues, PowerOfOneHalfIsNotTheSquareRoot) {
  ModelDef model = one_node("Pow", 15, {floats({3}, {-INFINITY, -0.0, 4})}, {});
  model.graph.initializers["half"] = floats({}, {0.5});
  model.graph.nodes[0].inputs.emplace_back("half");
  Diagnostics diagnostics;
  const Result<ir::Graph> graph = import_model(model, {}, diagnostics);
  ASSERT_TRUE(graph);
  const Tensor y = eval::evaluate(*graph, {floats({3}, {-INFINITY, -0.0, 4})}).at(0);
  EXPECT_THAT(numbers(y), ElementsAre(INFINITY, 0, 2));
  EXPECT_FALSE(std::signbit(y.as_double(1)));
}

TEST(SpecialValues, LogSumExpOfInfinities) {
  const Tensor y = run("ReduceLogSumExp", 13, {floats({2, 2}, {-INFINITY, -INFINITY, INFINITY, 0})},
                       {{"axes", integers({1})}, {"keepdims", integer(0)}});
  EXPECT_THAT(numbers(y), ElementsAre(-INFINITY, INFINITY));
}

TEST(SpecialValues, GatherRefusesPositionsOutOfRange) {
  const Tensor x = floats({2}, {1, 2});
  EXPECT_THAT(numbers(run("Gather", 13, {x, ints({2}, {-2, -1})})), ElementsAre(1, 2));
  EXPECT_THROW(run("Gather", 13, {x, ints({1}, {2})}), ModelError);
}

}  // namespace
}  // namespace o2w::onnx_frontend
