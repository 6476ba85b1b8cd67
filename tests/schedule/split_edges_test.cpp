// Nests whose conditions are decided by splitting their loops: text in, operations of the draft out.
#include <gtest/gtest.h>

#include "compiler/schedule/kernel_choice.h"
#include "tests/schedule/draft_from_text.h"

namespace o2w::schedule {
namespace {

std::string nests(const Draft& draft) {
  const std::string text = to_text(draft);
  return text.substr(text.find("nest "));
}

std::string after(const std::string& nodes) { return draft_after(nodes, {split_edges}, nests); }

TEST(SplitEdges, PadsAreFillsAroundACopy) {
  EXPECT_EQ(after(R"(
  symbol h 1..4096 input
  input "x" %0: f32[8, h, 30]
  %1: f32[8, h + 2, 32] = tabulate (%0) { select(logical_and(logical_and(logical_and(ge(add(i1, -1), 0), lt(add(i1, -1), dim(h))), ge(add(i2, -1), 0)), lt(add(i2, -1), 30)), read0(i0, add(i1, -1), add(i2, -1)), 0.0:f32) }
  output "y" %1
)"),
            R"(nest [8] (t0, t1)
  loops [1, 32] operand1(i0, i1, i2) = 0.0:f32
  loops [h, 1] operand1(i0, add(i1, 1), i2) = 0.0:f32
  loops [h, 30] operand1(i0, add(i1, 1), add(i2, 1)) = read0:f32(i0, i1, i2)
  loops [h, 1] operand1(i0, add(i1, 1), add(i2, 31)) = 0.0:f32
  loops [1, 32] operand1(i0, add(i1, dim(h + 1)), i2) = 0.0:f32
)");
}

// Rows that repeat their ends or turn around there; which row is read is computed once a row.
TEST(SplitEdges, ClampedAndReflectedPositions) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[40, 30]
  %1: f32[42, 40] = tabulate (%0) { read0(min(max(add(i0, -1), 0), 39), min(max(add(i1, -5), 0), 29)) }
  output "y" %1
)"),
            R"(nest [42] (t0, t1)
  loops [5] operand1(i0, i1) = read0:f32(min(max(add(i0, -1), 0), 39), 0)
  loops [29] operand1(i0, add(i1, 5)) = read0:f32(min(max(add(i0, -1), 0), 39), i1)
  loops [6] operand1(i0, add(i1, 34)) = read0:f32(min(max(add(i0, -1), 0), 39), 29)
)");
  EXPECT_EQ(after(R"(
  input "x" %0: f32[40, 30]
  %1: f32[40, 40] = tabulate (%0) { $0 = mod(add(i1, -5), 58); read0(i0, min($0, sub(58, $0))) }
  output "y" %1
)"),
            R"(nest [40] (t0, t1)
  loops [5] operand1(i0, i1) = read0:f32(i0, sub(58, add(i1, 53)))
  loops [29] operand1(i0, add(i1, 5)) = read0:f32(i0, i1)
  loops [6] operand1(i0, add(i1, 34)) = read0:f32(i0, sub(58, add(i1, 29)))
)");
}

// Sizes that are not known may leave intervals empty, wherever their bounds come to lie.
TEST(SplitEdges, BoundsStayWithinTheLoop) {
  EXPECT_EQ(after(R"(
  symbol n 0..4096 input
  symbol m 0..4096 input
  input "x" %0: f32[64, n]
  input "z" %1: f32[64, m]
  %2: f32[64, m] = tabulate (%0, %1) { select(lt(i1, dim(n)), read0(i0, i1), read1(i0, i1)) }
  output "y" %2
)"),
            R"(nest [64] (t0, t1, t2)
  loops [min(m, n)] operand2(i0, i1) = read0:f32(i0, i1)
  loops [m + -1*min(m, n)] operand2(i0, add(i1, dim(min(m, n)))) = read1:f32(i0, add(i1, dim(min(m, n))))
)");
}

// Two loops decide together, an index may be wrong, little is stored: nothing changes.
TEST(SplitEdges, WhatStays) {
  for (const char* body : {
           "select(le(i1, i0), read0(i0, i1), 0.0:f32)",
           "select(lt(i1, 20), read0(i0, checked_index(add(i1, 1), 30)), 0.0:f32)",
       }) {
    const std::string text = after("  input \"x\" %0: f32[40, 30]\n  %1: f32[40, 30] = tabulate (%0) { " +
                                   std::string(body) + " }\n  output \"y\" %1\n");
    EXPECT_NE(text.find("nest [40, 30]"), std::string::npos) << text;
  }
  EXPECT_NE(after(R"(
  input "x" %0: f32[4, 30]
  %1: f32[4, 30] = tabulate (%0) { select(lt(i1, 20), read0(i0, i1), 0.0:f32) }
  output "y" %1
)")
                .find("nest [4, 30]"),
            std::string::npos);
}

TEST(TabulatePositions, RowsReadATable) {
  EXPECT_EQ(draft_after(R"(
  input "x" %0: f32[64, 30]
  %1: f32[64, 45] = tabulate (%0) { read0(i0, cast:index(floor(div(cast:f32(i1), 1.5:f32)))) }
  output "y" %1
)",
                        {tabulate_positions}, nests),
            R"(nest [45] (t2)
  operand0(i0) = cast:i32(cast:index(floor(div(cast:f32(i0), 1.5:f32))))
nest [64, 45] (t0, t1, t2)
  operand1(i0, i1) = read0:f32(i0, cast:index(read2:i32(i1)))
)");
}

}  // namespace
}  // namespace o2w::schedule
