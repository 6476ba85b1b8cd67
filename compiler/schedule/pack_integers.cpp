// Weights as bytes: what products of integers, and of floats with quantized weights, read.
#include <algorithm>
#include <cstring>
#include <functional>

#include "compiler/schedule/kernel_shapes.h"
#include "compiler/schedule/pack_weights.h"

namespace o2w::schedule {
namespace {

constexpr int kByteLow = -128, kByteHigh = 127;

// The least and the largest of a column's weights and 0, which fills up odd pairs.
struct Span {
  int low = 0, high = 0;
  void add(int value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool fits() const { return high - low <= kByteHigh - kByteLow; }
  bool needs_offset() const { return low < kByteLow || high > kByteHigh; }
  int offset() const { return low - kByteLow; }
};

// Groups of `columns` columns of `taps` runs of `depth` weights; at(group, column, tap, i).
struct Columns {
  int64_t groups = 1, columns = 0, taps = 1, depth = 0;
  std::function<int(int64_t group, int64_t column, int64_t tap, int64_t i)> at;
};

std::optional<PackedIntegers> pack(const Columns& from) {
  std::vector<Span> spans(static_cast<std::size_t>(from.groups * from.columns));
  PackedIntegers packed;
  for (int64_t g = 0; g < from.groups; ++g) {
    for (int64_t column = 0; column < from.columns; ++column) {
      Span& span = spans[static_cast<std::size_t>(g * from.columns + column)];
      for (int64_t tap = 0; tap < from.taps; ++tap) {
        for (int64_t i = 0; i < from.depth; ++i) span.add(from.at(g, column, tap, i));
      }
      if (!span.fits()) return std::nullopt;
      packed.has_offsets = packed.has_offsets || span.needs_offset();
    }
  }
  const int64_t pairs = (from.depth + 1) / 2, panels = panels_of(from.columns),
                head = packed.has_offsets ? 4 * kPanel : 0,
                panel_bytes = head + from.taps * pairs * 2 * kPanel;
  packed.weights = ir::Tensor(ir::DType::i8, {from.groups * panels * panel_bytes});
  auto* bytes = reinterpret_cast<int8_t*>(packed.weights.mutable_bytes());
  for (int64_t g = 0; g < from.groups; ++g) {
    for (int64_t column = 0; column < from.columns; ++column) {
      const int offset =
          packed.has_offsets ? spans[static_cast<std::size_t>(g * from.columns + column)].offset() : 0;
      const int64_t lane = column % kPanel;
      int8_t* panel = bytes + (g * panels + column / kPanel) * panel_bytes;
      if (packed.has_offsets) {
        for (const int64_t half : {0, 1}) {
          panel[4 * lane + 2 * half] = static_cast<int8_t>(static_cast<uint8_t>(offset & 0xff));
          panel[4 * lane + 2 * half + 1] = static_cast<int8_t>(static_cast<uint8_t>((offset >> 8) & 0xff));
        }
      }
      for (int64_t tap = 0; tap < from.taps; ++tap) {
        int8_t* run = panel + head + tap * pairs * 2 * kPanel;
        for (int64_t i = 0; i < 2 * pairs; ++i) {
          const int value = i < from.depth ? from.at(g, column, tap, i) : 0;
          run[(i / 2 * kPanel + lane) * 2 + i % 2] = static_cast<int8_t>(value - offset);
        }
      }
    }
  }
  return packed;
}

// The columns' scales, their offsets, then the numbers, of which unsigned ones are shifted into a byte's
// range.
ir::Tensor pack(const Columns& from, const ir::Dequantization& weights) {
  constexpr int64_t head = 6 * kPanel;
  const int64_t panels = panels_of(from.columns), steps = from.taps * from.depth,
                panel_bytes = head + steps * kPanel;
  const int shift = ir::is_signed(weights.numbers.type()) ? 0 : -kByteLow;
  ir::Tensor packed(ir::DType::i8, {from.groups * panels * panel_bytes});
  uint8_t* bytes = packed.mutable_bytes();
  for (int64_t g = 0; g < from.groups; ++g) {
    for (int64_t column = 0; column < from.columns; ++column) {
      uint8_t* panel = bytes + (g * panels + column / kPanel) * panel_bytes;
      const int64_t lane = column % kPanel, entry = weights.axis < 0 ? 0 : g * from.columns + column;
      const float scale = weights.scale_at(entry);
      const auto offset = static_cast<int16_t>(shift - weights.zero_at(entry));
      std::memcpy(panel + 4 * lane, &scale, sizeof scale);
      std::memcpy(panel + 4 * kPanel + 2 * lane, &offset, sizeof offset);
      for (int64_t tap = 0; tap < from.taps; ++tap) {
        for (int64_t i = 0; i < from.depth; ++i) {
          panel[head + (tap * from.depth + i) * kPanel + lane] =
              static_cast<uint8_t>(from.at(g, column, tap, i) - shift);
        }
      }
    }
  }
  return packed;
}

}  // namespace

std::optional<PackedIntegers> pack_integer_matrix(const ir::Tensor& weights, int64_t k, int64_t n,
                                                  int64_t k_stride, int64_t n_stride) {
  const int16_t* from = weights.data<int16_t>();
  return pack({.columns = n, .depth = k, .at = [=](int64_t, int64_t column, int64_t, int64_t i) {
                 return static_cast<int>(from[i * k_stride + column * n_stride]);
               }});
}

std::optional<PackedIntegers> pack_integer_convolution(const ir::Tensor& weights, int64_t group) {
  const int64_t channels = weights.dims()[1];
  const int64_t taps = weights.dims().back() * (weights.rank() == 4 ? weights.dims()[2] : 1);
  const int64_t columns = weights.dims()[0] / group;
  const int16_t* from = weights.data<int16_t>();
  return pack({.groups = group,
               .columns = columns,
               .taps = taps,
               .depth = channels,
               .at = [=](int64_t g, int64_t column, int64_t tap, int64_t c) {
                 return static_cast<int>(from[((g * columns + column) * channels + c) * taps + tap]);
               }});
}

ir::Tensor pack_dequantized_matrix(const ir::Dequantization& weights, int64_t k, int64_t n, int64_t k_stride,
                                   int64_t n_stride) {
  const ir::Tensor& from = weights.numbers;
  return pack(
      {.columns = n,
       .depth = k,
       .at = [&](int64_t, int64_t column, int64_t,
                 int64_t i) { return static_cast<int>(from.as_int(i * k_stride + column * n_stride)); }},
      weights);
}

ir::Tensor pack_dequantized_convolution(const ir::Dequantization& weights, int64_t group) {
  const ir::Tensor& from = weights.numbers;
  const int64_t channels = from.dims()[1];
  const int64_t taps = from.dims().back() * (from.rank() == 4 ? from.dims()[2] : 1);
  const int64_t columns = from.dims()[0] / group;
  return pack(
      {.groups = group,
       .columns = columns,
       .taps = taps,
       .depth = channels,
       .at =
           [&](int64_t g, int64_t column, int64_t tap, int64_t c) {
             return static_cast<int>(from.as_int(((g * columns + column) * channels + c) * taps + tap));
           }},
      weights);
}

bool fits_bytes(const ir::Tensor& weights) {
  const int64_t columns = weights.dims()[0];
  if (columns == 0) return true;
  const int64_t size = weights.count() / columns;
  const int16_t* from = weights.data<int16_t>();
  for (int64_t column = 0; column < columns; ++column) {
    Span span;
    for (int64_t i = 0; i < size; ++i) span.add(from[column * size + i]);
    if (!span.fits()) return false;
  }
  return true;
}

}  // namespace o2w::schedule
