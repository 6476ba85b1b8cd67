// Fourier transforms as products with a table of complex roots of unity.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// The transform of x [before, n, after, 1 or 2] along dimension 1: [before, bins, after, 2], where bin k is
// sum over n of x[n] * exp(-2 pi i n k / length) (inverse: exp(+..) / length).
ir::Value* fourier(Lowering& l, ir::Value* x, const ir::Dim& length, const ir::Dim& bins, bool inverse);
// The inverse for a real result from the bins 0.. up to length / 2 of its transform, as many of them as x
// has: [before, length, after].
ir::Value* real_inverse_fourier(Lowering& l, ir::Value* x, const ir::Dim& length);

}  // namespace o2w::onnx_frontend
