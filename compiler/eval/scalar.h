// The scalar semantics of compiler/ir/expr.h, one element at a time: total functions, nothing traps.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "compiler/ir/dtype.h"
#include "compiler/support/error.h"

namespace o2w::eval::scalar {

// Integer arithmetic wraps: it is done in 64 unsigned bits, of which the low ones are right for every width.
template <typename T>
T add(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a + b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <typename T>
T sub(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a - b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
template <typename T>
T mul(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a * b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
template <typename T>
T div(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return sub<T>(0, a);
    }
    return static_cast<T>(a / b);
  }
}
// C's remainder: sign of the dividend.
template <typename T>
T fmod(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(a, b);
  } else {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
}
template <typename T>
T floordiv(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::floor(a / b);
  } else {
    const T quotient = div(a, b);
    if constexpr (std::is_signed_v<T>) {
      const T rest = fmod(a, b);
      if (rest != 0 && (rest < 0) != (b < 0)) return sub<T>(quotient, 1);
    }
    return quotient;
  }
}
// Python's remainder: sign of the divisor.
template <typename T>
T mod(T a, T b) {
  const T rest = fmod(a, b);
  if constexpr (std::is_signed_v<T>) {
    if (rest != 0 && (rest < 0) != (b < 0)) return add(rest, b);
  }
  return rest;
}
template <typename T>
T pow(T base, T exponent) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::pow(base, exponent);
  } else {
    if constexpr (std::is_signed_v<T>) {
      if (exponent < 0) {
        if (base == 1) return 1;
        if (base == -1) return exponent % 2 == 0 ? 1 : -1;
        return 0;
      }
    }
    T result = 1;
    for (auto left = static_cast<uint64_t>(exponent); left != 0; left >>= 1) {
      if ((left & 1) != 0) result = mul(result, base);
      base = mul(base, base);
    }
    return result;
  }
}
// As wasm's f32.min and f32.max: NaN if either is NaN, and -0 is less than +0.
template <typename T>
T min(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? a : b;
  }
  return b < a ? b : a;
}
template <typename T>
T max(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a < b ? b : a;
}
template <typename T>
T shift_left(T a, T b) {
  using U = std::make_unsigned_t<T>;
  const auto amount = static_cast<U>(b);
  if (amount >= sizeof(T) * 8) return 0;
  return static_cast<T>(static_cast<uint64_t>(a) << amount);
}
template <typename T>
T shift_right(T a, T b) {
  using U = std::make_unsigned_t<T>;
  const auto amount = static_cast<U>(b);
  if (amount >= sizeof(T) * 8) return 0;
  return static_cast<T>(a >> amount);
}
template <typename T>
T neg(T a) {
  if constexpr (std::is_floating_point_v<T>)
    return -a;
  else
    return sub<T>(0, a);
}
template <typename T>
T abs(T a) {
  if constexpr (std::is_floating_point_v<T>)
    return std::abs(a);
  else if constexpr (std::is_signed_v<T>)
    return a < 0 ? neg(a) : a;
  else
    return a;
}
template <typename T>
T sign(T a) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return a;
  }
  if constexpr (std::is_signed_v<T>) {
    if (a < 0) return -1;
  }
  return a > 0 ? 1 : 0;
}

// Numeric conversion: float to integer truncates and saturates (NaN gives 0), integers wrap.
template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(value)) return 0;
    // The limits as a From: the upper one may round up to a power of two, which is out of range itself.
    if (value <= static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (value >= static_cast<From>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

// Calls f.template operator()<T>() with the C++ type in which `type` is computed: booleans are bytes, an
// index is an int64_t, a string its handle (for comparisons; nothing else reaches it). The storage-only and
// complex types have none (InternalError).
template <typename F>
auto dispatch(ir::DType type, F&& f) {
  switch (type) {
    case ir::DType::f32:
      return f.template operator()<float>();
    case ir::DType::f64:
      return f.template operator()<double>();
    case ir::DType::i8:
      return f.template operator()<int8_t>();
    case ir::DType::i16:
      return f.template operator()<int16_t>();
    case ir::DType::i32:
      return f.template operator()<int32_t>();
    case ir::DType::i64:
    case ir::DType::index:
      return f.template operator()<int64_t>();
    case ir::DType::u8:
    case ir::DType::boolean:
      return f.template operator()<uint8_t>();
    case ir::DType::u16:
      return f.template operator()<uint16_t>();
    case ir::DType::u32:
      return f.template operator()<uint32_t>();
    case ir::DType::u64:
    case ir::DType::string:
      return f.template operator()<uint64_t>();
    default:
      fail_internal("no arithmetic in {}", ir::name(type));
  }
}

}  // namespace o2w::eval::scalar
