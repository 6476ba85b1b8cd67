// Attention in blocks of rows on small graphs: text in, the loop and its tensors out.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/kernel_choice.h"
#include "tests/schedule/draft_from_text.h"

namespace o2w::schedule {
namespace {

std::string after(const std::string& nodes) {
  return draft_after(nodes, {inline_elementwise, fuse_rows, block_attention}, [](const Draft& draft) {
    const std::string text = to_text(draft);
    return text.substr(std::min(text.size(), text.find("t9 ")));
  });
}

std::string attention(const std::string& rows, const std::string& weights_too = "") {
  const std::string scores = "f32[2, " + rows + ", 400]", column = "f32[2, " + rows + ", 1]";
  return R"(
  symbol n 1..9000 input
  input "q" %0: f32[2, )" +
         rows + R"(, 8]
  input "k" %1: f32[2, 400, 8]
  input "v" %2: f32[2, 400, 16]
  %3: )" +
         scores + R"( = einsum (%0, %1) "amk,ank->amn"
  %4: )" +
         column + R"( = reduce max (%3) over [400] { read0(i0, i1, i3) }
  %5: )" +
         scores + R"( = tabulate (%3, %4) { exp(sub(read0(i0, i1, i2), read1(i0, i1, 0))) }
  %6: )" +
         column + R"( = reduce sum (%5) over [400] { read0(i0, i1, i3) }
  %7: )" +
         scores + R"( = tabulate (%5, %6) { div(read0(i0, i1, i2), read1(i0, i1, 0)) }
  %8: f32[2, )" +
         rows + R"(, 16] = einsum (%7, %2) "amk,akn->amn"
  output "y" %8
)" + weights_too;
}

TEST(BlockAttention, MatricesAndTheirRowsInTurn) {
  EXPECT_EQ(after(attention("900")), R"(t9 "block": i64[] carried
t10 "%3 block": f32[rows, 400]
t11 "%7 block": f32[rows, 400]
t12 "q": f32[rows, 8] in t0 at 32*"first row" + 28800*matrix
t13 "k": f32[400, 8] in t1 at 12800*matrix
t14 "v": f32[400, 16] in t2 at 25600*matrix
t15 "%8": f32[rows, 16] in t8 at 64*"first row" + 57600*matrix
repeat t9 times 6 {
  bind block to t9
  set first row = 324*mod(block, 3)
  set matrix = floordiv(block, 3)
  set rows = min(-1*"first row" + 900, 324)
  t10 = einsum mk, nk -> mn (t12, t13)
  nest [rows] (t10, t11)
    loops [400] temp0 = max read0:f32(i0, i1)
    loops [400] operand1(i0, i1) = exp(sub(read0:f32(i0, i1), temp0:f32))
    loops [400] temp1 = sum read1:f32(i0, i1)
    loops [400] operand1(i0, i1) = div(read1:f32(i0, i1), temp1:f32)
  t15 = einsum mk, kn -> mn (t11, t14)
}
)");
}

TEST(BlockAttention, OpenSizes) {
  EXPECT_EQ(after(attention("n")), R"(t9 "block": i64[] carried
t10 "%3 block": f32[rows, 400]
t11 "%7 block": f32[rows, 400]
t12 "q": f32[rows, 8] in t0 at 32*matrix*n + 32*"first row"
t13 "k": f32[400, 8] in t1 at 12800*matrix
t14 "v": f32[400, 16] in t2 at 25600*matrix
t15 "%8": f32[rows, 16] in t8 at 64*matrix*n + 64*"first row"
repeat t9 times 2*floordiv(n + -1, min(n, 324)) + 2 {
  bind block to t9
  set first row = mod(block, floordiv(n + -1, min(n, 324)) + 1)*min(n, 324)
  set matrix = floordiv(block, floordiv(n + -1, min(n, 324)) + 1)
  set rows = min(-1*"first row" + n, 324)
  t10 = einsum mk, nk -> mn (t12, t13)
  nest [rows] (t10, t11)
    loops [400] temp0 = max read0:f32(i0, i1)
    loops [400] operand1(i0, i1) = exp(sub(read0:f32(i0, i1), temp0:f32))
    loops [400] temp1 = sum read1:f32(i0, i1)
    loops [400] operand1(i0, i1) = div(read1:f32(i0, i1), temp1:f32)
  t15 = einsum mk, kn -> mn (t11, t14)
}
)");
}

TEST(BlockAttention, WeightsThatOthersWant) {
  EXPECT_EQ(after(attention("900", "  output \"p\" %7\n")), R"(t9 "block": i64[] carried
t10 "%3 block": f32[rows, 400]
t11 "%7": f32[rows, 400] in t7 at 1600*"first row" + 1440000*matrix
t12 "q": f32[rows, 8] in t0 at 32*"first row" + 28800*matrix
t13 "k": f32[400, 8] in t1 at 12800*matrix
t14 "v": f32[400, 16] in t2 at 25600*matrix
t15 "%8": f32[rows, 16] in t8 at 64*"first row" + 57600*matrix
repeat t9 times 6 {
  bind block to t9
  set first row = 324*mod(block, 3)
  set matrix = floordiv(block, 3)
  set rows = min(-1*"first row" + 900, 324)
  t10 = einsum mk, nk -> mn (t12, t13)
  nest [rows] (t10, t11)
    loops [400] temp0 = max read0:f32(i0, i1)
    loops [400] operand1(i0, i1) = exp(sub(read0:f32(i0, i1), temp0:f32))
    loops [400] temp1 = sum read1:f32(i0, i1)
    loops [400] operand1(i0, i1) = div(read1:f32(i0, i1), temp1:f32)
  t15 = einsum mk, kn -> mn (t11, t14)
}
)");
}

TEST(BlockAttention, NotWhereTheScoresAreSmall) {
  EXPECT_EQ(after(attention("20")).find("repeat"), std::string::npos);
}

TEST(BlockAttention, NotWhereScoresAreAnOutput) {
  EXPECT_EQ(after(attention("900", "  output \"s\" %3\n")).find("repeat"), std::string::npos);
}

}  // namespace
}  // namespace o2w::schedule
