// The order of axes in memory: text in, the draft's tensors and operations out.
#include <gtest/gtest.h>

#include "compiler/schedule/kernel_choice.h"
#include "tests/schedule/draft_from_text.h"

namespace o2w::schedule {
namespace {

std::string after(const std::string& nodes) {
  return draft_after(nodes, {assign_layouts}, [](Draft& draft) { return to_text(draft); });
}

// A pool whose windows move by two goes over channels in vectors, with transposes on the way in and out; what
// is computed of its result before that stays channels-last as well.
TEST(AssignLayouts, PoolsWantChannelsLast) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[1, 16, 8, 8]
  %1: f32[1, 16, 4, 4] = reduce max (%0) over [2, 2] { read0(i0, i1, add(mul(i2, 2), i4), add(mul(i3, 2), i5)) }
  %2: f32[1, 16, 4, 4] = tabulate (%1) { neg(read0(i0, i1, i2, i3)) }
  output "y" %2
)"),
            R"(draft "g"
t0 "x": f32[1, 16, 8, 8] input 0
t1 "%1": f32[1, 16, 4, 4] strides [256, 1, 64, 16]
t2 "%2": f32[1, 16, 4, 4] output 0
t3 "x": f32[1, 16, 8, 8] strides [1024, 1, 128, 16]
t3 = kernel (t0)
nest [1, 4, 4, 16] (t3, t1)
  loops [2, 2] temp0 = max read0:f32(i0, i3, add(mul(i1, 2), i4), add(mul(i2, 2), i5))
  operand1(i0, i3, i1, i2) = temp0:f32
nest [1, 16, 4, 4] (t1, t2)
  operand1(i0, i1, i2, i3) = neg(read0:f32(i0, i1, i2, i3))
)");
}

// Windows that neighbours read at neighbouring places, few channels, and reads that only copy stay as they
// are.
TEST(AssignLayouts, NestsThatGoOverRowsStay) {
  EXPECT_EQ(after(R"(
  input "x" %0: f32[1, 16, 8, 8]
  input "z" %1: f32[1, 3, 8, 8]
  %2: f32[1, 16, 7, 7] = reduce sum (%0) over [2, 2] { read0(i0, i1, add(i2, i4), add(i3, i5)) }
  %3: f32[1, 3, 4, 4] = reduce max (%1) over [2, 2] { read0(i0, i1, add(mul(i2, 2), i4), add(mul(i3, 2), i5)) }
  %4: f32[1, 16, 4, 4] = tabulate (%0) { read0(i0, i1, mul(i2, 2), mul(i3, 2)) }
  output "a" %2
  output "b" %3
  output "c" %4
)"),
            R"(draft "g"
t0 "x": f32[1, 16, 8, 8] input 0
t1 "z": f32[1, 3, 8, 8] input 1
t2 "%2": f32[1, 16, 7, 7] output 0
t3 "%3": f32[1, 3, 4, 4] output 1
t4 "%4": f32[1, 16, 4, 4] output 2
nest [1, 16, 7, 7] (t0, t2)
  loops [2, 2] temp0 = sum read0:f32(i0, i1, add(i2, i4), add(i3, i5))
  operand1(i0, i1, i2, i3) = temp0:f32
nest [1, 3, 4, 4] (t1, t3)
  loops [2, 2] temp0 = max read0:f32(i0, i1, add(mul(i2, 2), i4), add(mul(i3, 2), i5))
  operand1(i0, i1, i2, i3) = temp0:f32
nest [1, 16, 4, 4] (t0, t4)
  operand1(i0, i1, i2, i3) = read0:f32(i0, i1, mul(i2, 2), mul(i3, 2))
)");
}

}  // namespace
}  // namespace o2w::schedule
