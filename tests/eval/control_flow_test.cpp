// Branches and loops: what becomes of values, sizes and iteration counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/support/error.h"
#include "tests/eval/graph_text.h"

namespace o2w::test {
namespace {

using ir::DType;
using ir::Tensor;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Branch, TakesOneSideAndItsShape) {
  const std::string body = R"(
    symbol r 0..9
    input "flag" %0: bool[]
    input "x" %1: i64[3]
    %2: i64[r] = if (%0) then {
      parameters ()
      results (%1)
    } else {
      parameters ()
      %3: i64[5] = tabulate (%1) { add(cast:i64(i0), read0(2)) }
      results (%3)
    } results [r]
    output "y" %2)";
  const Tensor x = integers(DType::i64, {3}, {7, 8, 9});
  EXPECT_THAT(elements(run(body, {integers(DType::boolean, {}, {1}), x})[0]), ElementsAre(7, 8, 9));
  const Tensor other = run(body, {integers(DType::boolean, {}, {0}), x})[0];
  EXPECT_THAT(other.dims(), ElementsAre(5));
  EXPECT_THAT(elements(other), ElementsAre(9, 10, 11, 12, 13));
}

// Doubles its value, and stacks the value before and the iteration's number; reads an outer value.
TEST(Loop, CountsAndStacks) {
  const std::string body = R"(
    symbol n 0..100 input
    input "x" %0: i64[2]
    input "rounds" %1: i64[n]
    %2: i64[2], %3: i64[n, 2], %4: i64[n] = loop (%0) trip n carried 1 body {
      parameters (%5: i64[], %6: i64[2])
      %7: i64[2] = tabulate (%6) { mul(read0(i0), 2:i64) }
      %8: i64[] = tabulate (%5, %0) { add(read0(), read1(0)) }
      results (%7, %6, %8)
    }
    output "last" %2
    output "before" %3
    output "numbers" %4)";
  const Tensor x = integers(DType::i64, {2}, {1, 3});
  const auto three = run(body, {x, Tensor(DType::i64, {3})});
  EXPECT_THAT(elements(three[0]), ElementsAre(8, 24));
  EXPECT_THAT(three[1].dims(), ElementsAre(3, 2));
  EXPECT_THAT(elements(three[1]), ElementsAre(1, 3, 2, 6, 4, 12));
  EXPECT_THAT(elements(three[2]), ElementsAre(1, 2, 3));

  const auto none = run(body, {x, Tensor(DType::i64, {0})});
  EXPECT_THAT(elements(none[0]), ElementsAre(1, 3));
  EXPECT_THAT(none[1].dims(), ElementsAre(0, 2));
}

// Goes on while the sum is below 10: how many rounds that takes is known when it has run.
TEST(Loop, EndsByItsCondition) {
  const std::string body = R"(
    symbol rounds 0..2147483647
    input "go" %0: bool[]
    input "x" %1: i64[]
    %2: i64[], %3: i64[rounds] = loop (%0, %1) trip 20 condition carried 1 body {
      parameters (%4: i64[], %5: i64[])
      %6: i64[] = tabulate (%5, %4) { add(read0(), read1()) }
      %7: bool[] = tabulate (%6) { lt(read0(), 10:i64) }
      results (%7, %6, %6)
    } iterations rounds
    output "sum" %2
    output "sums" %3)";
  const Tensor yes = integers(DType::boolean, {}, {1}), no = integers(DType::boolean, {}, {0});
  const auto sums = run(body, {yes, integers(DType::i64, {}, {1})});
  EXPECT_THAT(elements(sums[0]), ElementsAre(11));
  EXPECT_THAT(elements(sums[1]), ElementsAre(1, 2, 4, 7, 11));
  const auto none = run(body, {no, integers(DType::i64, {}, {1})});
  EXPECT_THAT(elements(none[0]), ElementsAre(1));
  EXPECT_THAT(elements(none[1]), IsEmpty());
  // The trip count bounds it too.
  EXPECT_THAT(run(body, {yes, integers(DType::i64, {}, {-1000})})[1].dims(), ElementsAre(20));
}

TEST(Loop, CarriesATensorThatGrows) {
  const std::string body = R"(
    symbol m 0..100
    symbol r 0..100
    input "x" %0: i64[1]
    %1: i64[r] = loop (%0) trip 3 carried 1 body {
      parameters (%2: i64[], %3: i64[m])
      %4: i64[m + 1] = tabulate (%3) { add(cast:i64(i0), read0(0)) }
      results (%4)
    } rebinds [m] results [r]
    output "y" %1)";
  EXPECT_THAT(elements(run(body, {integers(DType::i64, {1}, {5})})[0]), ElementsAre(5, 6, 7, 8));
}

TEST(Checks, FailWithTheirMessage) {
  const std::string body = R"(
    symbol n 0..100
    input "size" %0: i64[1]
    bind (%0) [n]
    require less_equal [n, 4] "size is at most 4"
    %1: i64[n] = tabulate () { cast:i64(i0) }
    output "y" %1)";
  EXPECT_THAT(elements(run(body, {integers(DType::i64, {1}, {3})})[0]), ElementsAre(0, 1, 2));
  try {
    run(body, {integers(DType::i64, {1}, {5})});
    FAIL() << "the check let 5 pass";
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("size is at most 4"));
  }
  EXPECT_THROW(run(body, {integers(DType::i64, {1}, {-1})}), ModelError);
  EXPECT_THROW(run(body, {integers(DType::i64, {1}, {101})}), ModelError);
}

}  // namespace
}  // namespace o2w::test
