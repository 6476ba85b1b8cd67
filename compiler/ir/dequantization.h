// Weights that a model holds as small integers and multiplies as floats: a tabulate of constants that
// computes (numbers - zero points) * scales. They are worth keeping as they are, a quarter of the floats'
// size.
#pragma once

#include <optional>

#include "compiler/ir/graph.h"

namespace o2w::ir {

struct Dequantization {
  Tensor numbers;               // of a type of one byte
  Tensor scales;                // f32: one, or one per entry of dimension `axis`
  std::optional<Tensor> zeros;  // integers, one or as many; none: 0
  int axis = -1;

  float scale_at(int64_t i) const { return scales.data<float>()[scales.count() == 1 ? 0 : i]; }
  int zero_at(int64_t i) const {
    return zeros ? static_cast<int>(zeros->as_int(zeros->count() == 1 ? 0 : i)) : 0;
  }
};

// Nothing where the node is something else.
std::optional<Dequantization> dequantization_of(const Node& node);
// The floats.
Tensor dequantized(const Dequantization& weights);
// Whether keeping the integers is worth the trouble.
bool is_large(const Dequantization& weights);

}  // namespace o2w::ir
