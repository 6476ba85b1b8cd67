#include "runtime-lib/random_numbers.h"

#include <gtest/gtest.h>

#include <cmath>

namespace o2w::random_numbers {
namespace {

double error_in_ulp(double got, double exact) {
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::fabs(got - exact) / std::ldexp(1.0, std::max(exponent, -40) - 53);
}

TEST(RandomNumbers, LogarithmsAreExactToOneUnit) {
  for (uint64_t k = 0; k < 200000; ++k) {
    const double x = 1.0 - uniform(1, k, 0),
                 tiny = std::ldexp(1.0 + uniform(2, k, 0), -static_cast<int>(k % 53) - 1);
    EXPECT_LE(error_in_ulp(logarithm(x), std::log(x)), 1.5) << x;
    EXPECT_LE(error_in_ulp(logarithm(tiny), std::log(tiny)), 1.5) << tiny;
  }
  EXPECT_EQ(logarithm(1), 0);
}

TEST(RandomNumbers, CosinesOfTurnsAreExactToTwoUnits) {
  for (uint64_t k = 0; k < 200000; ++k) {
    const double turn = uniform(3, k, 0);
    // From the nearest quarter on, which is exact: near a zero the rounding of 2 pi * turn would be what
    // counts.
    const auto quarter = std::lround(4 * turn);
    const long double angle = 6.283185307179586476925286766559L *
                              static_cast<long double>(turn - 0.25 * static_cast<double>(quarter));
    const long double size = quarter % 2 != 0 ? std::sin(angle) : std::cos(angle);
    const auto exact = static_cast<double>(quarter == 1 || quarter == 2 ? -size : size);
    EXPECT_LE(error_in_ulp(cosine_of_turn(turn), exact), 2.0) << turn;
  }
  EXPECT_EQ(cosine_of_turn(0), 1);
  EXPECT_EQ(cosine_of_turn(0.5), -1);
  EXPECT_EQ(cosine_of_turn(0.25), 0);
}

TEST(RandomNumbers, NormalOnesHaveTheirMoments) {
  constexpr int kCount = 100000;
  double sum = 0, squares = 0;
  for (int k = 0; k < kCount; ++k) {
    const double x = normal(7, static_cast<uint64_t>(k), 0);
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.015);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
}

}  // namespace
}  // namespace o2w::random_numbers
