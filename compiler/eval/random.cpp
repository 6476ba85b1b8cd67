#include <algorithm>
#include <cmath>

#include "compiler/eval/node_eval.h"
#include "compiler/support/error.h"
#include "runtime-lib/random_numbers.h"

namespace o2w::eval {

using ir::DType;
using ir::Random;
using ir::Tensor;

namespace {

// Draws classes from rows of unnormalised log-probabilities, by inverting the cumulated distribution.
void draw_classes(const Tensor& logits, uint64_t seed, uint64_t draw, Tensor& output) {
  ensure(logits.rank() == 2 && output.rank() == 2, "multinomial draws from rows");
  const int64_t classes = logits.dims()[1];
  const int64_t samples = output.dims()[1];
  if (classes == 0) fail_model("there is no class to draw from");
  const double* logit = logits.data<double>();
  std::vector<double> cumulated(static_cast<std::size_t>(classes));
  for (int64_t row = 0; row < output.dims()[0]; ++row) {
    const double* values = logit + row * classes;
    const double top = *std::max_element(values, values + classes);
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k) {
      sum += std::exp(values[k] - top);
      cumulated[static_cast<std::size_t>(k)] = sum;
    }
    for (int64_t s = 0; s < samples; ++s) {
      const int64_t element = row * samples + s;
      const double level = sum * random_numbers::uniform(seed, static_cast<uint64_t>(element), draw);
      const auto found = std::upper_bound(cumulated.begin(), cumulated.end(), level);
      output.set_int(element, std::min<int64_t>(found - cumulated.begin(), classes - 1));
    }
  }
}

}  // namespace

Tensor evaluate_random(const NodeCall& call, const Random& random) {
  Tensor output = call.new_output();
  const uint64_t seed = random.seed.value_or(0);
  if (random.distribution == Random::Distribution::multinomial) {
    draw_classes(converted(call.input(0), DType::f64), seed, call.stream, output);
    return output;
  }
  Tensor chances;
  if (random.distribution == Random::Distribution::bernoulli) {
    chances = converted(call.input(0), DType::f64);
    ensure(chances.count() == output.count(), "a Bernoulli draw has its input's shape");
  }
  for (int64_t i = 0; i < output.count(); ++i) {
    const auto element = static_cast<uint64_t>(i);
    double value = 0;
    if (random.distribution == Random::Distribution::normal) {
      value = random.a + random.b * random_numbers::normal(seed, element, call.stream);
    } else {
      value = random_numbers::uniform(seed, element, call.stream);
      if (random.distribution == Random::Distribution::bernoulli)
        value = value < chances.data<double>()[i] ? 1 : 0;
      else
        value = random.a + (random.b - random.a) * value;
    }
    output.set_double(i, value);
  }
  return output;
}

}  // namespace o2w::eval
