// The walk: names, order, dims, functions, control flow, and what it says about models that are wrong.
#include "frontends/onnx/import.h"

#include <gmock/gmock.h>

#include "compiler/eval/evaluate.h"
#include "compiler/support/error.h"
#include "frontends/onnx/summary.h"
#include "tests/frontend/models.h"

namespace o2w::onnx_frontend::testing {
namespace {

using ir::DType;
using ir::Tensor;
using ::testing::AllOf;
using ::testing::HasSubstr;

ir::Graph imported(const ModelDef& model, const ImportOptions& options = {}) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph = import_model(model, options, diagnostics);
  EXPECT_TRUE(graph.has_value()) << diagnostics.to_string();
  return graph ? std::move(*graph) : ir::Graph();
}

std::string errors_of(const ModelDef& model, const ImportOptions& options = {}) {
  Diagnostics diagnostics;
  const Result<ir::Graph> graph = import_model(model, options, diagnostics);
  EXPECT_FALSE(graph.has_value());
  EXPECT_TRUE(diagnostics.has_errors());
  return diagnostics.to_string();
}

Tensor floats(std::vector<int64_t> dims, const std::vector<float>& values) {
  Tensor tensor(DType::f32, std::move(dims));
  for (std::size_t i = 0; i < values.size(); ++i) tensor.set_double(static_cast<int64_t>(i), values[i]);
  return tensor;
}

std::string shape_of_output(const ir::Graph& graph) {
  return ir::to_string(graph.outputs.at(0).value->shape);
}

TEST(Import, DimensionsOfOneNameAreOneSymbol) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Add", {"x", "y"}, {"z"})};
  EXPECT_EQ(shape_of_output(imported(model)), "[n, 4]");
}

TEST(Import, UnnamedDimensionsGetTheirInputsName) {
  ModelDef model = two_inputs();
  model.graph.inputs[0].type.shape = {{DimDef{}, fixed(4)}};
  model.graph.nodes = {node("Relu", {"x"}, {"z"})};
  EXPECT_EQ(shape_of_output(imported(model)), "[x_d0, 4]");
}

TEST(Import, DimOptionFixesAndBoundsSymbols) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Add", {"x", "y"}, {"z"})};
  EXPECT_EQ(shape_of_output(imported(model, {.dims = {{"n", {3, 3}}}})), "[3, 4]");
  const ir::Graph bounded = imported(model, {.dims = {{"n", {2, 5}}}});
  EXPECT_EQ(bounded.find_symbol("n")->lower, 2);
  EXPECT_EQ(bounded.find_symbol("n")->upper, 5);
  EXPECT_THAT(errors_of(model, {.dims = {{"m", {1, 1}}}}), AllOf(HasSubstr("'m'"), HasSubstr("'n'")));
}

TEST(Import, ShapeOptionFixesNamedDimensionsOfAllInputs) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Relu", {"y"}, {"z"})};
  EXPECT_EQ(shape_of_output(imported(model, {.shapes = {{"x", {7, -1}}}})), "[7, 4]");
  EXPECT_THAT(errors_of(model, {.shapes = {{"w", {1}}}}), AllOf(HasSubstr("'w'"), HasSubstr("'x', 'y'")));
  EXPECT_THAT(errors_of(model, {.shapes = {{"x", {1}}}}), HasSubstr("has 2 dimensions, but --shape gives 1"));
}

TEST(Import, InputOfUnknownRankAsksForShape) {
  ModelDef model = two_inputs();
  model.graph.inputs[0].type.shape.reset();
  model.graph.nodes = {node("Relu", {"x"}, {"z"})};
  EXPECT_THAT(errors_of(model), HasSubstr("--shape x="));
  EXPECT_EQ(shape_of_output(imported(model, {.shapes = {{"x", {2, -1}}}})), "[2, x_d1]");
}

TEST(Import, InputsWithInitializersAreConstants) {
  ModelDef model = two_inputs();
  model.graph.initializers["y"] = floats({4}, {1, 2, 3, 4});
  model.graph.nodes = {node("Add", {"x", "y"}, {"z"})};
  EXPECT_EQ(imported(model).inputs.size(), 1U);
  EXPECT_EQ(imported(model, {.initializers_as_inputs = true}).inputs.size(), 2U);
}

TEST(Import, NodesOutOfOrderAreSorted) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Relu", {"t"}, {"z"}), node("Add", {"x", "y"}, {"t"})};
  EXPECT_EQ(shape_of_output(imported(model)), "[n, 4]");
}

TEST(Import, CyclesNameTheirNodes) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Add", {"x", "b"}, {"a"}, "first"), node("Relu", {"a"}, {"b"}, "second"),
                       node("Relu", {"b"}, {"z"}, "last")};
  EXPECT_THAT(errors_of(model), AllOf(HasSubstr("cycle"), HasSubstr("'first'"), HasSubstr("'second'")));
}

TEST(Import, MissingInitializerNamesNodeAndTensor) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Add", {"x", "weight"}, {"z"}, "plus")};
  EXPECT_THAT(errors_of(model), AllOf(HasSubstr("'plus'"), HasSubstr("'weight'")));
}

// No operator has to check all element types by itself: what its expressions refuse is the model's fault.
TEST(Import, ElementTypesThatExpressionsRefuseAreTheModels) {
  ModelDef model = two_inputs();
  model.graph.inputs[0].type.element = DType::f64;
  model.graph.nodes = {node("DynamicQuantizeLinear", {"x"}, {"z", "scale", "zero"}, "quantize")};
  EXPECT_THAT(errors_of(model), AllOf(HasSubstr("'quantize'"), HasSubstr("('x') has element type float64")));
}

TEST(Import, AllProblemsAreReportedTogether) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Gizmo", {"x"}, {"a"}, "one"), node("Widget", {"a"}, {"b"}, "two"),
                       node("Add", {"b", "missing"}, {"c"}, "three"), node("Relu", {"c"}, {"z"}, "four")};
  const std::string errors = errors_of(model);
  EXPECT_THAT(errors, AllOf(HasSubstr("Gizmo"), HasSubstr("Widget"), HasSubstr("'missing'")));
  EXPECT_THAT(errors, ::testing::Not(HasSubstr("'four'")));
}

TEST(Import, WrongElementTypesAreErrors) {
  ModelDef model = two_inputs();
  model.graph.inputs[1].type.element = DType::i64;
  model.graph.nodes = {node("Add", {"x", "y"}, {"z"}, "plus")};
  EXPECT_THAT(errors_of(model), HasSubstr("'plus'"));
}

TEST(Import, OperatorsLeftOutOnPurposeAreExplained) {
  const std::vector<std::tuple<const char*, const char*, const char*>> cases = {
      {"com.microsoft", "GreedySearch", "runs a whole decoder"},
      {"com.microsoft", "PackedAttention", "is for GPUs"},
      {"com.microsoft.nchwc", "ReorderInput", "saved after optimising it for one kind of processor"},
      {"com.microsoft", "NoSuchThing", "is not supported"}};
  for (const auto& [domain, name, reason] : cases) {
    ModelDef model = two_inputs();
    model.opset_imports[domain] = 1;
    model.graph.nodes = {node(name, {"x"}, {"z"}, "n", domain)};
    EXPECT_THAT(errors_of(model), AllOf(HasSubstr(name), HasSubstr(reason)));
  }
}

TEST(Import, DuplicateNamesAreErrors) {
  ModelDef model = two_inputs();
  model.graph.nodes = {node("Relu", {"x"}, {"z"}), node("Neg", {"x"}, {"z"})};
  EXPECT_THAT(errors_of(model), HasSubstr("produced by two nodes"));
}

TEST(Import, UndoneOutputsAreErrors) {
  ModelDef model = two_inputs();
  EXPECT_THAT(errors_of(model), AllOf(HasSubstr("'z'"), HasSubstr("nothing produces it")));
}

TEST(Import, SizesBeyondTheAddressSpaceAreErrors) {
  ModelDef model = two_inputs();
  model.graph.inputs[0].type.shape = {{fixed(int64_t{1} << 40), fixed(4)}};
  model.graph.nodes = {node("Relu", {"x"}, {"z"})};
  EXPECT_THAT(errors_of(model), HasSubstr("1099511627776"));

  ModelDef product = two_inputs();
  product.graph.inputs[0].type.shape = {{fixed(65536), fixed(1)}};
  product.graph.inputs[1].type.shape = {{fixed(1), fixed(65536)}};
  product.graph.nodes = {node("Add", {"x", "y"}, {"z"}, "outer")};
  EXPECT_THAT(errors_of(product), AllOf(HasSubstr("'outer'"), HasSubstr("4 GiB")));
}

FunctionDef function(const std::string& name, std::vector<std::string> inputs,
                     std::vector<std::string> outputs, std::vector<NodeDef> nodes) {
  FunctionDef def;
  def.domain = "local";
  def.name = name;
  def.inputs = std::move(inputs);
  def.outputs = std::move(outputs);
  def.nodes = std::move(nodes);
  def.opset_imports = {{"", 17}, {"local", 1}};
  return def;
}

TEST(Functions, AreInlinedWithAttributesAndNesting) {
  ModelDef model = two_inputs();
  model.opset_imports["local"] = 1;
  NodeDef flatten = node("Flatten", {"a"}, {"b"});
  flatten.attributes["axis"] = integer_attribute("axis", 0);
  flatten.attributes["axis"].reference = "from";
  FunctionDef inner = function("Inner", {"a"}, {"b"}, {flatten});
  inner.attributes = {"from"};
  NodeDef call_inner = node("Inner", {"p"}, {"t"}, "inner", "local");
  call_inner.attributes["from"] = integer_attribute("from", 0);
  model.functions = {inner, function("Outer", {"p", "q"}, {"r"}, {call_inner, node("Neg", {"t"}, {"r"})})};
  model.graph.nodes = {node("Outer", {"x"}, {"z"}, "call", "local")};
  EXPECT_EQ(shape_of_output(imported(model)), "[1, 4*n]");
}

TEST(Functions, RecursionIsAnError) {
  ModelDef model = two_inputs();
  model.opset_imports["local"] = 1;
  model.functions = {function("A", {"a"}, {"b"}, {node("B", {"a"}, {"b"}, "", "local")}),
                     function("B", {"a"}, {"b"}, {node("A", {"a"}, {"b"}, "", "local")})};
  model.graph.nodes = {node("A", {"x"}, {"z"}, "call", "local")};
  EXPECT_THAT(errors_of(model), HasSubstr("calls itself"));
}

// Fifty functions of two calls each: 2^50 nodes.
TEST(Functions, ExpansionIsBounded) {
  ModelDef model = two_inputs();
  model.opset_imports["local"] = 1;
  for (int i = 0; i < 50; ++i) {
    const std::string next = "F" + std::to_string(i + 1);
    model.functions.push_back(
        function("F" + std::to_string(i), {"a"}, {"c"},
                 {node(next, {"a"}, {"b"}, "", "local"), node(next, {"b"}, {"c"}, "", "local")}));
  }
  model.functions.push_back(function("F50", {"a"}, {"c"}, {node("Relu", {"a"}, {"c"})}));
  model.graph.nodes = {node("F0", {"x"}, {"z"}, "call", "local")};
  EXPECT_THAT(errors_of(model), HasSubstr("more than"));
}

GraphDef branch(std::vector<NodeDef> nodes, const std::string& output) {
  GraphDef graph;
  graph.nodes = std::move(nodes);
  graph.outputs = {tensor_value(output, DType::f32, {})};
  return graph;
}

ModelDef with_if() {
  ModelDef model = two_inputs();
  model.graph.inputs.push_back(tensor_value("c", DType::boolean, {}));
  return model;
}

TEST(ControlFlow, BranchesReadOuterValues) {
  ModelDef model = with_if();
  NodeDef choice = node("If", {"c"}, {"z"});
  set_graph(choice, "then_branch", branch({node("Add", {"t", "y"}, {"r"})}, "r"));
  set_graph(choice, "else_branch", branch({node("Neg", {"t"}, {"s"})}, "s"));
  // Captured names count for the order, too.
  model.graph.nodes = {choice, node("Relu", {"x"}, {"t"})};
  const ir::Graph graph = imported(model);
  EXPECT_EQ(shape_of_output(graph), "[n, 4]");
  Tensor yes = Tensor::scalar(DType::boolean, 1), no = Tensor::scalar(DType::boolean, 0);
  const Tensor x = floats({1, 4}, {-1, 2, -3, 4}), y = floats({1, 4}, {10, 20, 30, 40});
  EXPECT_TRUE(eval::evaluate(graph, {x, y, yes})[0].same_bits(floats({1, 4}, {10, 22, 30, 44})));
  EXPECT_EQ(eval::evaluate(graph, {x, y, no})[0].as_double(1), -2);
}

TEST(ControlFlow, KnownConditionsLeaveOneBranch) {
  ModelDef model = two_inputs();
  model.graph.initializers["c"] = Tensor::scalar(DType::boolean, 0);
  NodeDef choice = node("If", {"c"}, {"z"});
  set_graph(choice, "then_branch", branch({node("Gizmo", {"x"}, {"r"})}, "r"));
  set_graph(choice, "else_branch", branch({node("Neg", {"x"}, {"s"})}, "s"));
  model.graph.nodes = {choice};
  EXPECT_EQ(shape_of_output(imported(model)), "[n, 4]");
}

TEST(ControlFlow, SizesOfBranchesThatDifferBecomeSymbols) {
  ModelDef model = with_if();
  NodeDef stack = node("Concat", {"x", "y"}, {"r"});
  stack.attributes["axis"] = integer_attribute("axis", 0);
  NodeDef choice = node("If", {"c"}, {"z"});
  set_graph(choice, "then_branch", branch({stack}, "r"));
  set_graph(choice, "else_branch", branch({node("Neg", {"x"}, {"s"})}, "s"));
  model.graph.nodes = {choice};
  const ir::Graph graph = imported(model);
  EXPECT_EQ(shape_of_output(graph), "[z_d0, 4]");
  const Tensor x = floats({1, 4}, {1, 2, 3, 4});
  EXPECT_EQ(eval::evaluate(graph, {x, x, Tensor::scalar(DType::boolean, 1)})[0].dims(),
            (std::vector<int64_t>{2, 4}));
}

TEST(ControlFlow, BranchesOfDifferentRankServeOneCase) {
  ModelDef model = with_if();
  NodeDef choice = node("If", {"c"}, {"t"});
  NodeDef flat = node("Flatten", {"x"}, {"r"});
  NodeDef total = node("ReduceMax", {"x"}, {"s"});
  total.attributes["keepdims"] = integer_attribute("keepdims", 0);
  set_graph(choice, "then_branch", branch({total}, "s"));
  set_graph(choice, "else_branch", branch({flat}, "r"));
  // Needs rank 2: only the else branch fits.
  model.graph.nodes = {choice, node("Einsum", {"t"}, {"z"})};
  AttributeDef equation;
  equation.name = "equation";
  equation.kind = AttributeDef::Kind::text;
  equation.text = "ij->ji";
  model.graph.nodes[1].attributes["equation"] = equation;
  const ir::Graph graph = imported(model);
  EXPECT_EQ(shape_of_output(graph), "[4, n]");
  const Tensor x = floats({1, 4}, {1, 2, 3, 4});
  EXPECT_NO_THROW(eval::evaluate(graph, {x, x, Tensor::scalar(DType::boolean, 0)}));
  EXPECT_THROW(eval::evaluate(graph, {x, x, Tensor::scalar(DType::boolean, 1)}), ModelError);
}

TEST(ControlFlow, CarriedShapesMayGrow) {
  ModelDef model = two_inputs();
  model.graph.initializers["trips"] = Tensor::scalar(DType::i64, 3);
  GraphDef body;
  body.inputs = {tensor_value("i", DType::i64, {}), tensor_value("go", DType::boolean, {}),
                 tensor_value("v", DType::f32, {})};
  NodeDef stack = node("Concat", {"v", "y"}, {"w"});
  stack.attributes["axis"] = integer_attribute("axis", 0);
  body.nodes = {stack, node("Identity", {"go"}, {"go_on"})};
  body.outputs = {tensor_value("go_on", DType::boolean, {}), tensor_value("w", DType::f32, {})};
  NodeDef loop = node("Loop", {"trips", "", "x"}, {"z"});
  set_graph(loop, "body", body);
  model.graph.nodes = {loop};
  const ir::Graph graph = imported(model);
  const Tensor x = floats({1, 4}, {1, 2, 3, 4});
  EXPECT_EQ(eval::evaluate(graph, {x, x})[0].dims(), (std::vector<int64_t>{4, 4}));
}

TEST(ControlFlow, ErrorsInBodiesAreReportedOnce) {
  ModelDef model = with_if();
  NodeDef choice = node("If", {"c"}, {"z"}, "choice");
  set_graph(choice, "then_branch", branch({node("Gizmo", {"x"}, {"r"}, "inside")}, "r"));
  set_graph(choice, "else_branch", branch({node("Neg", {"x"}, {"s"})}, "s"));
  model.graph.nodes = {choice};
  Diagnostics diagnostics;
  EXPECT_FALSE(import_model(model, {}, diagnostics));
  EXPECT_EQ(diagnostics.error_count(), 1U) << diagnostics.to_string();
  EXPECT_THAT(diagnostics.to_string(), HasSubstr("choice/inside"));
}

TEST(Summary, CountsOperatorsParametersAndMacs) {
  ModelDef model = two_inputs();
  model.graph.initializers["w"] = floats({4, 2}, std::vector<float>(8, 1));
  model.graph.nodes = {node("MatMul", {"x", "w"}, {"z"}), node("Gizmo", {"x"}, {"unused"})};
  Diagnostics diagnostics;
  const Result<ir::Graph> graph = import_model(model, {}, diagnostics);
  ASSERT_TRUE(graph) << diagnostics.to_string();
  const ModelSummary summary = summarize(model, {}, &*graph);
  ASSERT_EQ(summary.operators.size(), 2U);
  EXPECT_EQ(summary.operators[0].name, "Gizmo");
  EXPECT_FALSE(summary.operators[0].version);
  EXPECT_TRUE(summary.operators[1].version);
  EXPECT_EQ(summary.parameters, 8);
  ASSERT_TRUE(summary.macs);
  EXPECT_EQ(summary.macs->to_string(), "8*n");
}

}  // namespace
}  // namespace o2w::onnx_frontend::testing
