// The fusion steps on small graphs: text in, operations of the draft out.
#include "compiler/schedule/fusion.h"

#include <gtest/gtest.h>

#include "tests/schedule/draft_from_text.h"

namespace o2w::schedule {
namespace {

std::string operations(const Draft& draft) {
  std::string text, line;
  std::istringstream lines(to_text(draft));
  while (std::getline(lines, line)) {
    const bool is_tensor = line.starts_with("t") && line.find(" \"") < line.find(' ') + 2;
    if (!line.starts_with("draft") && !is_tensor) text += line + "\n";
  }
  return text;
}

std::string after(const std::string& nodes, const DraftSteps& steps) {
  return draft_after(nodes, steps, operations);
}

TEST(LiteralScalars, BecomeNumbersOfTheExpression) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[4]
  %1: f32[] = constant <f32[] 3>
  %2: f32[1] = constant <f32[1] 0.5>
  %3: f32[4] = tabulate (%1, %0, %2) { mul(add(read1(i0), read0()), read2(0)) }
  output "y" %3
)",
                  {literal_scalars}),
            R"(nest [4] (t0, t3)
  operand1(i0) = mul(add(read0:f32(i0), 3.0:f32), 0.5:f32)
)");
}

TEST(InlineElementwise, ChainsBecomeOneNest) {
  EXPECT_EQ(after(R"(
  symbol n 1..9 input
  input "x" %0: f32[n, 4]
  input "b" %1: f32[4]
  %2: f32[n, 4] = tabulate (%0, %1) { add(read0(i0, i1), read1(i1)) }
  %3: f32[n, 4] = tabulate (%2) { tanh(read0(i0, i1)) }
  %4: f32[4, n] = tabulate (%3) { read0(i1, i0) }
  output "y" %4
)",
                  {inline_elementwise}),
            R"(nest [4, n] (t4, t0, t1)
  operand0(i0, i1) = tanh(add(read1:f32(i1, i0), read2:f32(i0)))
)");
}

TEST(InlineElementwise, RoundsAsStoringWouldHave) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[4]
  %1: f16[4] = tabulate (%0) { cast:f16(read0(i0)) }
  %2: f32[4] = tabulate (%1) { cast:f32(read0(i0)) }
  output "y" %2
)",
                  {inline_elementwise}),
            R"(nest [4] (t2, t0)
  operand0(i0) = cast:f32(cast:f16(read1:f32(i0)))
)");
}

// What is read is the same everywhere, but an index out of range is an error still.
TEST(InlineElementwise, KeepsTheChecksOfIndices) {
  EXPECT_EQ(after(R"(
  symbol n 1..9 input
  input "i" %0: i64[4]
  %1: f32[n] = tabulate () { 0.5:f32 }
  %2: f32[4] = tabulate (%1, %0) { read0(checked_index(cast:index(read1(i0)), n)) }
  output "y" %2
)",
                  {inline_elementwise}),
            R"(nest [n] (t1)
  operand0(i0) = 0.5:f32
nest [4] (t1, t0, t2)
  operand2(i0) = read0:f32(checked_index(cast:index(read1:i64(i0)), n))
)");
}

TEST(InlineElementwise, DoesNotRepeatWork) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[4]
  %1: f32[4] = tabulate (%0) { exp(read0(i0)) }
  %2: f32[3, 4] = tabulate (%1) { neg(read0(i1)) }
  output "y" %2
)",
                  {inline_elementwise}),
            R"(nest [4] (t0, t1)
  operand1(i0) = exp(read0:f32(i0))
nest [3, 4] (t1, t2)
  operand1(i0, i1) = neg(read0:f32(i1))
)");
}

TEST(InlineElementwise, ReadsStateBeforeItIsWritten) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[4]
  %1: f32[4] = tabulate (%0) { exp(read0(i0)) }
  %2: f32[4] = loop (%0) trip 3 carried 1 body {
    parameters (%3: i64[], %4: f32[4])
    %5: f32[4] = tabulate (%4) { neg(read0(i0)) }
    %6: f32[4] = tabulate (%5, %1) { add(read0(i0), read1(i0)) }
    results (%6)
  }
  output "y" %2
)",
                  {inline_elementwise}),
            R"(nest [4] (t0, t1)
  operand1(i0) = exp(read0:f32(i0))
allocate t3
nest [4] (t0, t4)
  operand1(i0) = read0:f32(i0)
repeat t2 times 3 {
  nest [4] (t1, t6, t3)
    operand1(i0) = add(neg(read2:f32(i0)), read0:f32(i0))
  nest [4] (t6, t7)
    operand1(i0) = read0:f32(i0)
}
nest [4] (t8, t9)
  operand1(i0) = read0:f32(i0)
)");
}

TEST(AbsorbTransposes, HeadsOfAttention) {
  EXPECT_EQ(after(R"(
  input "q" %0: f32[2, 5, 3, 8]
  input "k" %1: f32[2, 7, 3, 8]
  input "v" %2: f32[2, 3, 7, 8]
  %3: f32[2, 3, 5, 8] = tabulate (%0) { read0(i0, i2, i1, i3) }
  %4: f32[2, 3, 8, 7] = tabulate (%1) { read0(i0, i3, i1, i2) }
  %5: f32[2, 3, 5, 7] = einsum (%3, %4) "abmk,abkn->abmn"
  %6: f32[2, 3, 5, 8] = einsum (%5, %2) "abmk,abkn->abmn"
  %7: f32[2, 5, 3, 8] = tabulate (%6) { read0(i0, i2, i1, i3) }
  output "y" %7
)",
                  {absorb_transposes}),
            R"(t5 = einsum ambk, anbk -> abmn (t0, t1)
t7 = einsum abmk, abkn -> ambn (t5, t2)
)");
}

TEST(AbsorbTransposes, PowersOfTwoGoToTheEpilogue) {
  EXPECT_EQ(after(R"(
  input "q" %0: f32[5, 3, 8]
  input "k" %1: f32[7, 3, 8]
  %2: f32[] = constant <f32[] 0.5>
  %3: f32[3, 5, 8] = tabulate (%0, %2) { mul(read0(i1, i0, i2), read1()) }
  %4: f32[3, 8, 7] = tabulate (%1, %2) { mul(read1(), read0(i2, i0, i1)) }
  %5: f32[3, 5, 7] = einsum (%3, %4) "bmk,bkn->bmn"
  output "y" %5
)",
                  {literal_scalars, absorb_transposes}),
            R"(t5 = einsum mbk, nbk -> bmn (t0, t1) () then: mul(temp0:f32, 0.25:f32)
)");
  // A third has digits of its own. What it is multiplied by keeps its order.
  EXPECT_EQ(after(R"(
  input "q" %0: f32[5, 3, 8]
  input "k" %1: f32[3, 8, 7]
  %2: f32[] = constant <f32[] 3>
  %3: f32[3, 5, 8] = tabulate (%0, %2) { div(read0(i1, i0, i2), read1()) }
  %4: f32[3, 5, 7] = einsum (%3, %1) "bmk,bkn->bmn"
  output "y" %4
)",
                  {literal_scalars, absorb_transposes}),
            R"(nest [5, 3, 8] (t0, t5)
  operand1(i0, i1, i2) = div(read0:f32(i0, i1, i2), 3.0:f32)
t4 = einsum mbk, bkn -> bmn (t5, t1)
)");
}

TEST(AbsorbTransposes, ComputesOperandsInTheOrderOfWhatTheyAreComputedFrom) {
  EXPECT_EQ(after(R"(
  input "q" %0: f32[3, 5, 8]
  input "k" %1: f32[1, 7, 3, 8]
  input "b" %2: f32[1, 7, 3, 8]
  input "s" %3: f32[1]
  %4: f32[1, 3, 8, 7] = tabulate (%1, %2, %3) { mul(add(read0(i0, i3, i1, i2), read1(i0, i3, i1, i2)), read2(0)) }
  %5: f32[3, 8, 7] = view (%4)
  %6: f32[3, 5, 7] = einsum (%0, %5) "bmk,bkn->bmn"
  output "y" %6
)",
                  {absorb_transposes}),
            R"(nest [1, 7, 3, 8] (t1, t2, t3, t7)
  operand3(i0, i1, i2, i3) = mul(add(read0:f32(i0, i1, i2, i3), read1:f32(i0, i1, i2, i3)), read2:f32(0))
t6 = einsum bmk, nbk -> bmn (t0, t8)
)");
  // Another reader wants the other order.
  EXPECT_EQ(after(R"(
  input "q" %0: f32[5, 8]
  input "k" %1: f32[7, 8]
  %2: f32[8, 7] = tabulate (%1) { tanh(read0(i1, i0)) }
  %3: f32[5, 7] = einsum (%0, %2) "mk,kn->mn"
  output "y" %3
  output "z" %2
)",
                  {absorb_transposes}),
            R"(nest [8, 7] (t1, t2)
  operand1(i0, i1) = tanh(read0:f32(i1, i0))
t3 = einsum mk, kn -> mn (t0, t2)
)");
}

TEST(AbsorbTransposes, BehindViewsWithoutDimensionsOfOne) {
  EXPECT_EQ(after(R"(
  input "q" %0: f32[3, 5, 8]
  input "k" %1: f32[1, 7, 3, 8]
  %2: f32[1, 3, 8, 7] = tabulate (%1) { read0(i0, i3, i1, i2) }
  %3: f32[3, 8, 7] = view (%2)
  %4: f32[3, 5, 7] = einsum (%0, %3) "bmk,bkn->bmn"
  output "y" %4
)",
                  {absorb_transposes}),
            R"(t4 = einsum bmk, nbk -> bmn (t0, t5)
)");
}

TEST(AbsorbTransposes, DimensionsOfOneReadAtZero) {
  EXPECT_EQ(after(R"(
  input "q" %0: f32[3, 5, 8]
  input "k" %1: f32[1, 7, 3, 8]
  %2: f32[1, 3, 8, 7] = tabulate (%1) { mul(read0(0, i3, i1, i2), 0.5:f32) }
  %3: f32[3, 8, 7] = view (%2)
  %4: f32[3, 5, 7] = einsum (%0, %3) "bmk,bkn->bmn"
  output "y" %4
)",
                  {absorb_transposes}),
            R"(t4 = einsum bmk, nbk -> bmn (t0, t5) () then: mul(temp0:f32, 0.5:f32)
)");
}

TEST(AbsorbTransposes, OnlyWhereRowsStayContiguous) {
  EXPECT_EQ(after(R"(
  input "a" %0: f32[8, 5]
  input "b" %1: f32[8, 7]
  %2: f32[5, 8] = tabulate (%0) { read0(i1, i0) }
  %3: f32[5, 7] = einsum (%2, %1) "mk,kn->mn"
  %4: f32[7, 5] = tabulate (%3) { read0(i1, i0) }
  output "y" %4
)",
                  {absorb_transposes}),
            R"(nest [5, 8] (t0, t2)
  operand1(i0, i1) = read0:f32(i1, i0)
t3 = einsum mk, kn -> mn (t2, t1)
nest [7, 5] (t3, t4)
  operand1(i0, i1) = read0:f32(i1, i0)
)");
}

TEST(FuseEpilogues, BiasActivationAndResidual) {
  EXPECT_EQ(
      after(R"(
  input "x" %0: f32[1, 5, 8]
  input "w" %1: f32[8, 8]
  input "b" %2: f32[8]
  %3: f32[5, 8] = view (%0)
  %4: f32[5, 8] = einsum (%3, %1) "mk,kn->mn"
  %5: f32[1, 5, 8] = view (%4)
  %6: f32[1, 5, 8] = tabulate (%5, %2) { add(read0(i0, i1, i2), read1(i2)) }
  %7: f32[1, 5, 8] = tabulate (%6) { max(read0(i0, i1, i2), 0.0) }
  %8: f32[1, 5, 8] = tabulate (%7, %0) { add(read0(i0, i1, i2), read1(i0, i1, i2)) }
  output "y" %8
)",
            {inline_elementwise, fuse_epilogues}),
      R"(t8 = einsum mk, kn -> Amn (t3, t1) (t2, t0) then f32 column f32 same: add(max(add(temp0:f32, read0:f32()), 0.0:f32), read1:f32())
)");
}

// The residual is read at the output's places in memory, which the part of a concatenation changes.
TEST(FuseEpilogues, ResidualStaysOutOfConcatenations) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[5, 8]
  input "w" %1: f32[8, 8]
  input "r" %2: f32[5, 8]
  %3: f32[5, 8] = einsum (%0, %1) "mk,kn->mn"
  %4: f32[5, 8] = tabulate (%3, %2) { add(read0(i0, i1), read1(i0, i1)) }
  %5: f32[5, 16] = concat (%4, %2) axis 1
  output "y" %5
)",
                  {fuse_epilogues}),
            R"(t4 = einsum mk, kn -> mn (t0, t1) (t2) then f32 same: add(temp0:f32, read0:f32())
nest [5, 8] (t4, t6)
  operand1(i0, i1) = read0:f32(i0, i1)
nest [5, 8] (t2, t7)
  operand1(i0, i1) = read0:f32(i0, i1)
)");
}

TEST(FuseEpilogues, ColumnsOfSeveralLabelsAreNotOneBias) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[5, 8]
  input "w" %1: f32[8, 3, 4]
  input "b" %2: f32[4]
  %3: f32[5, 3, 4] = einsum (%0, %1) "mk,khn->mhn"
  %4: f32[5, 3, 4] = tabulate (%3, %2) { add(read0(i0, i1, i2), read1(i2)) }
  output "y" %4
)",
                  {fuse_epilogues}),
            R"(t3 = einsum mk, khn -> mhn (t0, t1)
nest [5, 3, 4] (t3, t2, t4)
  operand2(i0, i1, i2) = add(read0:f32(i0, i1, i2), read1:f32(i2))
)");
}

TEST(FuseEpilogues, ChannelsOfAConvolution) {
  EXPECT_EQ(
      after(R"(
  input "x" %0: f32[1, 3, 8]
  input "w" %1: f32[6, 3, 1]
  input "b" %2: f32[1, 6, 1]
  %3: f32[1, 6, 8] = convolution (%0, %1) strides [1] dilations [1] pads [0] group 1
  %4: f32[1, 6, 8] = tabulate (%3, %2) { add(read0(i0, i1, i2), read1(0, i1, 0)) }
  %5: f32[1, 6, 8] = tabulate (%4) { mul(read0(i0, i1, i2), sigmoid(read0(i0, i1, i2))) }
  output "y" %5
)",
            {inline_elementwise, fuse_epilogues}),
      R"(t5 = convolution (t0, t1) (t2) then f32 column: $0 = add(temp0:f32, read0:f32()); mul($0, sigmoid($0))
)");
}

TEST(FuseRows, LayerNormalization) {
  EXPECT_EQ(after(R"(
  symbol n 1..9 input
  input "x" %0: f32[n, 16]
  input "g" %1: f32[16]
  %2: f32[n, 1] = reduce sum (%0) over [16] { read0(i0, i2) }
  %3: f32[n, 1] = tabulate (%2) { div(read0(i0, i1), 16.0) }
  %4: f32[n, 16] = tabulate (%0, %3) { sub(read0(i0, i1), read1(i0, 0)) }
  %5: f32[n, 1] = reduce sum (%4) over [16] { mul(read0(i0, i2), read0(i0, i2)) }
  %6: f32[n, 1] = tabulate (%5) { sqrt(add(div(read0(i0, i1), 16.0), 0.001)) }
  %7: f32[n, 16] = tabulate (%4, %6, %1) { mul(div(read0(i0, i1), read1(i0, 0)), read2(i1)) }
  output "y" %7
)",
                  {inline_elementwise, fuse_epilogues, fuse_rows}),
            R"(nest [n] (t0, t1, t7)
  loops [16] temp0 = sum read0:f32(i0, i1)
  temp1 = div(temp0:f32, 16.0:f32)
  loops [16] temp2 = sum $0 = sub(read0:f32(i0, i1), temp1:f32); mul($0, $0)
  temp3 = sqrt(add(div(temp2:f32, 16.0:f32), 0.001:f32))
  loops [16] operand2(i0, i1) = mul(div(sub(read0:f32(i0, i1), temp1:f32), temp3:f32), read1:f32(i1))
)");
}

TEST(FuseRows, NumbersPerRowKeepTheirLoops) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[2, 8, 4, 4]
  %1: f32[2, 8, 1, 1] = reduce sum (%0) over [4, 4] { read0(i0, i1, i4, i5) }
  %2: f32[2, 8, 1, 1] = tabulate (%1) { div(read0(i0, i1, 0, 0), 16.0) }
  output "y" %2
)",
                  {fuse_rows}),
            R"(nest [2, 8, 1, 1] (t0, t2)
  loops [4, 4] temp0 = sum read0:f32(i0, i1, i4, i5)
  operand1(i0, i1, i2, i3) = div(temp0:f32, 16.0:f32)
)");
}

TEST(FuseRows, ResultsReadElsewhereAreStored) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[4, 16]
  %1: f32[4] = reduce max (%0) over [16] { read0(i0, i1) }
  %2: f32[4, 16] = tabulate (%0, %1) { exp(sub(read0(i0, i1), read1(i0))) }
  %3: f32[4] = reduce sum (%2) over [16] { read0(i0, i1) }
  output "largest" %1
  output "powers" %2
  output "sum" %3
)",
                  {fuse_rows}),
            R"(nest [4] (t0, t1, t2, t3)
  loops [16] temp0 = max read0:f32(i0, i1)
  operand1(i0) = temp0:f32
  loops [16] operand2(i0, i1) = exp(sub(read0:f32(i0, i1), temp0:f32))
  loops [16] temp1 = sum read2:f32(i0, i1)
  operand3(i0) = temp1:f32
)");
}

TEST(FuseRows, WhatOnlyTheRowsNeedIsKeptForOneRow) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[2, 4, 16]
  input "mask" %1: f32[2, 16]
  %2: f32[2, 4, 16] = tabulate (%0, %1) { add(mul(read0(i0, i1, i2), 0.125), read1(i0, i2)) }
  %3: f32[2, 4, 1] = reduce max (%2) over [16] { read0(i0, i1, i3) }
  %4: f32[2, 4, 16] = tabulate (%2, %3) { exp(sub(read0(i0, i1, i2), read1(i0, i1, 0))) }
  %5: f32[2, 4, 1] = reduce sum (%4) over [16] { read0(i0, i1, i3) }
  %6: f32[2, 4, 16] = tabulate (%4, %5) { div(read0(i0, i1, i2), read1(i0, i1, 0)) }
  output "y" %6
)",
                  {inline_elementwise, fuse_epilogues, fuse_rows}),
            R"(nest [2, 4] (t0, t1, t7, t6)
  loops [16] operand2(i2) = add(mul(read0:f32(i0, i1, i2), 0.125:f32), read1:f32(i0, i2))
  loops [16] temp0 = max read2:f32(i2)
  loops [16] operand3(i0, i1, i2) = exp(sub(read2:f32(i2), temp0:f32))
  loops [16] temp1 = sum read3:f32(i0, i1, i2)
  loops [16] operand3(i0, i1, i2) = div(read3:f32(i0, i1, i2), temp1:f32)
)");
}

TEST(FuseRows, Softmax) {
  EXPECT_EQ(after(R"(
  symbol n 1..9 input
  input "x" %0: f32[n, 16]
  %1: f32[n, 1] = reduce max (%0) over [16] { read0(i0, i2) }
  %2: f32[n, 16] = tabulate (%0, %1) { exp(sub(read0(i0, i1), read1(i0, 0))) }
  %3: f32[n, 1] = reduce sum (%2) over [16] { read0(i0, i2) }
  %4: f32[n, 16] = tabulate (%2, %3) { div(read0(i0, i1), read1(i0, 0)) }
  output "y" %4
)",
                  {inline_elementwise, fuse_epilogues, fuse_rows}),
            R"(nest [n] (t0, t4)
  loops [16] temp0 = max read0:f32(i0, i1)
  loops [16] operand1(i0, i1) = exp(sub(read0:f32(i0, i1), temp0:f32))
  loops [16] temp1 = sum read1:f32(i0, i1)
  loops [16] operand1(i0, i1) = div(read1:f32(i0, i1), temp1:f32)
)");
}

}  // namespace
}  // namespace o2w::schedule
