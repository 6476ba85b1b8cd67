// Pseudo-random values for lowerings.
#pragma once

#include <optional>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// The node's `seed` attribute, if it has one (an int for Dropout, else a float): its bits start the
// generator.
std::optional<uint64_t> seed_attribute(Lowering& lowering);

// Uniform in [a, b) or normal with mean a and standard deviation b; `type` is a floating type.
ir::Value* random_value(Lowering& lowering, ir::Random::Distribution distribution, double a, double b,
                        std::optional<uint64_t> seed, ir::DType type, ir::Shape shape);

}  // namespace o2w::onnx_frontend
