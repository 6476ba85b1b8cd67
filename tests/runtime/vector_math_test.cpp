#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>

#include "runtime-lib/vector.h"

using o2w::runtime::f32x4;

extern "C" {
f32x4 o2w_exp_f32x4(f32x4);
f32x4 o2w_log_f32x4(f32x4);
f32x4 o2w_sigmoid_f32x4(f32x4);
f32x4 o2w_tanh_f32x4(f32x4);
f32x4 o2w_erf_f32x4(f32x4);
f32x4 o2w_sin_f32x4(f32x4);
f32x4 o2w_cos_f32x4(f32x4);
}

namespace {

struct Function {
  const char* name;
  f32x4 (*vector)(f32x4);
  double (*exact)(double);
  double limit;    // stated in vector_math.cpp
  float tiny = 0;  // results below it may be 0
};

class VectorMath : public testing::TestWithParam<Function> {};

double error_in_ulp(float got, double exact) {
  const auto rounded = static_cast<float>(exact);
  if (std::isnan(rounded) || std::isnan(got)) return std::isnan(rounded) == std::isnan(got) ? 0 : HUGE_VAL;
  if (std::isinf(rounded) || std::isinf(got)) {
    // The largest finite number and infinity are one step apart.
    const bool near = std::fabs(exact) > 0x1.fffffcp127 && std::signbit(got) == (exact < 0);
    return rounded == got || near ? 0 : HUGE_VAL;
  }
  int exponent = -125;
  if (exact != 0) std::frexp(exact, &exponent);
  return std::fabs(static_cast<double>(got) - exact) / std::ldexp(1.0, std::max(exponent, -125) - 24);
}

TEST_P(VectorMath, StaysWithinItsError) {
  const Function& function = GetParam();
  double worst = 0;
  float where = 0;
  // A prime stride over all bit patterns: every exponent, both signs, infinities and NaN.
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 4 * 1259) {
    f32x4 x;
    for (int lane = 0; lane < 4; ++lane)
      x[lane] = std::bit_cast<float>(static_cast<uint32_t>(bits + 1259u * lane));
    const f32x4 y = function.vector(x);
    for (int lane = 0; lane < 4; ++lane) {
      const double exact = function.exact(static_cast<double>(x[lane]));
      if (std::fabs(exact) < function.tiny && y[lane] == 0) continue;
      const double error = error_in_ulp(y[lane], exact);
      if (error > worst) {
        worst = error;
        where = x[lane];
      }
    }
  }
  EXPECT_LE(worst, function.limit) << function.name << " at " << where;
}

TEST_P(VectorMath, DoesNotDependOnTheLane) {
  const Function& function = GetParam();
  for (float value : {0.0f, -0.0f, 1.0f, -0.3f, 1e-40f, 88.7f, -103.9f, 1e10f, INFINITY, -INFINITY}) {
    const float alone = function.vector(o2w::runtime::splat(value))[0];
    for (int lane = 0; lane < 4; ++lane) {
      f32x4 x = {0.5f, 3e9f, -7.0f, 0.01f};
      x[lane] = value;
      EXPECT_EQ(std::bit_cast<uint32_t>(static_cast<float>(function.vector(x)[lane])) & 0x7fffffff,
                std::bit_cast<uint32_t>(alone) & 0x7fffffff)
          << function.name << " of " << value;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, VectorMath,
                         testing::Values(Function{"exp", o2w_exp_f32x4, std::exp, 1.0},
                                         Function{"log", o2w_log_f32x4, std::log, 1.0},
                                         Function{"sigmoid", o2w_sigmoid_f32x4,
                                                  [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5,
                                                  0x1p-126f},
                                         Function{"tanh", o2w_tanh_f32x4, std::tanh, 2.5},
                                         Function{"erf", o2w_erf_f32x4, std::erf, 2.5},
                                         Function{"sin", o2w_sin_f32x4, std::sin, 2.0},
                                         Function{"cos", o2w_cos_f32x4, std::cos, 2.0}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
