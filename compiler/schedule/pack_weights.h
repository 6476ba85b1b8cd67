// Weights in the order in which the kernels read them (program.h says which).
#pragma once

#include "compiler/ir/tensor.h"

namespace o2w::schedule {

// [k, n] with any strides (elements) -> [ceil(n/8)][k][8], the last panel filled up with zeros.
ir::Tensor pack_matrix(const ir::Tensor& weights, int64_t k, int64_t n, int64_t k_stride, int64_t n_stride);
// [m, c/group, kh, kw] -> [group][ceil(m/group/8)][kh][kw][c/group][8].
ir::Tensor pack_convolution(const ir::Tensor& weights, int64_t group);
// [c, 1, kh, kw] -> [kh][kw][c].
ir::Tensor pack_depthwise(const ir::Tensor& weights);
// The same elements with the dimensions ordered outermost to innermost as `order` says; dims are those of the
// memory order.
ir::Tensor reordered(const ir::Tensor& tensor, const std::vector<int>& order);

}  // namespace o2w::schedule
