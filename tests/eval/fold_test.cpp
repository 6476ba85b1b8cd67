// Folding of one node whose inputs are constant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/text.h"
#include "tests/eval/graph_text.h"

namespace o2w::test {
namespace {

using ir::DType;
using ir::Tensor;

const ir::Node& last_node(const ir::Graph& graph) { return *graph.region.nodes.back(); }

TEST(Fold, GivesWhatTheNodeGives) {
  const ir::Graph graph = graph_of(R"(graph "t" opset 17 {
    %0: i64[3] = constant <i64[3] 3, 1, 2>
    %1: i64[3], %2: i64[3] = sort (%0) axis 0 smallest
  })");
  const auto folded = eval::fold(last_node(graph));
  ASSERT_TRUE(folded.has_value());
  EXPECT_THAT(elements(folded->at(0)), testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(elements(folded->at(1)), testing::ElementsAre(1, 2, 0));
}

// The weights of a large layer, transposed and scaled: folding has to be fit for use, not just right.
TEST(Fold, TakesLargeWeights) {
  ir::Graph graph = graph_of(R"(graph "t" opset 17 {
    %0: f32[4096, 5632] = constant <f32[4096, 5632] #0000000000000000>
    %1: f32[5632, 4096] = tabulate (%0) { mul(read0(i1, i0), 0.5:f32) }
  })");
  Tensor weights(DType::f32, {4096, 5632});
  auto* numbers = weights.mutable_data<float>();
  for (int64_t i = 0; i < weights.count(); ++i) numbers[i] = static_cast<float>(i % 1009);
  graph.region.nodes.front()->as<ir::Constant>()->tensor = weights;
  const auto folded = eval::fold(last_node(graph));
  ASSERT_TRUE(folded.has_value());
  const auto* result = folded->at(0).data<float>();
  for (const int64_t row : {0, 17, 5631}) {
    for (const int64_t column : {0, 1, 4095}) {
      EXPECT_EQ(result[row * 4096 + column], numbers[column * 5632 + row] * 0.5F);
    }
  }
}

TEST(Fold, LeavesAloneWhatOnlyARunKnows) {
  const char* const bodies[] = {
      "%0: f32[2] = random normal () a 0 b 1",
      "symbol n 0..9\n %0: f32[n] = tabulate () { 0.0:f32 }",
      "%0: bool[] = constant <bool[] 1>\n"
      "%1: bool[] = if (%0) then { parameters ()\n results (%0) } else { parameters ()\n results (%0) } "
      "results []",
  };
  for (const char* body : bodies) {
    SCOPED_TRACE(body);
    Diagnostics diagnostics;
    auto parsed = ir::parse_graph(std::string("graph \"t\" opset 17 {\n") + body + "\n}", diagnostics);
    ASSERT_TRUE(parsed.has_value()) << diagnostics.to_string();
    EXPECT_FALSE(eval::fold(last_node(*parsed)).has_value());
  }
}

TEST(Fold, StopsAtTheByteLimit) {
  const ir::Graph graph = graph_of("graph \"t\" opset 17 {\n %0: f32[1024] = tabulate () { 1.0:f32 }\n}");
  EXPECT_FALSE(eval::fold(last_node(graph), 4095).has_value());
  EXPECT_TRUE(eval::fold(last_node(graph), 4096).has_value());
}

}  // namespace
}  // namespace o2w::test
