// Counter-based pseudo-random numbers, shared by the compiler's evaluator and the runtime library, so that
// both draw the same. Freestanding.
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011). The key
// is the node's seed (0 where the model gives none), the counter is (element number, draw number): draw n is
// the n-th random node executed since the run began, from 0; without a seed, its upper half counts the runs
// before. So numbers do not depend on the order in which elements are computed, and every first run of a
// model draws the same.
#pragma once

#include <stdint.h>

namespace o2w::random_numbers {

struct Words {
  uint32_t word[4];
};

constexpr Words philox(uint64_t seed, uint64_t element, uint64_t draw) {
  uint32_t c0 = static_cast<uint32_t>(element), c1 = static_cast<uint32_t>(element >> 32);
  uint32_t c2 = static_cast<uint32_t>(draw), c3 = static_cast<uint32_t>(draw >> 32);
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return Words{{c0, c1, c2, c3}};
}

// 53 random bits as a number in [0, 1).
constexpr double unit(uint32_t high, uint32_t low) {
  return static_cast<double>(((uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

// Uniform in [0, 1).
constexpr double uniform(uint64_t seed, uint64_t element, uint64_t draw) {
  const Words words = philox(seed, element, draw);
  return unit(words.word[0], words.word[1]);
}

// The polynomials below are those of fdlibm (Sun Microsystems, 1993), which need no tables: some 1e-16 of the
// result.
template <int N>
constexpr double polynomial(double x, const double (&coefficients)[N]) {  // the highest power's first
  double sum = coefficients[0];
  for (int k = 1; k < N; ++k) sum = sum * x + coefficients[k];
  return sum;
}

// The logarithm of a normal number > 0.
inline double logarithm(double x) {
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  constexpr uint64_t kRoot = 0x3fe6a09e667f3bcd;
  const uint64_t from_root = __builtin_bit_cast(uint64_t, x) - kRoot;
  const auto e = static_cast<double>(static_cast<int64_t>(from_root) >> 52);
  const double f = __builtin_bit_cast(double, (from_root & 0xfffffffffffff) + kRoot) - 1;
  const double s = f / (2 + f), square = s * s, half = 0.5 * f * f;
  constexpr double kCoefficients[] = {
      1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1, 2.222219843214978396e-1,
      2.857142874366239149e-1, 3.999999999940941908e-1, 6.666666666666735130e-1};
  const double rest = polynomial(square, kCoefficients) * square;
  return e * 6.93147180369123816490e-1 - ((half - (s * (half + rest) + e * 1.90821492927058770002e-10)) - f);
}

// The cosine of a part of a turn, in [0, 1).
inline double cosine_of_turn(double turn) {
  const int quarter = static_cast<int>(4 * turn + 0.5);
  const double angle = 6.283185307179586 * (turn - 0.25 * quarter), square = angle * angle;
  constexpr double kSine[] = {1.58969099521155010221e-10, -2.50507602534068634195e-8,
                              2.75573137070700676789e-6,  -1.98412698298579493134e-4,
                              8.33333333332248946124e-3,  -1.66666666666666324348e-1};
  constexpr double kCosine[] = {-1.13596475577881948265e-11, 2.08757232129817482790e-9,
                                -2.75573143513906633035e-7,  2.48015872894767294178e-5,
                                -1.38888888888741095749e-3,  4.16666666666666019037e-2};
  const double value = quarter % 2 != 0 ? polynomial(square, kSine) * square * angle + angle
                                        : polynomial(square, kCosine) * square * square - 0.5 * square + 1;
  return quarter == 1 || quarter == 2 ? -value : value;
}

// Standard normal, by Box and Muller.
inline double normal(uint64_t seed, uint64_t element, uint64_t draw) {
  const Words words = philox(seed, element, draw);
  const double radius = 1.0 - unit(words.word[0], words.word[1]);  // in (0, 1]: the logarithm is finite
  return __builtin_sqrt(-2.0 * logarithm(radius)) * cosine_of_turn(unit(words.word[2], words.word[3]));
}

}  // namespace o2w::random_numbers
