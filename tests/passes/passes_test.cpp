// Each pass on small graphs: text in, text out.
#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/common_subexpressions.h"
#include "compiler/passes/dead_code.h"
#include "compiler/passes/delay_concats.h"
#include "compiler/passes/eliminate_transposes.h"
#include "compiler/passes/eliminate_views.h"
#include "compiler/passes/fold_batch_norm.h"
#include "compiler/passes/fold_constants.h"
#include "compiler/passes/fold_input_scales.h"
#include "compiler/passes/fold_pads.h"
#include "compiler/passes/pass.h"
#include "compiler/passes/separate_windows.h"
#include "compiler/passes/skip_inserted_zeros.h"

namespace o2w::passes {
namespace {

// Runs the passes, then prints what is in the graph's braces.
std::string after(const std::string& nodes, const std::vector<void (*)(ir::Graph&)>& passes) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph = ir::parse_graph("graph \"g\" opset 17 {\n" + nodes + "}\n", diagnostics);
  if (!graph) return diagnostics.to_string();
  ir::verify(*graph, "parsing");
  for (const auto pass : passes) {
    pass(*graph);
    ir::verify(*graph, "a pass");
  }
  const std::string text = ir::to_text(*graph);
  return text.substr(text.find('\n') + 1, text.rfind('}') - text.find('\n') - 1);
}

TEST(DeadCode, KeepsChecksAndWhatTheyNeed) {
  const std::string nodes = R"(  symbol a 0..9
  symbol b 0..9
  input "x" %0: i64[1]
  bind (%0) [a]
  bind (%0) [b]
  require less_equal [a, 5] "at most five"
  %1: i64[1] = tabulate (%0) { neg(read0(i0)) }
  output "y" %0
)";
  EXPECT_EQ(after(nodes, {remove_dead_code}), R"(  symbol a 0..9
  symbol b 0..9
  input "x" %0: i64[1]
  bind (%0) [a]
  require less_equal [a, 5] "at most five"
  output "y" %0
)");
}

TEST(CommonSubexpressions, MergesNodesAndConstants) {
  const std::string nodes = R"(  input "x" %0: f32[2]
  %1: f32[2] = constant <f32[2] 1, 2>
  %2: f32[2] = constant <f32[2] 1, 2>
  %3: f32[2] = tabulate (%0, %1) { add(read0(i0), read1(i0)) }
  %4: f32[2] = tabulate (%0, %2) { add(read0(i0), read1(i0)) }
  output "a" %3
  output "b" %4
)";
  EXPECT_EQ(after(nodes, {merge_common_subexpressions}), R"(  input "x" %0: f32[2]
  %1: f32[2] = constant <f32[2] 1, 2>
  %3: f32[2] = tabulate (%0, %1) { add(read0(i0), read1(i0)) }
  output "a" %3
  output "b" %3
)");
}

TEST(CommonSubexpressions, BranchesDoNotSeeEachOther) {
  const std::string nodes = R"(  input "x" %0: f32[2]
  input "c" %1: bool[]
  %2: f32[2] = if (%1) then {
    parameters ()
    %3: f32[2] = tabulate (%0) { neg(read0(i0)) }
    results (%3)
  } else {
    parameters ()
    %4: f32[2] = tabulate (%0) { neg(read0(i0)) }
    results (%4)
  } results []
  output "y" %2
)";
  EXPECT_EQ(after(nodes, {merge_common_subexpressions}), nodes);
}

TEST(FoldConstants, EvaluatesAndKeepsLargeResultsOut) {
  const std::string nodes = R"(  %0: f32[2] = constant <f32[2] 1, 4>
  %1: f32[2] = tabulate (%0) { sqrt(read0(i0)) }
  %2: f32[1000000] = tabulate (%0) { read0(0) }
  output "a" %1
  output "b" %2
)";
  EXPECT_EQ(after(nodes, {fold_constants, remove_dead_code}), R"(  %0: f32[2] = constant <f32[2] 1, 4>
  %1: f32[2] = constant <f32[2] 1, 2>
  %2: f32[1000000] = tabulate (%0) { read0(0) }
  output "a" %1
  output "b" %2
)");
}

TEST(EliminateViews, JoinsChains) {
  const std::string nodes = R"(  input "x" %0: f32[2, 3]
  %1: f32[6] = view (%0)
  %2: f32[3, 2] = view (%1)
  %3: f32[2, 3] = view (%2)
  output "a" %2
  output "b" %3
)";
  EXPECT_EQ(after(nodes, {eliminate_views, remove_dead_code}), R"(  input "x" %0: f32[2, 3]
  %2: f32[3, 2] = view (%0)
  output "a" %2
  output "b" %0
)");
}

TEST(EliminateTransposes, ComposesAndCancels) {
  const std::string nodes = R"(  input "x" %0: f32[2, 3, 4]
  %1: f32[3, 4, 2] = tabulate (%0) { read0(i2, i0, i1) }
  %2: f32[4, 2, 3] = tabulate (%1) { read0(i2, i0, i1) }
  %3: f32[2, 3, 4] = tabulate (%2) { read0(i2, i0, i1) }
  output "a" %2
  output "b" %3
)";
  EXPECT_EQ(after(nodes, {eliminate_transposes, remove_dead_code}), R"(  input "x" %0: f32[2, 3, 4]
  %2: f32[4, 2, 3] = tabulate (%0) { read0(i1, i2, i0) }
  output "a" %2
  output "b" %0
)");
}

TEST(FoldBatchNorm, ScalesTheWeights) {
  const std::string nodes = R"(  input "x" %0: f32[1, 1, 4]
  %1: f32[2, 1, 1] = constant <f32[2, 1, 1] 3, 5>
  %2: f32[2] = constant <f32[2] 1, 2>
  %3: f32[2] = constant <f32[2] 10, 20>
  %4: f32[2] = constant <f32[2] 2, 4>
  %5: f32[1, 2, 4] = convolution (%0, %1) strides [1] dilations [1] pads [0] group 1
  %6: f32[1, 2, 4] = tabulate (%5, %2) { add(read0(i0, i1, i2), read1(i1)) }
  %7: f32[1, 2, 4] = tabulate (%6, %3, %4) { add(div(sub(read0(i0, i1, i2), read1(i1)), read2(i1)), 0.5:f32) }
  output "y" %7
)";
  // (3x + 1 - 10) / 2 + 0.5 and (5x + 2 - 20) / 4 + 0.5
  const std::string text = after(nodes, {fold_batch_norm, remove_dead_code});
  EXPECT_NE(text.find("constant <f32[2, 1, 1] 1.5, 1.25>"), std::string::npos) << text;
  EXPECT_NE(text.find("constant <f32[2] -4, -4>"), std::string::npos) << text;
  EXPECT_NE(text.find("{ add(read0(i0, i1, i2), read1(i1)) }"), std::string::npos) << text;
  EXPECT_EQ(text.find("div"), std::string::npos) << text;
}

TEST(FoldBatchNorm, TwoBiasesBecomeOne) {
  const std::string nodes = R"(  input "x" %0: f32[1, 1, 4]
  %1: f32[2, 1, 1] = constant <f32[2, 1, 1] 3, 5>
  %2: f32[2] = constant <f32[2] 1, 2>
  %3: f32[1] = constant <f32[1] 10>
  %5: f32[1, 2, 4] = convolution (%0, %1) strides [1] dilations [1] pads [0] group 1
  %6: f32[1, 2, 4] = tabulate (%5, %2) { add(read0(i0, i1, i2), read1(i1)) }
  %7: f32[1, 2, 4] = tabulate (%6, %3) { add(read0(0, i1, i2), read1(0)) }
  output "y" %7
)";
  const std::string text = after(nodes, {fold_batch_norm, remove_dead_code});
  EXPECT_NE(text.find("constant <f32[2] 11, 12>"), std::string::npos) << text;
  EXPECT_NE(text.find("constant <f32[2, 1, 1] 3, 5>"), std::string::npos) << text;
  EXPECT_EQ(text.find("tabulate"), text.rfind("tabulate")) << text;
}

TEST(FoldBatchNorm, LeavesOtherUsesAndActivationsAlone) {
  const std::string nodes = R"(  input "x" %0: f32[1, 1, 4]
  %1: f32[2, 1, 1] = constant <f32[2, 1, 1] 3, 5>
  %2: f32[1, 2, 4] = convolution (%0, %1) strides [1] dilations [1] pads [0] group 1
  %3: f32[1, 2, 4] = tabulate (%2) { mul(read0(i0, i1, i2), 2.0:f32) }
  %4: f32[1, 2, 4] = convolution (%0, %1) strides [1] dilations [1] pads [0] group 1
  %5: f32[1, 2, 4] = tabulate (%4) { mul(max(read0(i0, i1, i2), 0.0:f32), 2.0:f32) }
  output "a" %2
  output "b" %3
  output "c" %5
)";
  EXPECT_EQ(after(nodes, {fold_batch_norm}), nodes);
}

TEST(FoldInputScales, GoToTheWeights) {
  // Two groups of a channel each; padded.
  const std::string text = after(R"(  input "x" %0: f32[1, 2, 4]
  %1: f32[2, 1, 3] = constant <f32[2, 1, 3] 1, 2, 3, 4, 5, 6>
  %2: f32[2] = constant <f32[2] 10, 0.5>
  %3: f32[1, 2, 4] = tabulate (%0, %2) { mul(read0(0, i1, i2), read1(i1)) }
  %4: f32[1, 2, 4] = convolution (%3, %1) strides [1] dilations [1] pads [1] group 2
  output "y" %4
)",
                                 {fold_input_scales, remove_dead_code});
  EXPECT_NE(text.find("constant <f32[2, 1, 3] 10, 20, 30, 2, 2.5, 3>"), std::string::npos) << text;
  EXPECT_EQ(text.find("tabulate"), std::string::npos) << text;
}

TEST(FoldInputScales, WhatIsAddedGoesToTheResult) {
  // (2x + 1) * 3 and the same * 5
  const std::string text = after(R"(  input "x" %0: f32[1, 1, 4]
  %1: f32[2, 1, 1] = constant <f32[2, 1, 1] 3, 5>
  %2: f32[1, 1, 4] = tabulate (%0) { add(mul(read0(0, 0, i2), 2.0:f32), 1.0:f32) }
  %3: f32[1, 2, 4] = convolution (%2, %1) strides [1] dilations [1] pads [0] group 1
  output "y" %3
)",
                                 {fold_input_scales, remove_dead_code});
  EXPECT_NE(text.find("constant <f32[2, 1, 1] 6, 10>"), std::string::npos) << text;
  EXPECT_NE(text.find("constant <f32[2] 3, 5>"), std::string::npos) << text;
  EXPECT_NE(text.find("{ add(read0(i0, i1, i2), read1(i1)) }"), std::string::npos) << text;
  EXPECT_EQ(text.find("mul"), std::string::npos) << text;
}

TEST(FoldInputScales, PaddingIsNotShifted) {
  const std::string nodes = R"(  input "x" %0: f32[1, 1, 4]
  %1: f32[2, 1, 3] = constant <f32[2, 1, 3] 1, 2, 3, 4, 5, 6>
  %2: f32[1, 1, 4] = tabulate (%0) { mul(sub(read0(0, 0, i2), 1.0:f32), 2.0:f32) }
  %3: f32[1, 2, 4] = convolution (%2, %1) strides [1] dilations [1] pads [1] group 1
  output "y" %3
)";
  EXPECT_EQ(after(nodes, {fold_input_scales}), nodes);
}

TEST(Pipeline, ReportsEveryPhase) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph =
      ir::parse_graph("graph \"g\" { input \"x\" %0: f32[2] output \"y\" %0 }", diagnostics);
  ASSERT_TRUE(graph.has_value()) << diagnostics.to_string();
  std::vector<std::string> phases;
  run_passes(*graph, {}, [&](const std::string& phase, const ir::Graph&) { phases.push_back(phase); });
  ASSERT_FALSE(phases.empty());
  EXPECT_EQ(phases.front(), "pass-01-dead-code");
}

// Zeros before and after the rows, after the columns alone, in two steps.
TEST(FoldPads, ZerosBecomeTheConvolutionsPadding) {
  EXPECT_EQ(after(R"(  input "x" %0: f32[1, 3, 8, 8]
  input "w" %1: f32[4, 3, 3, 3]
  %2: f32[1, 3, 10, 8] = tabulate (%0) { $0 = add(i2, -1); select(logical_and(ge($0, 0), lt($0, 8)), read0(i0, i1, $0, i3), 0.0:f32) }
  %3: f32[1, 3, 10, 9] = tabulate (%2) { select(lt(i3, 8), read0(i0, i1, i2, i3), 0.0:f32) }
  %4: f32[1, 4, 4, 4] = convolution (%3, %1) strides [2, 2] dilations [1, 1] pads [0, 0] group 1
  output "y" %4
)",
                  {fold_pads, remove_dead_code}),
            R"(  input "x" %0: f32[1, 3, 8, 8]
  input "w" %1: f32[4, 3, 3, 3]
  %4: f32[1, 4, 4, 4] = convolution (%0, %1) strides [2, 2] dilations [1, 1] pads [1, 0] group 1
  output "y" %4
)");
}

TEST(SeparateWindows, ColumnsThenRows) {
  EXPECT_EQ(after(R"(  input "x" %0: f32[1, 3, 20, 30]
  %1: f32[1, 3, 20, 28] = reduce max (%0) over [5, 7] { read0(i0, i1, add(add(i2, i4), -2), add(add(i3, i5), -2)) } guard { $0 = add(add(i2, i4), -2); $1 = add(add(i3, i5), -2); logical_and(logical_and(ge($0, 0), lt($0, 20)), logical_and(ge($1, 0), lt($1, 30))) }
  output "y" %1
)",
                  {separate_windows}),
            R"(  input "x" %0: f32[1, 3, 20, 30]
  %2: f32[1, 3, 20, 30] = reduce max (%0) over [5] { read0(i0, i1, add(add(i2, i4), -2), i3) } guard { $0 = add(add(i2, i4), -2); logical_and(ge($0, 0), lt($0, 20)) }
  %1: f32[1, 3, 20, 28] = reduce max (%2) over [7] { read0(i0, i1, i2, add(add(i3, i4), -2)) } guard { $0 = add(add(i3, i4), -2); logical_and(ge($0, 0), lt($0, 30)) }
  output "y" %1
)");
}

// Small windows, windows that hardly overlap, sums, positions.
TEST(SeparateWindows, WhatStays) {
  for (const std::string pool : {
           "%1: f32[1, 3, 18, 28] = reduce max (%0) over [3, 3] { read0(i0, i1, add(i2, i4), add(i3, i5)) }",
           "%1: f32[1, 3, 4, 6] = reduce max (%0) over [5, 5] { read0(i0, i1, add(mul(i2, 5), i4), "
           "add(mul(i3, 5), "
           "i5)) }",
           "%1: f32[1, 3, 16, 26] = reduce sum (%0) over [5, 5] { read0(i0, i1, add(i2, i4), add(i3, i5)) }",
           "%1: i64[1, 3, 16, 26] = reduce arg_max (%0) over [5, 5] { read0(i0, i1, add(i2, i4), add(i3, "
           "i5)) }",
       }) {
    const std::string text = "  input \"x\" %0: f32[1, 3, 20, 30]\n  " + pool + "\n  output \"y\" %1\n";
    EXPECT_EQ(after(text, {separate_windows}), text);
  }
}

TEST(DelayConcats, WorkIsDoneOnTheParts) {
  EXPECT_EQ(after(R"(  input "x" %0: f32[1, 2, 4]
  input "z" %1: f32[1, 3, 4]
  %2: f32[1, 2, 4] = tabulate (%0) { tanh(read0(i0, i1, i2)) }
  %3: f32[1, 5, 4] = concat (%2, %1) axis 1
  %4: f32[1, 5, 4] = tabulate (%3) { max(read0(0, i1, i2), 0.0:f32) }
  %5: f32[1, 5, 4] = tabulate (%4) { exp(read0(i0, i1, i2)) }
  output "y" %5
)",
                  {delay_concats, remove_dead_code}),
            R"(  input "x" %0: f32[1, 2, 4]
  input "z" %1: f32[1, 3, 4]
  %2: f32[1, 2, 4] = tabulate (%0) { tanh(read0(i0, i1, i2)) }
  %6: f32[1, 2, 4] = tabulate (%2) { max(read0(i0, i1, i2), 0.0:f32) }
  %7: f32[1, 3, 4] = tabulate (%1) { max(read0(i0, i1, i2), 0.0:f32) }
  %8: f32[1, 2, 4] = tabulate (%6) { exp(read0(i0, i1, i2)) }
  %9: f32[1, 3, 4] = tabulate (%7) { exp(read0(i0, i1, i2)) }
  %5: f32[1, 5, 4] = concat (%8, %9) axis 1
  output "y" %5
)");
}

// Parts that nobody computes for it, other uses, numbers of a channel, a place that counts.
TEST(DelayConcats, WhatStays) {
  const auto graph = [](const std::string& part, const std::string& body, const std::string& more) {
    return "  input \"x\" %0: f32[1, 2, 4]\n  input \"s\" %1: f32[6, 1]\n  %2: f32[1, 2, 4] = tabulate (%0) "
           "{ "
           "tanh(read0(i0, i1, i2)) }\n  %3: f32[1, 6, 4] = concat (" +
           part + ") axis 1\n  %4: f32[1, 6, 4] = tabulate (%3, %1) { " + body + " }\n  output \"y\" %4\n" +
           more;
  };
  const std::string relu = "max(read0(0, i1, i2), 0.0:f32)", first = "  output \"t\" %2\n";
  for (const std::string& text : {
           graph("%0, %0, %2", relu, "  output \"c\" %3\n"),
           graph("%2, %0, %2", relu, first),
           graph("%0, %0, %2", "mul(read0(i0, i1, i2), read1(i1, 0))", ""),
           graph("%0, %0, %2", "select(lt(i2, 2), read0(i0, i1, i2), 0.0:f32)", ""),
       }) {
    EXPECT_EQ(after(text, {delay_concats}), text);
  }
}

// The window's taps in reverse; the pixel kept stands second in its row. Another picture of ones is no
// spreading.
TEST(SkipInsertedZeros, ConvolutionsOfSpreadPixelsAreTransposed) {
  const auto graph = [](const std::string& mask) {
    return R"(  input "x" %0: f32[1, 2, 1, 2]
  %1: f32[1, 2, 2, 4] = tabulate (%0) { read0(i0, i1, floordiv(i2, 2), floordiv(i3, 2)) }
  %2: f32[1, 1, 2, 4] = constant <f32[1, 1, 2, 4] )" +
           mask + R"(>
  %3: f32[1, 2, 2, 4] = tabulate (%1, %2) { mul(read0(i0, i1, i2, i3), read1(0, 0, i2, i3)) }
  %4: f32[2, 1, 2, 3] = constant <f32[2, 1, 2, 3] 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>
  %5: f32[1, 2, 2, 4] = convolution (%3, %4) strides [1, 1] dilations [1, 1] pads [1, 1] group 2
  output "y" %5
)";
  };
  EXPECT_EQ(after(graph("0, 2, 0, 2, 0, 0, 0, 0"), {skip_inserted_zeros, remove_dead_code}),
            R"(  input "x" %0: f32[1, 2, 1, 2]
  %6: f32[2, 1, 2, 3] = constant <f32[2, 1, 2, 3] 12, 10, 8, 6, 4, 2, 24, 22, 20, 18, 16, 14>
  %5: f32[1, 2, 2, 4] = convolution (%0, %6) strides [2, 2] dilations [1, 1] pads [0, 0] group 2 transposed
  output "y" %5
)");
  const std::string other = graph("1, 0, 1, 0, 1, 0, 1, 0");
  EXPECT_EQ(after(other, {skip_inserted_zeros, remove_dead_code}), other);
}

// What a sum or a maximum over a window does not see is left out: zeros, minus infinity, and zeros that come
// of a constant around what is never negative.
TEST(FoldPads, PoolsLeavePaddingOut) {
  EXPECT_EQ(after(R"(  input "x" %0: f32[1, 3, 8, 8]
  %1: f32[1, 3, 10, 8] = tabulate (%0) { $0 = add(i2, -1); select(logical_and(ge($0, 0), lt($0, 8)), read0(i0, i1, $0, i3), 0.0:f32) }
  %2: f32[1, 3, 8, 8] = reduce sum (%1) over [3, 1] { read0(i0, i1, add(i2, i4), i3) }
  %3: f32[1, 3, 10, 8] = tabulate (%0) { $0 = add(i2, -1); select(logical_and(ge($0, 0), lt($0, 8)), read0(i0, i1, $0, i3), -inf:f32) }
  %4: f32[1, 3, 8, 8] = reduce max (%3) over [3, 1] { read0(i0, i1, add(i2, i4), i3) }
  %5: f32[1, 3, 8, 8] = tabulate (%0) { max(read0(i0, i1, i2, i3), 0.0:f32) }
  %6: f32[] = constant <f32[] 0>
  %7: f32[1, 3, 10, 8] = tabulate (%5, %6) { $0 = add(i2, -1); select(logical_and(ge($0, 0), lt($0, 8)), read0(i0, i1, $0, i3), read1()) }
  %8: f32[1, 3, 8, 8] = reduce max (%7) over [3, 1] { read0(i0, i1, add(i2, i4), i3) }
  output "a" %2
  output "b" %4
  output "c" %8
)",
                  {fold_pads, remove_dead_code}),
            R"(  input "x" %0: f32[1, 3, 8, 8]
  %2: f32[1, 3, 8, 8] = reduce sum (%0) over [3, 1] { read0(i0, i1, add(add(i2, i4), -1), i3) } guard { $0 = add(add(i2, i4), -1); logical_and(ge($0, 0), lt($0, 8)) }
  %4: f32[1, 3, 8, 8] = reduce max (%0) over [3, 1] { read0(i0, i1, add(add(i2, i4), -1), i3) } guard { $0 = add(add(i2, i4), -1); logical_and(ge($0, 0), lt($0, 8)) }
  %5: f32[1, 3, 8, 8] = tabulate (%0) { max(read0(i0, i1, i2, i3), 0.0:f32) }
  %8: f32[1, 3, 8, 8] = reduce max (%5) over [3, 1] { read0(i0, i1, add(add(i2, i4), -1), i3) } guard { $0 = add(add(i2, i4), -1); logical_and(ge($0, 0), lt($0, 8)) }
  output "a" %2
  output "b" %4
  output "c" %8
)");
}

// A maximum sees zeros around what may be negative, and where a window holds nothing else.
TEST(FoldPads, PoolsThatSeeTheirPaddingKeepIt) {
  const std::string negative = R"(  input "x" %0: f32[1, 3, 8, 8]
  %1: f32[1, 3, 10, 8] = tabulate (%0) { $0 = add(i2, -1); select(logical_and(ge($0, 0), lt($0, 8)), read0(i0, i1, $0, i3), 0.0:f32) }
  %2: f32[1, 3, 8, 8] = reduce max (%1) over [3, 1] { read0(i0, i1, add(i2, i4), i3) }
  output "y" %2
)";
  EXPECT_EQ(after(negative, {fold_pads, remove_dead_code}), negative);
  const std::string outside = R"(  input "x" %0: f32[1, 3, 8, 8]
  %1: f32[1, 3, 8, 8] = tabulate (%0) { max(read0(i0, i1, i2, i3), 0.0:f32) }
  %2: f32[1, 3, 11, 8] = tabulate (%1) { $0 = add(i2, -3); select(ge($0, 0), read0(i0, i1, $0, i3), 0.0:f32) }
  %3: f32[1, 3, 9, 8] = reduce max (%2) over [3, 1] { read0(i0, i1, add(i2, i4), i3) }
  output "y" %3
)";
  EXPECT_EQ(after(outside, {fold_pads, remove_dead_code}), outside);
}

// Other values around the picture, padded channels, conditions that leave elements out, a wrong edge.
TEST(FoldPads, WhatIsNoPaddingOfPicturesStays) {
  for (const char* pad : {
           "%2: f32[1, 3, 10, 8] = tabulate (%0) { $0 = add(i2, -1); select(logical_and(ge($0, 0), lt($0, "
           "8)), "
           "read0(i0, i1, $0, i3), 1.0:f32) }",
           "%2: f32[1, 3, 10, 8] = tabulate (%0) { $0 = add(i2, -1); select(logical_and(ge($0, 1), lt($0, "
           "8)), "
           "read0(i0, i1, $0, i3), 0.0:f32) }",
           "%2: f32[1, 3, 10, 8] = tabulate (%0) { select(logical_and(lt(i2, 8), lt(i3, 7)), read0(i0, i1, "
           "i2, "
           "i3), 0.0:f32) }",
           "%2: f32[1, 3, 10, 8] = tabulate (%0) { select(logical_and(lt(i2, 8), lt(i1, 3)), read0(i0, i1, "
           "i3, "
           "i2), 0.0:f32) }",
       }) {
    const std::string nodes =
        "  input \"x\" %0: f32[1, 3, 8, 8]\n  input \"w\" %1: f32[4, 3, 3, 3]\n  " + std::string(pad) +
        "\n  %3: f32[1, 4, 8, 6] = convolution (%2, %1) strides [1, 1] dilations [1, 1] pads "
        "[0, 0] group 1\n  output \"y\" %3\n";
    EXPECT_EQ(after(nodes, {fold_pads, remove_dead_code}), nodes);
  }
  const std::string channels = R"(  input "x" %0: f32[1, 2, 8, 8]
  input "w" %1: f32[4, 3, 3, 3]
  %2: f32[1, 3, 8, 8] = tabulate (%0) { select(lt(i1, 2), read0(i0, i1, i2, i3), 0.0:f32) }
  %3: f32[1, 4, 6, 6] = convolution (%2, %1) strides [1, 1] dilations [1, 1] pads [0, 0] group 1
  output "y" %3
)";
  EXPECT_EQ(after(channels, {fold_pads, remove_dead_code}), channels);
}

}  // namespace
}  // namespace o2w::passes
