#include <math.h>

#include "runtime-lib/random_numbers.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

// Random nodes executed since the run began, and runs begun before it.
uint64_t draws, runs_before;
bool has_run;

// The numbers of one random node.
struct Draw {
  explicit Draw(const int64_t* ints)
      : seed(static_cast<uint64_t>(ints[0])), number(draws++ | (ints[1] != 0 ? 0 : runs_before << 32)) {}
  double uniform(uint64_t element) const { return random_numbers::uniform(seed, element, number); }

  uint64_t seed, number;
};

}  // namespace

void restart_random_numbers() {
  runs_before += has_run;
  has_run = true;
  draws = 0;
}

}  // namespace o2w::runtime

using namespace o2w::runtime;

O2W_ROUTINE(random_uniform) {
  const Draw draw(ints);
  const auto& y = args[inputs];
  const uint64_t count = element_count(y);
  for (uint64_t i = 0; i < count; ++i)
    store_element(y, i, floats[0] + (floats[1] - floats[0]) * draw.uniform(i));
  return o2w::abi::kSuccess;
}

O2W_ROUTINE(random_normal) {
  const Draw draw(ints);
  const auto& y = args[inputs];
  const uint64_t count = element_count(y);
  for (uint64_t i = 0; i < count; ++i)
    store_element(y, i, floats[0] + floats[1] * o2w::random_numbers::normal(draw.seed, i, draw.number));
  return o2w::abi::kSuccess;
}

O2W_ROUTINE(random_bernoulli) {
  const Draw draw(ints);
  const auto &x = args[0], &y = args[inputs];
  const uint64_t count = element_count(y);
  for (uint64_t i = 0; i < count; ++i) store_element(y, i, draw.uniform(i) < load_element(x, i));
  return o2w::abi::kSuccess;
}

// By inverting the cumulated distribution of each row.
O2W_ROUTINE(random_classes) {
  const Draw draw(ints);
  const auto &logits = args[0], &y = args[inputs];
  const auto classes = static_cast<uint32_t>(logits.dims[1]);
  const auto samples = static_cast<uint32_t>(y.dims[1]);
  if (classes == 0) {
    ErrorText() << "there is no class to draw from";
    return o2w::abi::kInvalidArgument;
  }
  const Scratch scratch(uint64_t{classes} * sizeof(double));
  if (!scratch) return o2w::abi::kTooLarge;
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
      const double level = sum * draw.uniform(element);
      uint32_t chosen = 0;
      while (chosen + 1 < classes && !(level < cumulated[chosen])) ++chosen;
      store_element(y, element, chosen);
    }
  }
  return o2w::abi::kSuccess;
}
