// Narrow floating-point formats in the low bits of an i32. f16, bf16: IEEE 754. f8e4m3fn, f8e5m2:
// Micikevicius et al., "FP8 Formats for Deep Learning" (2022); the fnuz variants: Noune et al., "8-bit
// Numerical Formats for Deep Neural Networks" (2022). Rounding is to nearest, ties to even; casts to f8
// saturate to the largest finite number, as ONNX's Cast does with saturate=1.
#include "runtime-lib/narrow_floats.h"

#include "runtime-lib/platform.h"

namespace {

// What the exponent and mantissa patterns at the top of the range mean.
enum class Specials : uint8_t {
  kIeee,          // infinities and NaNs
  kNanOnly,       // "FN": the all-ones pattern is NaN, no infinities
  kUnsignedZero,  // "FNUZ": the pattern of -0 is NaN, no infinities
  kNone,          // every pattern is a finite number
};

struct Format {
  int exponent_bits, mantissa_bits, bias;
  Specials specials;
  bool saturate;  // overflow and infinity give the largest finite number
};

constexpr Format kF16 = {5, 10, 15, Specials::kIeee, false};
constexpr Format kF8E4M3FN = {4, 3, 7, Specials::kNanOnly, true};
constexpr Format kF8E4M3FNUZ = {4, 3, 8, Specials::kUnsignedZero, true};
constexpr Format kF8E5M2 = {5, 2, 15, Specials::kIeee, true};
constexpr Format kF8E5M2FNUZ = {5, 2, 16, Specials::kUnsignedZero, true};
constexpr Format kF4E2M1 = {2, 1, 1, Specials::kNone, true};

uint32_t bits_of(float value) { return __builtin_bit_cast(uint32_t, value); }
float float_of(uint32_t bits) { return __builtin_bit_cast(float, bits); }

constexpr uint32_t kInfinity = 0x7f800000, kQuietNan = 0x7fc00000;

// 2^e for -149 <= e <= 127.
float power_of_two(int e) {
  return float_of(e >= -126 ? static_cast<uint32_t>(e + 127) << 23 : 1u << (e + 149));
}

float decode(const Format& format, uint32_t bits) {
  const int width = 1 + format.exponent_bits + format.mantissa_bits;
  const uint32_t sign = bits >> (width - 1) & 1;
  const uint32_t magnitude = bits & ((1u << (width - 1)) - 1);
  const uint32_t exponent = magnitude >> format.mantissa_bits;
  const uint32_t mantissa = magnitude & ((1u << format.mantissa_bits) - 1);
  const uint32_t top = (1u << format.exponent_bits) - 1;
  if (format.specials == Specials::kUnsignedZero && sign && magnitude == 0) return float_of(kQuietNan);
  if (format.specials == Specials::kIeee && exponent == top) {
    return float_of(sign << 31 | (mantissa ? kQuietNan : kInfinity));
  }
  if (format.specials == Specials::kNanOnly && magnitude == (1u << (width - 1)) - 1) {
    return float_of(sign << 31 | kQuietNan);
  }
  // Exact: few bits, and every exponent of these formats is normal in f32 but for the scaling, done by an
  // exact product.
  const uint32_t significand = exponent ? mantissa | 1u << format.mantissa_bits : mantissa;
  const int scale = static_cast<int>(exponent ? exponent : 1) - format.bias - format.mantissa_bits;
  const float value = static_cast<float>(significand) * power_of_two(scale);
  return sign ? -value : value;
}

uint32_t encode(const Format& format, float value) {
  const int width = 1 + format.exponent_bits + format.mantissa_bits;
  const uint32_t sign_bit = 1u << (width - 1);
  const uint32_t bits = bits_of(value);
  const uint32_t sign = bits >> 31 ? sign_bit : 0;
  const uint32_t magnitude = bits & 0x7fffffff;
  const uint32_t all_ones = sign_bit - 1;
  const uint32_t top = (1u << format.exponent_bits) - 1;
  const uint32_t infinity = top << format.mantissa_bits;
  // The patterns of NaN (with kNone, which has none, the largest number's) and of the largest finite number.
  uint32_t nan = sign | all_ones;
  uint32_t largest = all_ones;
  if (format.specials == Specials::kIeee) {
    nan = sign | infinity | 1u << (format.mantissa_bits - 1);
    largest = infinity - 1;
  } else if (format.specials == Specials::kNanOnly) {
    largest = all_ones - 1;
  } else if (format.specials == Specials::kUnsignedZero) {
    nan = sign_bit;
  }
  if (magnitude > kInfinity) return nan;
  if (magnitude == kInfinity && format.specials == Specials::kIeee) return sign | infinity;

  uint32_t result;
  if (magnitude == kInfinity) {
    result = all_ones + 1;
  } else {
    // In units of the target's last place: an exponent below the normal range is that of its smallest normal.
    const int exponent = static_cast<int>(magnitude >> 23) - 127;
    const int smallest = 1 - format.bias;
    const int effective = exponent < smallest ? smallest : exponent;
    const int shift = 23 - format.mantissa_bits + (effective - exponent);
    const uint32_t significand =
        magnitude >> 23 ? (magnitude & 0x7fffff) | 0x800000 : 0;  // f32 subnormals are far below
    uint32_t rounded = 0;
    if (shift <= 24) {
      const uint32_t half = 1u << (shift - 1);
      const uint32_t rest = significand & (2 * half - 1);
      rounded = significand >> shift;
      rounded += rest > half || (rest == half && (rounded & 1));
    }
    // A carry out of the mantissa goes into the exponent by itself.
    const auto biased = static_cast<uint32_t>(effective + format.bias);
    result = ((biased - 1) << format.mantissa_bits) + rounded;
  }
  if (result > largest) {
    if (format.saturate) return sign | largest;
    return format.specials == Specials::kIeee ? sign | infinity : nan;
  }
  if (format.specials == Specials::kUnsignedZero && result == 0) return 0;
  return sign | result;
}

}  // namespace

#define O2W_NARROW(type, format)                                                       \
  O2W_EXPORT float o2w_##type##_to_f32(uint32_t bits) { return decode(format, bits); } \
  O2W_EXPORT uint32_t o2w_f32_to_##type(float value) { return encode(format, value); }

O2W_NARROW(f16, kF16)
O2W_NARROW(f8e4m3fn, kF8E4M3FN)
O2W_NARROW(f8e4m3fnuz, kF8E4M3FNUZ)
O2W_NARROW(f8e5m2, kF8E5M2)
O2W_NARROW(f8e5m2fnuz, kF8E5M2FNUZ)

O2W_NARROW(f4e2m1, kF4E2M1)

// OCP Microscaling Formats specification 1.0: a power of two, 0xff is NaN.
O2W_EXPORT float o2w_f8e8m0_to_f32(uint32_t bits) {
  return bits == 0xff ? float_of(kQuietNan) : power_of_two(static_cast<int>(bits) - 127);
}

// Rounds up, as Cast-24 does unless told otherwise; negative numbers go by their magnitude.
O2W_EXPORT uint32_t o2w_f32_to_f8e8m0(float value) {
  const uint32_t exponent = bits_of(value) >> 23 & 0xff;
  const uint32_t mantissa = bits_of(value) & 0x7fffff;
  if (exponent == 0xff) return mantissa == 0 ? 0xfe : 0xff;
  // The smallest number of the format, 2^-127, is a subnormal of f32.
  if (exponent == 0) return mantissa > 0x400000;
  return mantissa == 0 || exponent == 0xfe ? exponent : exponent + 1;
}

O2W_EXPORT float o2w_bf16_to_f32(uint32_t bits) { return float_of(bits << 16); }

O2W_EXPORT uint32_t o2w_f32_to_bf16(float value) {
  const uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffff) > kInfinity) return (bits >> 16 & 0x8000) | 0x7fc0;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

using o2w::runtime::DType;

float o2w_decode_narrow(DType type, uint32_t bits) {
  switch (type) {
    case DType::f16:
      return o2w_f16_to_f32(bits);
    case DType::bf16:
      return o2w_bf16_to_f32(bits);
    case DType::f8e4m3fn:
      return o2w_f8e4m3fn_to_f32(bits);
    case DType::f8e4m3fnuz:
      return o2w_f8e4m3fnuz_to_f32(bits);
    case DType::f8e5m2:
      return o2w_f8e5m2_to_f32(bits);
    case DType::f8e5m2fnuz:
      return o2w_f8e5m2fnuz_to_f32(bits);
    case DType::f8e8m0:
      return o2w_f8e8m0_to_f32(bits);
    default:
      return o2w_f4e2m1_to_f32(bits);
  }
}

uint32_t o2w_encode_narrow(DType type, float value) {
  switch (type) {
    case DType::f16:
      return o2w_f32_to_f16(value);
    case DType::bf16:
      return o2w_f32_to_bf16(value);
    case DType::f8e4m3fn:
      return o2w_f32_to_f8e4m3fn(value);
    case DType::f8e4m3fnuz:
      return o2w_f32_to_f8e4m3fnuz(value);
    case DType::f8e5m2:
      return o2w_f32_to_f8e5m2(value);
    case DType::f8e5m2fnuz:
      return o2w_f32_to_f8e5m2fnuz(value);
    case DType::f8e8m0:
      return o2w_f32_to_f8e8m0(value);
    default:
      return o2w_f32_to_f4e2m1(value);
  }
}
