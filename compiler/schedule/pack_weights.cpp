#include "compiler/schedule/pack_weights.h"

#include <algorithm>
#include <cstring>

#include "compiler/schedule/kernel_shapes.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

// Height and width of a filter of one or two spatial dimensions.
struct Window {
  explicit Window(const ir::Tensor& weights)
      : height(weights.rank() == 4 ? weights.dims()[2] : 1), width(weights.dims().back()) {}
  int64_t height, width;
};

}  // namespace

ir::Tensor pack_matrix(const ir::Tensor& weights, int64_t k, int64_t n, int64_t k_stride, int64_t n_stride) {
  ir::Tensor packed(ir::DType::f32, {panels_of(n), k, kPanel});
  const float* from = weights.data<float>();
  float* to = packed.mutable_data<float>();
  for (int64_t column = 0; column < n; ++column) {
    float* panel = to + column / kPanel * k * kPanel + column % kPanel;
    for (int64_t i = 0; i < k; ++i) panel[i * kPanel] = from[i * k_stride + column * n_stride];
  }
  return packed;
}

ir::Tensor pack_winograd(const ir::Tensor& weights) {
  const Window window(weights);
  return pack_matrix(weights, weights.dims()[1] * window.height * window.width, weights.dims()[0], 1,
                     weights.dims()[1] * window.height * window.width);
}

ir::Tensor pack_convolution(const ir::Tensor& weights, int64_t group) {
  const Window window(weights);
  const int64_t columns = weights.dims()[0] / group, channels = weights.dims()[1],
                taps = window.height * window.width;
  ir::Tensor packed(ir::DType::f32, {group, panels_of(columns), taps, channels, kPanel});
  const float* from = weights.data<float>();
  float* to = packed.mutable_data<float>();
  for (int64_t g = 0; g < group; ++g) {
    for (int64_t column = 0; column < columns; ++column) {
      const float* filter = from + (g * columns + column) * channels * taps;
      float* panel =
          to + (g * panels_of(columns) + column / kPanel) * taps * channels * kPanel + column % kPanel;
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t c = 0; c < channels; ++c) panel[(tap * channels + c) * kPanel] = filter[c * taps + tap];
      }
    }
  }
  return packed;
}

namespace {

template <typename T>
ir::Tensor packed_depthwise(const ir::Tensor& weights) {
  const Window window(weights);
  const int64_t channels = weights.dims()[0], taps = window.height * window.width;
  ir::Tensor packed(weights.type(), {(channels + 3) / 4, taps, 4});
  const T* from = weights.data<T>();
  T* to = packed.mutable_data<T>();
  std::fill(to, to + packed.count(), T{0});
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t tap = 0; tap < taps; ++tap) to[(c / 4 * taps + tap) * 4 + c % 4] = from[c * taps + tap];
  }
  return packed;
}

}  // namespace

ir::Tensor pack_depthwise(const ir::Tensor& weights) {
  return weights.type() == ir::DType::i16 ? packed_depthwise<int16_t>(weights)
                                          : packed_depthwise<float>(weights);
}

ir::Tensor reordered(const ir::Tensor& tensor, const std::vector<int>& order) {
  const std::size_t rank = order.size();
  ensure(static_cast<int64_t>(rank) == tensor.rank(), "an order of another rank");
  std::vector<int64_t> strides(rank, 1), dims(rank), from_strides(rank);
  for (std::size_t d = rank; d-- > 1;) strides[d - 1] = strides[d] * tensor.dims()[d];
  for (std::size_t d = 0; d < rank; ++d) {
    dims[d] = tensor.dims()[static_cast<std::size_t>(order[d])];
    from_strides[d] = strides[static_cast<std::size_t>(order[d])];
  }
  ir::Tensor result(tensor.type(), dims);
  const auto bytes = static_cast<std::size_t>(ir::byte_size(tensor.type()));
  const uint8_t* from = tensor.bytes();
  uint8_t* to = result.mutable_bytes();
  std::vector<int64_t> index(rank, 0);
  for (int64_t i = 0; i < result.count(); ++i, to += bytes) {
    int64_t at = 0;
    for (std::size_t d = 0; d < rank; ++d) at += index[d] * from_strides[d];
    std::memcpy(to, from + at * static_cast<int64_t>(bytes), bytes);
    for (std::size_t d = rank; d-- > 0 && ++index[d] == dims[d];) index[d] = 0;
  }
  return result;
}

}  // namespace o2w::schedule
