#include "compiler/ir/numeric.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compiler/ir/tensor.h"
#include "compiler/ir/type_mismatch.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

int bit_width(DType type) {
  switch (type) {
    case DType::boolean:
      return 1;
    case DType::i2:
    case DType::u2:
      return 2;
    case DType::i4:
    case DType::u4:
      return 4;
    case DType::index:
      return 64;
    default:
      if (!is_integer(type)) fail_types("the range of integers of {}", name(type));
      return 8 * byte_size(type);
  }
}

// What the exponent and mantissa patterns at the top of the range mean.
enum class Specials : uint8_t {
  ieee,           // infinities and NaNs
  nan_only,       // "FN": the all-ones pattern is NaN, no infinities
  unsigned_zero,  // "FNUZ": the pattern of -0 is NaN, no infinities
  none,           // every pattern is a finite number
};

struct NarrowFormat {
  int exponent_bits, mantissa_bits, bias;
  Specials specials;
};

NarrowFormat format_of(DType type) {
  switch (type) {
    case DType::f16:
      return {5, 10, 15, Specials::ieee};
    case DType::bf16:
      return {8, 7, 127, Specials::ieee};
    case DType::f8e4m3fn:
      return {4, 3, 7, Specials::nan_only};
    case DType::f8e4m3fnuz:
      return {4, 3, 8, Specials::unsigned_zero};
    case DType::f8e5m2:
      return {5, 2, 15, Specials::ieee};
    case DType::f8e5m2fnuz:
      return {5, 2, 16, Specials::unsigned_zero};
    case DType::f4e2m1:
      return {2, 1, 1, Specials::none};
    default:
      fail_internal("{} is no narrow float", name(type));
  }
}

// f8e8m0 (OCP MX scale): a power of two without sign. Rounds up, as Cast-24 does unless told otherwise.
uint32_t encode_exponent_only(float value, bool saturate) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t exponent = (bits >> 23) & 0xFF;
  const uint32_t mantissa = bits & 0x7FFFFF;
  if (exponent == 0xFF) return mantissa == 0 && saturate ? 0xFE : 0xFF;
  // Subnormals: 2^-127 is the smallest number of the format and the mantissa pattern 0x400000 of f32.
  if (exponent == 0) return mantissa > 0x400000 ? 1 : 0;
  if (mantissa == 0) return exponent;
  return exponent == 0xFE && !saturate ? 0xFF : std::min<uint32_t>(exponent + 1, 0xFE);
}

}  // namespace

int64_t int_lowest(DType type) {
  if (type == DType::boolean || !is_signed(type)) return 0;
  return std::numeric_limits<int64_t>::min() >> (64 - bit_width(type));
}

int64_t int_highest(DType type) {
  const int value_bits = std::min(is_signed(type) ? bit_width(type) - 1 : bit_width(type), 63);
  return static_cast<int64_t>((uint64_t{1} << value_bits) - 1);
}

int64_t wrap_int(DType type, int64_t value) {
  if (type == DType::boolean) return value != 0;
  const int unused = 64 - bit_width(type);
  const uint64_t shifted = static_cast<uint64_t>(value) << unused;
  return is_signed(type) ? static_cast<int64_t>(shifted) >> unused : static_cast<int64_t>(shifted >> unused);
}

int64_t float_to_int(DType type, double value) {
  if (std::isnan(value)) return 0;
  if (type == DType::boolean) return value != 0;
  const double whole = std::trunc(value);
  if (type == DType::u64) {
    if (whole <= 0) return 0;
    return static_cast<int64_t>(whole >= 0x1p64 ? std::numeric_limits<uint64_t>::max()
                                                : static_cast<uint64_t>(whole));
  }
  const int64_t low = int_lowest(type), high = int_highest(type);
  if (whole <= static_cast<double>(low)) return low;
  if (whole >= static_cast<double>(high)) return high;  // 2^63 - 1 rounds up to 2^63: still right
  return static_cast<int64_t>(whole);
}

double int_to_float(DType from, int64_t value, DType to) {
  if (from == DType::u64) {
    const auto bits = static_cast<uint64_t>(value);
    return to == DType::f64 ? static_cast<double>(bits) : round_to(to, static_cast<float>(bits));
  }
  return to == DType::f64 ? static_cast<double>(value) : round_to(to, static_cast<float>(value));
}

double round_to(DType type, double value) {
  if (type == DType::f64) return value;
  if (type == DType::f32) return static_cast<float>(value);
  return decode_narrow(type, encode_narrow(type, static_cast<float>(value)));
}

float decode_narrow(DType type, uint32_t bits) {
  if (type == DType::f8e8m0) {
    return bits == 0xFF ? std::numeric_limits<float>::quiet_NaN()
                        : std::ldexp(1.0f, static_cast<int>(bits) - 127);
  }
  const NarrowFormat format = format_of(type);
  const uint32_t mantissa_mask = (1u << format.mantissa_bits) - 1;
  const uint32_t exponent_mask = (1u << format.exponent_bits) - 1;
  const uint32_t mantissa = bits & mantissa_mask;
  const uint32_t exponent = (bits >> format.mantissa_bits) & exponent_mask;
  const bool negative = ((bits >> (format.mantissa_bits + format.exponent_bits)) & 1) != 0;
  const float nan = std::copysign(std::numeric_limits<float>::quiet_NaN(), negative ? -1.0f : 1.0f);
  float magnitude = 0;
  if (format.specials == Specials::ieee && exponent == exponent_mask) {
    if (mantissa != 0) return nan;
    magnitude = std::numeric_limits<float>::infinity();
  } else if (format.specials == Specials::nan_only && exponent == exponent_mask &&
             mantissa == mantissa_mask) {
    return nan;
  } else if (format.specials == Specials::unsigned_zero && negative && exponent == 0 && mantissa == 0) {
    return std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), 1 - format.bias - format.mantissa_bits);
  } else {
    magnitude = std::ldexp(static_cast<float>(mantissa | (1u << format.mantissa_bits)),
                           static_cast<int>(exponent) - format.bias - format.mantissa_bits);
  }
  return negative ? -magnitude : magnitude;
}

uint32_t encode_narrow(DType type, float value, bool saturate) {
  if (type == DType::f8e8m0) return encode_exponent_only(value, saturate);
  const NarrowFormat format = format_of(type);
  const uint32_t mantissa_mask = (1u << format.mantissa_bits) - 1;
  const uint32_t exponent_mask = (1u << format.exponent_bits) - 1;
  const uint32_t sign_bit = 1u << (format.mantissa_bits + format.exponent_bits);
  const uint32_t sign = std::signbit(value) ? sign_bit : 0;
  const bool unsigned_zero = format.specials == Specials::unsigned_zero;

  // Patterns of the largest finite number, of NaN, and of what an overflow gives.
  uint32_t largest = (exponent_mask << format.mantissa_bits) | mantissa_mask;
  uint32_t nan = largest;
  uint32_t infinity = largest;
  if (format.specials == Specials::ieee) {
    infinity = exponent_mask << format.mantissa_bits;
    nan = infinity | (1u << (format.mantissa_bits - 1));
    largest = infinity - 1;
  } else if (format.specials == Specials::nan_only) {
    largest -= 1;
  } else if (unsigned_zero) {
    nan = infinity = sign_bit;
  }
  if (std::isnan(value)) return unsigned_zero ? nan : nan | sign;

  // In the IEEE formats of 16 bits an overflow is infinite whatever `saturate` says.
  const bool keeps_infinity = format.specials == Specials::ieee && (byte_size(type) == 2 || !saturate);
  const uint32_t overflow = saturate && !keeps_infinity ? largest : infinity;
  const float magnitude = std::fabs(value);
  uint32_t pattern = 0;
  if (std::isinf(magnitude)) {
    pattern = format.specials == Specials::ieee ? infinity : overflow;
  } else if (magnitude != 0) {
    int exponent = std::max(std::ilogb(magnitude), 1 - format.bias);  // below: subnormals of the format
    // In units of the last place; the default rounding mode is to nearest, ties to even.
    const double units =
        std::nearbyint(std::ldexp(static_cast<double>(magnitude), format.mantissa_bits - exponent));
    auto mantissa = static_cast<uint32_t>(units);
    if (mantissa >> (format.mantissa_bits + 1) != 0) {
      mantissa >>= 1;
      ++exponent;
    }
    if (exponent + format.bias > static_cast<int>(exponent_mask)) {
      pattern = overflow;
    } else {
      // A subnormal lacks the implicit bit, which is what its zero exponent field takes off.
      const auto field = static_cast<uint32_t>(exponent + format.bias - 1) << format.mantissa_bits;
      pattern = field + mantissa;
      if (pattern > largest) pattern = overflow;
    }
  }
  if (unsigned_zero && (pattern == 0 || pattern == sign_bit)) return pattern;
  return pattern | sign;
}

}  // namespace o2w::ir
