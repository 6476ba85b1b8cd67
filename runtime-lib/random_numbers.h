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

// Standard normal, by Box and Muller; `log`, `sqrt` and `cos` take and give doubles.
template <typename Log, typename Sqrt, typename Cos>
double normal(uint64_t seed, uint64_t element, uint64_t draw, Log log, Sqrt sqrt, Cos cos) {
  const Words words = philox(seed, element, draw);
  const double radius = 1.0 - unit(words.word[0], words.word[1]);  // in (0, 1]: the logarithm is finite
  const double angle = 6.283185307179586 * unit(words.word[2], words.word[3]);
  return sqrt(-2.0 * log(radius)) * cos(angle);
}

}  // namespace o2w::random_numbers
