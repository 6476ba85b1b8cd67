// Convolution and its transpose in any number of spatial dimensions, through column matrices and Eigen's
// product.
#include <Eigen/Core>
#include <algorithm>

#include "compiler/eval/node_eval.h"
#include "compiler/eval/scalar.h"
#include "compiler/support/error.h"

namespace o2w::eval {

using ir::DType;
using ir::Tensor;

namespace {

template <typename T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

int64_t product(const std::vector<int64_t>& sizes) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return count;
}

// Sizes of one convolution. `large` are the spatial sizes of the side that the kernel slides over (x, or the
// output when transposed), `small` those of the other side, whose positions are the kernel's.
struct Geometry {
  std::vector<int64_t> large, small, kernel, strides, dilations, pads;

  int64_t taps() const { return product(kernel); }
  int64_t positions() const { return product(small); }

  // Calls visit(tap, position, offset in the large side or -1 for padding) for `count` positions from
  // `first`, in order of taps.
  template <typename F>
  void for_each(int64_t first, int64_t count, F&& visit) const {
    const std::size_t rank = kernel.size();
    std::vector<int64_t> tap(rank), place(rank);
    for (int64_t t = 0; t < taps(); ++t) {
      split(t, kernel, tap);
      split(first, small, place);
      for (int64_t p = 0; p < count; ++p) {
        int64_t offset = 0;
        for (std::size_t k = 0; k < rank; ++k) {
          const int64_t at = place[k] * strides[k] + tap[k] * dilations[k] - pads[k];
          if (at < 0 || at >= large[k]) {
            offset = -1;
            break;
          }
          offset = offset * large[k] + at;
        }
        visit(t, first + p, offset);
        for (std::size_t k = rank; k-- > 0;) {
          if (++place[k] < small[k]) break;
          place[k] = 0;
        }
      }
    }
  }

  static void split(int64_t number, const std::vector<int64_t>& sizes, std::vector<int64_t>& index) {
    for (std::size_t k = sizes.size(); k-- > 0;) {
      index[k] = number % sizes[k];
      number /= sizes[k];
    }
  }
};

// Positions per column matrix: bounds its memory, whatever the picture's size.
constexpr int64_t tile = 4096;

template <typename T>
void convolve(const Geometry& g, const Tensor& x, const Tensor& w, int64_t group, Tensor& y) {
  const int64_t channels = w.dims()[1], outputs = w.dims()[0] / group;
  const int64_t depth = channels * g.taps(), positions = g.positions(), plane = product(g.large);
  Matrix<T> columns(depth, std::min(tile, positions));
  for (int64_t n = 0; n < x.dims()[0]; ++n) {
    for (int64_t i = 0; i < group; ++i) {
      const T* in = x.data<T>() + (n * group + i) * channels * plane;
      const Eigen::Map<const Matrix<T>> weights(w.data<T>() + i * outputs * depth, outputs, depth);
      Eigen::Map<Matrix<T>> out(y.mutable_data<T>() + (n * group + i) * outputs * positions, outputs,
                                positions);
      for (int64_t first = 0; first < positions; first += tile) {
        const int64_t count = std::min(tile, positions - first);
        for (int64_t c = 0; c < channels; ++c) {
          g.for_each(first, count, [&](int64_t tap, int64_t position, int64_t offset) {
            columns(c * g.taps() + tap, position - first) = offset < 0 ? T{0} : in[c * plane + offset];
          });
        }
        out.middleCols(first, count).noalias() = weights * columns.leftCols(count);
      }
    }
  }
}

template <typename T>
void convolve_transposed(const Geometry& g, const Tensor& x, const Tensor& w, int64_t group, Tensor& y) {
  const int64_t channels = w.dims()[0] / group, outputs = w.dims()[1];
  const int64_t depth = outputs * g.taps(), positions = g.positions(), plane = product(g.large);
  for (int64_t n = 0; n < x.dims()[0]; ++n) {
    for (int64_t i = 0; i < group; ++i) {
      const Eigen::Map<const Matrix<T>> in(x.data<T>() + (n * group + i) * channels * positions, channels,
                                           positions);
      const Eigen::Map<const Matrix<T>> weights(w.data<T>() + i * channels * depth, channels, depth);
      T* out = y.mutable_data<T>() + (n * group + i) * outputs * plane;
      for (int64_t first = 0; first < positions; first += tile) {
        const int64_t count = std::min(tile, positions - first);
        const Matrix<T> columns = weights.transpose() * in.middleCols(first, count);
        for (int64_t m = 0; m < outputs; ++m) {
          g.for_each(first, count, [&](int64_t tap, int64_t position, int64_t offset) {
            if (offset >= 0) out[m * plane + offset] += columns(m * g.taps() + tap, position - first);
          });
        }
      }
    }
  }
}

}  // namespace

Tensor evaluate_convolution(const NodeCall& call, const ir::Convolution& attributes) {
  const DType type = ir::compute_type(call.output_type());
  const Tensor x = converted(call.input(0), type);
  const Tensor w = converted(call.input(1), type);
  Tensor y(type, call.output_sizes());
  ensure(x.rank() >= 2 && w.rank() == x.rank() && y.rank() == x.rank(),
         "a convolution's operands have one rank");

  auto spatial = [](const Tensor& tensor) {
    return std::vector<int64_t>(tensor.dims().begin() + 2, tensor.dims().end());
  };
  Geometry g;
  g.large = attributes.transposed ? spatial(y) : spatial(x);
  g.small = attributes.transposed ? spatial(x) : spatial(y);
  g.kernel = spatial(w);
  g.strides = attributes.strides;
  g.dilations = attributes.dilations;
  g.pads = call.sizes(attributes.pads_begin);
  const std::size_t rank = g.kernel.size();
  ensure(g.strides.size() == rank && g.dilations.size() == rank && g.pads.size() == rank,
         "a convolution has one stride, dilation and padding per spatial dimension");
  const int64_t group = attributes.group;
  const int64_t x_channels = attributes.transposed ? w.dims()[0] : w.dims()[1] * group;
  const int64_t y_channels = attributes.transposed ? w.dims()[1] * group : w.dims()[0];
  if (x.dims()[1] != x_channels || group < 1 || w.dims()[0] % group != 0) {
    fail_model("{}: the input has {} channels, the weights in {} groups are for {}", describe(*call.node),
               x.dims()[1], group, x_channels);
  }
  ensure(y.dims()[0] == x.dims()[0] && y.dims()[1] == y_channels,
         "a convolution's output has its weights' channels");

  if (y.count() != 0 && x.count() != 0) {
    scalar::dispatch(type, [&]<typename T>() {
      // Signed products may overflow; unsigned ones of the same width have the same bits and wrap.
      using U = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                            std::type_identity<T>>::type;
      if (attributes.transposed)
        convolve_transposed<U>(g, x, w, group, y);
      else
        convolve<U>(g, x, w, group, y);
    });
  }
  return converted(y, call.output_type());
}

}  // namespace o2w::eval
