#include <math.h>

#include "runtime-lib/random_numbers.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

enum Distribution : int64_t { kUniform, kNormal, kBernoulli, kMultinomial };

// Random nodes executed since the run began, and runs begun before it.
uint64_t draws, runs_before;
bool has_run;

// Classes by inverting the cumulated distribution of each row.
int32_t draw_classes(const abi::TensorArg& logits, const abi::TensorArg& y, uint64_t seed, uint64_t draw) {
  const auto classes = static_cast<uint32_t>(logits.dims[1]);
  const auto samples = static_cast<uint32_t>(y.dims[1]);
  if (classes == 0) {
    ErrorText() << "there is no class to draw from";
    return abi::kInvalidArgument;
  }
  const Scratch scratch(uint64_t{classes} * sizeof(double));
  if (!scratch) return abi::kTooLarge;
  auto* cumulated = scratch.data<double>();
  for (uint32_t row = 0; row < static_cast<uint32_t>(y.dims[0]); ++row) {
    const uint64_t first = uint64_t{row} * classes;
    double top = load_element(logits, first);
    for (uint32_t k = 1; k < classes; ++k) {
      const double value = load_element(logits, first + k);
      if (top < value) top = value;
    }
    double sum = 0;
    for (uint32_t k = 0; k < classes; ++k) {
      sum += exp(load_element(logits, first + k) - top);
      cumulated[k] = sum;
    }
    for (uint32_t s = 0; s < samples; ++s) {
      const uint64_t element = uint64_t{row} * samples + s;
      const double level = sum * random_numbers::uniform(seed, element, draw);
      uint32_t chosen = 0;
      while (chosen + 1 < classes && !(level < cumulated[chosen])) ++chosen;
      store_element(y, element, chosen);
    }
  }
  return abi::kSuccess;
}

}  // namespace

void restart_random_numbers() {
  runs_before += has_run;
  has_run = true;
  draws = 0;
}

}  // namespace o2w::runtime

O2W_ROUTINE(random) {
  using namespace o2w::runtime;
  const auto& x = args[0];
  const auto& y = args[inputs];
  const auto seed = static_cast<uint64_t>(ints[1]);
  const bool seeded = ints[2] != 0;
  const uint64_t draw = draws++ | (seeded ? 0 : runs_before << 32);
  if (ints[0] == kMultinomial) return draw_classes(x, y, seed, draw);
  const uint64_t count = element_count(y);
  for (uint64_t i = 0; i < count; ++i) {
    double value;
    if (ints[0] == kNormal) {
      value = floats[0] + floats[1] * o2w::random_numbers::normal(
                                          seed, i, draw, [](double a) { return log(a); },
                                          [](double a) { return __builtin_sqrt(a); },
                                          [](double a) { return cos(a); });
    } else {
      value = o2w::random_numbers::uniform(seed, i, draw);
      if (ints[0] == kBernoulli) {
        value = value < load_element(x, i);
      } else {
        value = floats[0] + (floats[1] - floats[0]) * value;
      }
    }
    store_element(y, i, value);
  }
  return o2w::abi::kSuccess;
}
