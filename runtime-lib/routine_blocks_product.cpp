// Products with matrices of 2, 4 or 8 bits per weight, whose columns are quantized in blocks of the summed
// index. The weights stay packed: each is unpacked when it is multiplied, once for up to four rows.
#include "runtime-lib/routines.h"
#include "runtime-lib/vector.h"

namespace o2w::runtime {
namespace {

typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef int16_t i16x4 __attribute__((vector_size(8)));

constexpr uint32_t kColumns = 8;  // of a panel

struct Eight {
  f32x4 low, high;
};

Eight to_floats(i16x8 x) {
  const i16x4 low = __builtin_shufflevector(x, x, 0, 1, 2, 3),
              high = __builtin_shufflevector(x, x, 4, 5, 6, 7);
  return {__builtin_convertvector(__builtin_convertvector(low, i32x4), f32x4),
          __builtin_convertvector(__builtin_convertvector(high, i32x4), f32x4)};
}

i16x8 load_bytes(const uint8_t* from) {
  u8x8 bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, i16x8);
}

Eight load_floats(const uint8_t* from) {
  Eight result;
  __builtin_memcpy(&result.low, from, sizeof result.low);
  __builtin_memcpy(&result.high, from + sizeof result.low, sizeof result.high);
  return result;
}

struct Layout {
  uint32_t depth, block;  // elements of the sum, and of a block of it
};

// One panel's columns of Rows rows. `a` points to the first row; a_step floats lie between rows.
template <int Bits, bool FloatZeros, int Rows>
void multiply(const Layout& layout, const float* a, uint32_t a_step, const uint8_t* panel,
              Eight (&sums)[Rows]) {
  constexpr uint32_t per_byte = 8 / Bits;
  constexpr int16_t mask = (1 << Bits) - 1;
  for (uint32_t start = 0; start < layout.depth; start += layout.block) {
    const Eight scales = load_floats(panel);
    panel += 4 * kColumns;
    i16x8 zeros{};
    Eight float_zeros{};
    if constexpr (FloatZeros) {
      float_zeros = load_floats(panel);
      panel += 4 * kColumns;
    } else {
      zeros = load_bytes(panel);
      panel += kColumns;
    }
    const uint32_t end = start + layout.block < layout.depth ? start + layout.block : layout.depth;
    const uint8_t* bytes = panel;
    for (uint32_t k = start; k < end; k += per_byte, bytes += kColumns) {
      const i16x8 packed = load_bytes(bytes);
      for (uint32_t part = 0; part < per_byte; ++part) {
        if (k + part >= end) break;
        i16x8 number = per_byte == 1 ? packed : (packed >> static_cast<int16_t>(part * Bits)) & mask;
        if constexpr (!FloatZeros) number -= zeros;
        Eight weight = to_floats(number);
        if constexpr (FloatZeros) {
          weight.low -= float_zeros.low;
          weight.high -= float_zeros.high;
        }
        weight.low *= scales.low;
        weight.high *= scales.high;
        for (int row = 0; row < Rows; ++row) {
          const f32x4 left = splat(a[static_cast<uint32_t>(row) * a_step + k + part]);
          sums[row].low += left * weight.low;
          sums[row].high += left * weight.high;
        }
      }
    }
    panel += layout.block / per_byte * kColumns;
  }
}

template <int Bits, bool FloatZeros, int Rows>
void multiply_and_store(const Layout& layout, const float* a, const uint8_t* panel, const float* bias,
                        float* out, uint32_t out_step, uint32_t columns) {
  Eight sums[Rows] = {};
  multiply<Bits, FloatZeros, Rows>(layout, a, layout.depth, panel, sums);
  for (int row = 0; row < Rows; ++row) {
    float values[kColumns];
    __builtin_memcpy(values, &sums[row], sizeof values);
    for (uint32_t column = 0; column < columns; ++column) {
      out[static_cast<uint32_t>(row) * out_step + column] =
          bias ? values[column] + bias[column] : values[column];
    }
  }
}

template <int Bits, bool FloatZeros>
void product(const Layout& layout, uint32_t rows, uint32_t columns, const float* a, const uint8_t* weights,
             const float* bias, float* out) {
  const uint32_t blocks = (layout.depth + layout.block - 1) / layout.block;
  const uint32_t head = 4 * kColumns + (FloatZeros ? 4 * kColumns : kColumns);
  const uint32_t panel_bytes = blocks * (head + layout.block * Bits / 8 * kColumns);
  for (uint32_t column = 0; column < columns; column += kColumns, weights += panel_bytes) {
    const uint32_t here = columns - column < kColumns ? columns - column : kColumns;
    const float* panel_bias = bias ? bias + column : nullptr;
    uint32_t row = 0;
    for (; row + 4 <= rows; row += 4) {
      multiply_and_store<Bits, FloatZeros, 4>(layout, a + row * layout.depth, weights, panel_bias,
                                              out + row * columns + column, columns, here);
    }
    for (; row < rows; ++row) {
      multiply_and_store<Bits, FloatZeros, 1>(layout, a + row * layout.depth, weights, panel_bias,
                                              out + row * columns + column, columns, here);
    }
  }
}

template <int Bits, bool FloatZeros>
int32_t run(const abi::TensorArg* args, uint32_t inputs, const int64_t* ints) {
  const auto &a = args[0], &weights = args[1], &y = args[inputs];
  const Layout layout{static_cast<uint32_t>(ints[1]), static_cast<uint32_t>(ints[0])};
  const auto columns = static_cast<uint32_t>(ints[2]);
  const auto rows = columns ? static_cast<uint32_t>(element_count(y) / columns) : 0;
  product<Bits, FloatZeros>(layout, rows, columns, at<const float>(a.data), at<const uint8_t>(weights.data),
                            inputs > 2 ? at<const float>(args[2].data) : nullptr, at<float>(y.data));
  return abi::kSuccess;
}

}  // namespace
}  // namespace o2w::runtime

// One routine per form, so that a module holds what its model uses.
O2W_ROUTINE(blocks_product_2) { return o2w::runtime::run<2, false>(args, inputs, ints); }
O2W_ROUTINE(blocks_product_4) { return o2w::runtime::run<4, false>(args, inputs, ints); }
O2W_ROUTINE(blocks_product_8) { return o2w::runtime::run<8, false>(args, inputs, ints); }
O2W_ROUTINE(blocks_product_2_float_zeros) { return o2w::runtime::run<2, true>(args, inputs, ints); }
O2W_ROUTINE(blocks_product_4_float_zeros) { return o2w::runtime::run<4, true>(args, inputs, ints); }
O2W_ROUTINE(blocks_product_8_float_zeros) { return o2w::runtime::run<8, true>(args, inputs, ints); }
