#include <algorithm>
#include <array>
#include <cstring>

#include "compiler/eval/kernels.h"
#include "compiler/eval/scalar.h"
#include "compiler/ir/tensor.h"

namespace o2w::eval {
namespace {

using ir::DType;

bool is_narrow_float(DType type) { return ir::is_storage_only(type) && ir::is_float(type); }
bool is_narrow_integer(DType type) { return ir::is_storage_only(type) && !ir::is_float(type); }

// Calls f(first, count) for pieces small enough for a buffer on the stack.
constexpr int64_t piece = 1024;
template <typename F>
void in_pieces(int64_t count, F&& f) {
  for (int64_t first = 0; first < count; first += piece) f(first, std::min(piece, count - first));
}

void decode(DType from, const void* in, float* out, int64_t count) {
  if (ir::byte_size(from) == 2) {
    const auto* bits = static_cast<const uint16_t*>(in);
    for (int64_t i = 0; i < count; ++i) out[i] = ir::decode_narrow(from, bits[i]);
  } else {
    const auto* bits = static_cast<const uint8_t*>(in);
    for (int64_t i = 0; i < count; ++i) out[i] = ir::decode_narrow(from, bits[i]);
  }
}

void encode(DType to, const float* in, void* out, int64_t count) {
  if (ir::byte_size(to) == 2) {
    auto* bits = static_cast<uint16_t*>(out);
    for (int64_t i = 0; i < count; ++i) bits[i] = static_cast<uint16_t>(ir::encode_narrow(to, in[i]));
  } else {
    auto* bits = static_cast<uint8_t*>(out);
    for (int64_t i = 0; i < count; ++i) bits[i] = static_cast<uint8_t>(ir::encode_narrow(to, in[i]));
  }
}

// i4, u4, i2, u2: one byte per element in memory. Floats saturate at the narrow range, integers keep their
// low bits.
template <typename From>
void to_narrow_integer(DType to, const From* in, void* out, int64_t count) {
  const int bits = to == DType::i4 || to == DType::u4 ? 4 : 2;
  const bool is_signed = ir::is_signed(to);
  const int low = is_signed ? -(1 << (bits - 1)) : 0;
  const int high = is_signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  auto* target = static_cast<int8_t*>(out);
  for (int64_t i = 0; i < count; ++i) {
    int value = 0;
    if constexpr (std::is_floating_point_v<From>) {
      value = std::clamp(scalar::convert<int>(in[i]), low, high);
    } else {
      value = static_cast<int>(static_cast<uint64_t>(in[i]) & ((1U << bits) - 1));
      if (value > high) value -= 1 << bits;
    }
    target[i] = static_cast<int8_t>(value);
  }
}

template <typename From, typename To>
void convert_all(const void* in, void* out, int64_t count) {
  const From* source = static_cast<const From*>(in);
  To* target = static_cast<To*>(out);
  for (int64_t i = 0; i < count; ++i) target[i] = scalar::convert<To>(source[i]);
}

}  // namespace

void cast_elements(DType from, DType to, const void* in, void* out, int64_t count) {
  if (from == to) {
    std::memcpy(out, in, static_cast<std::size_t>(count * element_size(to)));
    return;
  }
  if (is_narrow_float(from)) {
    std::array<float, piece> wide{};
    in_pieces(count, [&](int64_t first, int64_t n) {
      decode(from, static_cast<const uint8_t*>(in) + first * ir::byte_size(from), wide.data(), n);
      cast_elements(DType::f32, to, wide.data(), static_cast<uint8_t*>(out) + first * element_size(to), n);
    });
    return;
  }
  if (is_narrow_integer(from)) return cast_elements(ir::compute_type(from), to, in, out, count);
  if (is_narrow_float(to)) {
    std::array<float, piece> wide{};
    in_pieces(count, [&](int64_t first, int64_t n) {
      cast_elements(from, DType::f32, static_cast<const uint8_t*>(in) + first * element_size(from),
                    wide.data(), n);
      encode(to, wide.data(), static_cast<uint8_t*>(out) + first * ir::byte_size(to), n);
    });
    return;
  }
  scalar::dispatch(from, [&]<typename From>() {
    if (is_narrow_integer(to)) {
      to_narrow_integer(to, static_cast<const From*>(in), out, count);
    } else if (to == DType::boolean) {
      const From* source = static_cast<const From*>(in);
      auto* target = static_cast<uint8_t*>(out);
      for (int64_t i = 0; i < count; ++i) target[i] = uint8_t{source[i] != 0};
    } else {
      scalar::dispatch(to, [&]<typename To>() { convert_all<From, To>(in, out, count); });
    }
  });
}

}  // namespace o2w::eval
