// Weights in the order in which the kernels read them (program.h says which).
#pragma once

#include <optional>

#include "compiler/ir/dequantization.h"
#include "compiler/ir/tensor.h"

namespace o2w::schedule {

// [k, n] with any strides (elements) -> [ceil(n/8)][k][8], the last panel filled up with zeros.
ir::Tensor pack_matrix(const ir::Tensor& weights, int64_t k, int64_t n, int64_t k_stride, int64_t n_stride);
// [m, c/group, kh, kw] -> [group][ceil(m/group/8)][kh][kw][c/group][8].
ir::Tensor pack_convolution(const ir::Tensor& weights, int64_t group);
// [m, c, kh, kw] -> [ceil(m/8)][c][kh][kw][8].
ir::Tensor pack_winograd(const ir::Tensor& weights);
// The same for i16 weights, as i8 (program.h, Factors says how). Nothing where the weights of a column, zero
// included, span more than a byte.
struct PackedIntegers {
  ir::Tensor weights;
  bool has_offsets = false;
};
std::optional<PackedIntegers> pack_integer_matrix(const ir::Tensor& weights, int64_t k, int64_t n,
                                                  int64_t k_stride, int64_t n_stride);
std::optional<PackedIntegers> pack_integer_convolution(const ir::Tensor& weights, int64_t group);
// Whether pack_integer_convolution packs these weights.
bool fits_bytes(const ir::Tensor& weights);
// Weights for f32_i8 (program.h). Scales and zero points must be one or one per column.
ir::Tensor pack_dequantized_matrix(const ir::Dequantization& weights, int64_t k, int64_t n, int64_t k_stride,
                                   int64_t n_stride);
ir::Tensor pack_dequantized_convolution(const ir::Dequantization& weights, int64_t group);
// [c, 1, kh, kw] -> [ceil(c/4)][kh][kw][4], f32 or i16.
ir::Tensor pack_depthwise(const ir::Tensor& weights);
// The same elements with the dimensions ordered outermost to innermost as `order` says; dims are those of the
// memory order.
ir::Tensor reordered(const ir::Tensor& tensor, const std::vector<int>& order);

}  // namespace o2w::schedule
