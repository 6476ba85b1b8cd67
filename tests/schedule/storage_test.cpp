// Tensors that lie in the storage of others: text in, the draft's tensors and operations out.
#include "compiler/schedule/storage.h"

#include <gtest/gtest.h>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/kernel_choice.h"
#include "tests/schedule/draft_from_text.h"

namespace o2w::schedule {
namespace {

const DraftSteps kUpToParts = {inline_elementwise, fuse_epilogues, assign_layouts, slices_as_views,
                               place_parts};
const DraftSteps kAll = {inline_elementwise,
                         fuse_epilogues,
                         fuse_rows,
                         assign_layouts,
                         slices_as_views,
                         place_parts,
                         [](Draft& draft) { choose_kernels(draft); },
                         contractions_to_nests,
                         compute_in_place};

// The operations and the tensors that these touch.
std::string used_tensors_and_operations(Draft& draft) {
  std::set<int> used;
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    for (const std::vector<int>& tensors : {reads_of(operation), writes_of(operation)}) {
      for (int t : tensors) {
        for (; t >= 0; t = draft.at(t).host) used.insert(t);
      }
    }
  });
  std::string text, line;
  std::istringstream lines(to_text(draft));
  std::getline(lines, line);
  for (std::size_t t = 0; t < draft.tensors.size(); ++t) {
    std::getline(lines, line);
    if (used.contains(static_cast<int>(t)) && draft.tensors[t].home != DraftTensor::Home::constant)
      text += line + "\n";
  }
  while (std::getline(lines, line)) text += line + "\n";
  return text;
}

std::string after(const std::string& nodes, const DraftSteps& steps) {
  return draft_after(nodes, steps, used_tensors_and_operations);
}

// A convolution's result and what is computed of it, both parts of a concatenation.
TEST(PlaceParts, PartsAreComputedWhereTheyLie) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[1, 4, 6, 6]
  %1: f32[8, 4, 1, 1] = constant <f32[8, 4, 1, 1]>
  %2: f32[8, 8, 3, 3] = constant <f32[8, 8, 3, 3]>
  %3: f32[1, 8, 6, 6] = convolution (%0, %1) strides [1, 1] dilations [1, 1] pads [0, 0] group 1
  %4: f32[1, 8, 6, 6] = convolution (%3, %2) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %5: f32[1, 16, 6, 6] = concat (%3, %4) axis 1
  %6: f32[4, 16, 1, 1] = constant <f32[4, 16, 1, 1]>
  %7: f32[1, 4, 6, 6] = convolution (%5, %6) strides [1, 1] dilations [1, 1] pads [0, 0] group 1
  output "y" %7
)",
                  kUpToParts),
            R"(t0 "x": f32[1, 4, 6, 6] input 0
t3 "%3": f32[1, 8, 6, 6] strides [576, 1, 96, 16] in t5 at 0
t5 "%5": f32[1, 16, 6, 6] strides [576, 1, 96, 16]
t7 "%5 part": f32[1, 8, 6, 6] strides [576, 1, 96, 16] in t5 at 32
t9 "%7": f32[1, 4, 6, 6] output 0
t10 "x": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t11 "%7": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t10 = kernel (t0)
t3 = convolution (t10, t1)
t7 = convolution (t3, t2) () then: temp0:f32
t11 = convolution (t5, t8)
t9 = kernel (t11)
)");
}

// Cross-stage partial networks: halves of a tensor, the second also read by convolutions and added to their
// result.
TEST(PlaceParts, SlicesOfOneTensorMoveWithIt) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[1, 4, 6, 6]
  %1: f32[8, 4, 1, 1] = constant <f32[8, 4, 1, 1]>
  %2: f32[1, 8, 6, 6] = convolution (%0, %1) strides [1, 1] dilations [1, 1] pads [0, 0] group 1
  %3: f32[1, 4, 6, 6] = tabulate (%2) { read0(i0, i1, i2, i3) }
  %4: f32[1, 4, 6, 6] = tabulate (%2) { read0(i0, add(i1, 4), i2, i3) }
  %5: f32[4, 4, 3, 3] = constant <f32[4, 4, 3, 3]>
  %6: f32[1, 4, 6, 6] = convolution (%4, %5) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %7: f32[1, 4, 6, 6] = tabulate (%4, %6) { add(read0(i0, i1, i2, i3), read1(i0, i1, i2, i3)) }
  %8: f32[1, 12, 6, 6] = concat (%3, %4, %7) axis 1
  %9: f32[4, 12, 1, 1] = constant <f32[4, 12, 1, 1]>
  %10: f32[1, 4, 6, 6] = convolution (%8, %9) strides [1, 1] dilations [1, 1] pads [0, 0] group 1
  output "y" %10
)",
                  kUpToParts),
            R"(t0 "x": f32[1, 4, 6, 6] input 0
t2 "%2": f32[1, 8, 6, 6] strides [432, 1, 72, 12] in t8 at 0
t4 "%4": f32[1, 4, 6, 6] strides [432, 1, 72, 12] in t2 at 16
t8 "%8": f32[1, 12, 6, 6] strides [432, 1, 72, 12]
t13 "%10": f32[1, 4, 6, 6] output 0
t14 "%8 part": f32[1, 4, 6, 6] strides [432, 1, 72, 12] in t8 at 32
t15 "x": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t16 "%10": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t15 = kernel (t0)
t2 = convolution (t15, t1)
t14 = convolution (t4, t5) (t4) then f32 same: add(temp0:f32, read0:f32())
t16 = convolution (t8, t12)
t13 = kernel (t16)
)");
}

// Densely connected networks: the first concatenation is the beginning of the second.
TEST(PlaceParts, ConcatenationsThatRepeatAnotherAreViews) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[1, 4, 6, 6]
  %1: f32[4, 4, 3, 3] = constant <f32[4, 4, 3, 3]>
  %2: f32[1, 4, 6, 6] = convolution (%0, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %3: f32[1, 4, 6, 6] = convolution (%2, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %4: f32[1, 8, 6, 6] = concat (%2, %3) axis 1
  %5: f32[4, 8, 3, 3] = constant <f32[4, 8, 3, 3]>
  %6: f32[1, 4, 6, 6] = convolution (%4, %5) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %7: f32[1, 12, 6, 6] = concat (%2, %3, %6) axis 1
  %8: f32[4, 12, 3, 3] = constant <f32[4, 12, 3, 3]>
  %9: f32[1, 4, 6, 6] = convolution (%7, %8) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  output "y" %9
)",
                  kUpToParts),
            R"(t0 "x": f32[1, 4, 6, 6] input 0
t2 "%2": f32[1, 4, 6, 6] strides [432, 1, 72, 12] in t9 at 0
t3 "%3": f32[1, 4, 6, 6] strides [432, 1, 72, 12] in t9 at 16
t4 "%4": f32[1, 8, 6, 6] strides [432, 1, 72, 12] in t9 at 0
t9 "%7": f32[1, 12, 6, 6] strides [432, 1, 72, 12]
t12 "%7 part": f32[1, 4, 6, 6] strides [432, 1, 72, 12] in t9 at 32
t14 "%9": f32[1, 4, 6, 6] output 0
t15 "x": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t16 "%9": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t15 = kernel (t0)
t2 = convolution (t15, t1)
t3 = convolution (t2, t1)
t12 = convolution (t4, t7) () then: temp0:f32
t16 = convolution (t9, t13)
t14 = kernel (t16)
)");
}

TEST(PlaceParts, WhatIsThereTwiceIsCopiedOnce) {
  EXPECT_EQ(after(R"(
  symbol n 1..9 input
  input "x" %0: f32[n, 4]
  input "w" %1: f32[4, 4]
  %2: f32[n, 4] = einsum (%0, %1) "mk,kn->mn"
  %3: f32[n, 8] = concat (%2, %2) axis 1
  output "y" %3
)",
                  kUpToParts),
            R"(t0 "x": f32[n, 4] input 0
t1 "w": f32[4, 4] input 1
t2 "%2": f32[n, 4] strides [8, 1] in t3 at 0
t3 "%3": f32[n, 8] output 0
t5 "%3 part": f32[n, 4] strides [8, 1] in t3 at 16
t2 = einsum mk, kn -> mn (t0, t1)
nest [n, 4] (t2, t5)
  operand1(i0, i1) = read0:f32(i0, i1)
)");
}

// A product under another shape, before a row of an input.
TEST(PlaceParts, ViewsMoveWithWhatTheyShow) {
  EXPECT_EQ(after(R"(
  symbol n 1..9 input
  input "x" %0: f32[n, 4]
  input "w" %1: f32[4, 6]
  input "z" %4: f32[1, 2, 3]
  %2: f32[n, 6] = einsum (%0, %1) "mk,kn->mn"
  %3: f32[n, 2, 3] = view (%2)
  %5: f32[n + 1, 2, 3] = concat (%3, %4) axis 0
  output "y" %5
)",
                  kUpToParts),
            R"(t0 "x": f32[n, 4] input 0
t1 "w": f32[4, 6] input 1
t2 "z": f32[1, 2, 3] input 2
t3 "%2": f32[n, 6] in t5 at 0
t5 "%5": f32[n + 1, 2, 3] output 0
t7 "%5 part": f32[1, 2, 3] in t5 at 24*n
t3 = einsum mk, kn -> mn (t0, t1)
nest [1, 2, 3] (t2, t7)
  operand1(i0, i1, i2) = read0:f32(i0, i1, i2)
)");
}

// A routine writes bytes in a row, which a part along the last dimension has not.
TEST(PlaceParts, RoutinesWriteBytesInARow) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[2, 4]
  %1: f32[2, 4], %2: i64[2, 4] = sort (%0) axis 1 largest
  %3: f32[2, 8] = concat (%1, %0) axis 1
  output "y" %3
)",
                  kUpToParts),
            R"(t0 "x": f32[2, 4] input 0
t1 "%1": f32[2, 4]
t2 "%2": i64[2, 4]
t3 "%3": f32[2, 8] output 0
t4 "%3 part": f32[2, 4] strides [8, 1] in t3 at 0
t5 "%3 part": f32[2, 4] strides [8, 1] in t3 at 16
t1, t2 = routine sort (t0)
nest [2, 4] (t1, t4)
  operand1(i0, i1) = read0:f32(i0, i1)
nest [2, 4] (t0, t5)
  operand1(i0, i1) = read0:f32(i0, i1)
)");
}

// A residual that is not needed afterwards moves into the concatenation as well: its place is the result's.
TEST(PlaceParts, ResidualsLieWhereTheResultDoes) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[1, 4, 6, 6]
  %1: f32[4, 4, 3, 3] = constant <f32[4, 4, 3, 3]>
  %2: f32[1, 4, 6, 6] = convolution (%0, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %3: f32[1, 4, 6, 6] = convolution (%2, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %4: f32[1, 4, 6, 6] = convolution (%3, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %5: f32[1, 4, 6, 6] = tabulate (%2, %4) { add(read0(i0, i1, i2, i3), read1(i0, i1, i2, i3)) }
  %6: f32[1, 4, 6, 6] = convolution (%5, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %7: f32[1, 8, 6, 6] = concat (%6, %5) axis 1
  %8: f32[4, 8, 1, 1] = constant <f32[4, 8, 1, 1]>
  %9: f32[1, 4, 6, 6] = convolution (%7, %8) strides [1, 1] dilations [1, 1] pads [0, 0] group 1
  output "y" %9
)",
                  kUpToParts),
            R"(t0 "x": f32[1, 4, 6, 6] input 0
t2 "%2": f32[1, 4, 6, 6] strides [288, 1, 48, 8] in t5 at 0
t3 "%3": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t5 "%5": f32[1, 4, 6, 6] strides [288, 1, 48, 8] in t7 at 16
t7 "%7": f32[1, 8, 6, 6] strides [288, 1, 48, 8]
t8 "%7 part": f32[1, 4, 6, 6] strides [288, 1, 48, 8] in t7 at 0
t11 "%9": f32[1, 4, 6, 6] output 0
t12 "x": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t13 "%9": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t12 = kernel (t0)
t2 = convolution (t12, t1)
t3 = convolution (t2, t1)
t5 = convolution (t3, t1) (t2) then f32 same: add(temp0:f32, read0:f32())
t8 = convolution (t5, t1) () then: temp0:f32
t13 = convolution (t7, t10)
t11 = kernel (t13)
)");
}

// A residual that the convolution also reads a window of is not overwritten, so that neither moves.
TEST(PlaceParts, ResidualsOfTheirOwnWindowsStay) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[1, 4, 6, 6]
  %1: f32[4, 4, 3, 3] = constant <f32[4, 4, 3, 3]>
  %2: f32[1, 4, 6, 6] = convolution (%0, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %3: f32[1, 4, 6, 6] = convolution (%2, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %4: f32[1, 4, 6, 6] = tabulate (%2, %3) { add(read0(i0, i1, i2, i3), read1(i0, i1, i2, i3)) }
  %5: f32[1, 4, 6, 6] = convolution (%4, %1) strides [1, 1] dilations [1, 1] pads [1, 1] group 1
  %6: f32[1, 8, 6, 6] = concat (%5, %4) axis 1
  %7: f32[4, 8, 1, 1] = constant <f32[4, 8, 1, 1]>
  %8: f32[1, 4, 6, 6] = convolution (%6, %7) strides [1, 1] dilations [1, 1] pads [0, 0] group 1
  output "y" %8
)",
                  kUpToParts),
            R"(t0 "x": f32[1, 4, 6, 6] input 0
t2 "%2": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t4 "%4": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t6 "%6": f32[1, 8, 6, 6] strides [288, 1, 48, 8]
t7 "%6 part": f32[1, 4, 6, 6] strides [288, 1, 48, 8] in t6 at 0
t8 "%6 part": f32[1, 4, 6, 6] strides [288, 1, 48, 8] in t6 at 16
t10 "%8": f32[1, 4, 6, 6] output 0
t11 "x": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t12 "%8": f32[1, 4, 6, 6] strides [144, 1, 24, 4]
t11 = kernel (t0)
t2 = convolution (t11, t1)
t4 = convolution (t2, t1) (t2) then f32 same: add(temp0:f32, read0:f32())
t7 = convolution (t4, t1) () then: temp0:f32
nest [1, 6, 6, 4] (t4, t8)
  operand1(i0, i3, i1, i2) = read0:f32(i0, i3, i1, i2)
t12 = convolution (t6, t9)
t10 = kernel (t12)
)");
}

TEST(SlicesAsViews, ProductsReadWhereTheSliceLies) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[5, 4]
  input "w" %1: f32[4, 6]
  %2: f32[5, 6] = einsum (%0, %1) "mk,kn->mn"
  %3: f32[5, 3] = tabulate (%2) { read0(i0, add(i1, 3)) }
  %4: f32[5, 5] = einsum (%3, %3) "mk,nk->mn"
  output "y" %4
)",
                  kUpToParts),
            R"(t0 "x": f32[5, 4] input 0
t1 "w": f32[4, 6] input 1
t2 "%2": f32[5, 6]
t3 "%3": f32[5, 3] strides [6, 1] in t2 at 12
t4 "%4": f32[5, 5] output 0
t2 = einsum mk, kn -> mn (t0, t1)
t4 = einsum mk, nk -> mn (t3, t3)
)");
}

// The product is added to its residual where that lies; what is squared is still needed by the sum of its
// elements' neighbours.
TEST(ComputeInPlace, ResidualsAndElementwiseWork) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[5, 4]
  %1: f32[4, 4] = constant <f32[4, 4]>
  %2: f32[5, 4] = einsum (%0, %1) "mk,kn->mn"
  %3: f32[5, 4] = einsum (%2, %1) "mk,kn->mn"
  %4: f32[5, 4] = tabulate (%3, %2) { add(read0(i0, i1), read1(i0, i1)) }
  %5: f32[5, 4] = einsum (%4, %1) "mk,kn->mn"
  %6: f32[5, 4] = tabulate (%5, %3) { mul(read0(i0, i1), read1(i0, i1)) }
  %7: f32[4, 5] = einsum (%6, %1) "mk,kn->nm"
  output "y" %7
)",
                  kAll),
            R"(t0 "x": f32[5, 4] input 0
t2 "%2": f32[5, 4]
t3 "%3": f32[5, 4]
t4 "%4": f32[5, 4] in t2 at 0
t6 "%6": f32[5, 4] in t3 at 0
t7 "%7": f32[4, 5] output 0
t2 = kernel (t0, t8)
t3 = kernel (t2, t8)
nest [5, 4] (t3, t2, t4)
  operand2(i0, i1) = add(read0:f32(i0, i1), read1:f32(i0, i1))
t6 = kernel (t4, t8, t3)
nest [4, 5] (t6, t1, t7)
  loops [4] temp0 = sum mul(read0:f32(i1, i2), read1:f32(i2, i0))
  operand2(i0, i1) = temp0:f32
)");
}

// Softmax in the storage of its scores.
TEST(ComputeInPlace, RowsAreReadBeforeTheyAreWritten) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[5, 4]
  %1: f32[4, 4] = constant <f32[4, 4]>
  %2: f32[5, 4] = einsum (%0, %1) "mk,kn->mn"
  %3: f32[5] = reduce max (%2) over [4] { read0(i0, i1) }
  %4: f32[5, 4] = tabulate (%2, %3) { exp(sub(read0(i0, i1), read1(i0))) }
  %5: f32[5] = reduce sum (%4) over [4] { read0(i0, i1) }
  %6: f32[5, 4] = tabulate (%4, %5) { div(read0(i0, i1), read1(i0)) }
  %7: f32[5, 4] = einsum (%6, %1) "mk,kn->mn"
  output "y" %7
)",
                  kAll),
            R"(t0 "x": f32[5, 4] input 0
t2 "%2": f32[5, 4]
t3 "%3": f32[5]
t4 "%4": f32[5, 4] in t2 at 0
t5 "%5": f32[5]
t6 "%6": f32[5, 4] in t4 at 0
t7 "%7": f32[5, 4] output 0
t2 = kernel (t0, t8)
nest [5] (t2, t3)
  loops [4] temp0 = max read0:f32(i0, i1)
  operand1(i0) = temp0:f32
nest [5, 4] (t2, t3, t4)
  operand2(i0, i1) = exp(sub(read0:f32(i0, i1), read1:f32(i0)))
nest [5] (t4, t5)
  loops [4] temp0 = sum read0:f32(i0, i1)
  operand1(i0) = temp0:f32
nest [5, 4] (t4, t5, t6)
  operand2(i0, i1) = div(read0:f32(i0, i1), read1:f32(i0))
t7 = kernel (t6, t8)
)");
}

TEST(ComputeInPlace, NeighboursAreNotOverwritten) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[5, 4]
  %1: f32[4, 4] = constant <f32[4, 4]>
  %2: f32[5, 4] = einsum (%0, %1) "mk,kn->mn"
  %3: f32[5, 4] = tabulate (%2) { add(read0(i0, i1), read0(sub(4, i0), i1)) }
  %4: f32[5, 4] = einsum (%3, %1) "mk,kn->mn"
  output "y" %4
)",
                  kAll),
            R"(t0 "x": f32[5, 4] input 0
t2 "%2": f32[5, 4]
t3 "%3": f32[5, 4]
t4 "%4": f32[5, 4] output 0
t2 = kernel (t0, t5)
nest [5, 4] (t2, t3)
  operand1(i0, i1) = add(read0:f32(i0, i1), read0:f32(sub(4, i0), i1))
t4 = kernel (t3, t5)
)");
}

// Everything that the draft holds, with what its setup does.
std::string hoisted(const std::string& nodes) {
  return after(nodes, {inline_elementwise, contractions_to_nests, hoist_constants});
}

TEST(HoistConstants, WorkOnConstantsIsTheSetups) {
  EXPECT_EQ(hoisted(R"(
  input "x" %0: f32[32, 4096]
  %1: f32[32, 2] = constant <f32[32, 2]>
  %2: f32[2, 4096] = constant <f32[2, 4096]>
  %3: f32[32, 4096] = einsum (%1, %2) "mk,kn->mn"
  %4: f32[4096, 32] = tabulate (%3) { read0(i1, i0) }
  %5: f32[32, 4096] = tabulate (%0, %4) { add(read0(i0, i1), cos(read1(i1, i0))) }
  output "y" %5
)"),
            R"(t0 "x": f32[32, 4096] input 0
t3 "%3": f32[32, 4096] derived
t5 "%5": f32[32, 4096] output 0
setup
  nest [32, 4096] (t1, t2, t3)
    loops [2] temp0 = sum mul(read0:f32(i0, i2), read1:f32(i2, i1))
    operand2(i0, i1) = temp0:f32
nest [32, 4096] (t0, t5, t3)
  operand1(i0, i1) = add(read0:f32(i0, i1), cos(read2:f32(i0, i1)))
)");
}

// Filling a large tensor takes no longer than reading it.
TEST(HoistConstants, LargeCopiesStay) {
  EXPECT_EQ(hoisted(R"(
  input "x" %0: f32[4096, 32]
  %1: f32[32] = constant <f32[32]>
  %2: f32[1, 32] = constant <f32[1, 32]>
  %3: f32[4096, 32] = tabulate (%1) { read0(i1) }
  %4: f32[4097, 32] = concat (%3, %2) axis 0
  %5: f32[4096, 32] = tabulate (%0, %4) { add(read0(i0, i1), read1(add(i0, 1), i1)) }
  output "y" %5
)"),
            R"(t0 "x": f32[4096, 32] input 0
t4 "%4": f32[4097, 32]
t5 "%4 part": f32[4096, 32] in t4 at 0
t6 "%4 part": f32[1, 32] in t4 at 524288
t7 "%5": f32[4096, 32] output 0
nest [4096, 32] (t5, t1)
  operand0(i0, i1) = read1:f32(i1)
nest [1, 32] (t2, t6)
  operand1(i0, i1) = read0:f32(i0, i1)
nest [4096, 32] (t0, t4, t7)
  operand2(i0, i1) = add(read0:f32(i0, i1), read1:f32(add(i0, 1), i1))
)");
}

}  // namespace
}  // namespace o2w::schedule
