// Mean and variance over some axes, as the normalizing operators need them.
#pragma once

#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// All in x's compute type. mean and variance keep the reduced axes as 1.
struct Moments {
  ir::Value* mean = nullptr;
  ir::Value* centered = nullptr;  // x - mean
  ir::Value* variance = nullptr;  // of the population: the mean of centered^2
};
Moments moments(Lowering& l, ir::Value* x, const std::vector<int>& axes);
// The mean of x^2.
ir::Value* mean_square(Lowering& l, ir::Value* x, const std::vector<int>& axes);
// 1 / sqrt(x + epsilon).
ir::Expr inverse_root(const ir::Expr& x, double epsilon);

// Scale and shift that broadcast against x from the right; either may be null. Emits the checks.
ir::Value* scale_and_shift(Lowering& l, ir::Value* normalized, ir::Value* inverse_deviation, ir::Value* scale,
                           ir::Value* shift, ir::DType type);

}  // namespace o2w::onnx_frontend
