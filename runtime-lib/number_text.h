// Numbers as text and back, as Cast does it: what C's printf("%.8g") writes and its strtod reads. Shared by
// the runtime library and the compiler's evaluator.
#pragma once

#include <stdint.h>

#include "runtime-lib/decimal.h"

namespace o2w {

// Writes into a buffer of the caller.
class NumberWriter {
 public:
  static constexpr int kMaxLength = 40;

  const char* text() const { return text_; }
  int length() const { return length_; }

  void put(uint64_t number) {
    char digits[20];
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number);
    while (count) add(digits[--count]);
  }
  void put(int64_t number) {
    if (number < 0) add('-');
    put(number < 0 ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number));
  }

  // As printf's %.*g does, infinities and NaN as ONNX names them.
  void put(double value, int precision) {
    const auto bits = __builtin_bit_cast(uint64_t, value);
    const auto exponent = static_cast<int>(bits >> 52 & 0x7ff);
    const uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
    if (exponent == 0x7ff && mantissa) return add("NaN");
    if (bits >> 63) add('-');
    if (exponent == 0x7ff) return add("INF");
    Decimal number(exponent ? mantissa | uint64_t{1} << 52 : mantissa);
    number.shift((exponent ? exponent : 1) - 1075);
    number.round(precision);
    if (number.is_zero()) return add('0');
    const int power = number.point() - 1;
    if (power < -4 || power >= precision) return put_scientific(number, power);
    if (number.point() <= 0) {
      add("0.");
      for (int i = number.point(); i < 0; ++i) add('0');
    }
    for (int i = 0; i < number.count() || i < number.point(); ++i) {
      if (i > 0 && i == number.point()) add('.');
      add_digit(number.digit(i));
    }
  }

 private:
  void put_scientific(const Decimal& number, int power) {
    add_digit(number.digit(0));
    if (number.count() > 1) add('.');
    for (int i = 1; i < number.count(); ++i) add_digit(number.digit(i));
    add('e');
    add(power < 0 ? '-' : '+');
    const int size = power < 0 ? -power : power;
    if (size < 10) add('0');
    put(static_cast<uint64_t>(size));
  }

  void add(char letter) { text_[length_++] = letter; }
  void add(const char* text) {
    while (*text) add(*text++);
  }
  void add_digit(int digit) { add(static_cast<char>('0' + digit)); }

  char text_[kMaxLength];
  int length_ = 0;
};

// Reads the number at the beginning of a text: white space, a sign, digits. What comes behind is not looked
// at, as in C.
class NumberReader {
 public:
  NumberReader(const char* bytes, uint64_t length) : at_(bytes), end_(bytes + length) {
    while (at_ < end_ && (*at_ == ' ' || (*at_ >= '\t' && *at_ <= '\r'))) ++at_;
    if (at_ < end_ && (*at_ == '-' || *at_ == '+')) negative_ = *at_++ == '-';
  }

  // False when there is no number or it does not fit. As C's strtoull: a negative number wraps around.
  bool read(uint64_t& result) {
    if (!read_digits(result)) return false;
    if (negative_) result = uint64_t{0} - result;
    return true;
  }
  bool read(int64_t& result) {
    uint64_t size = 0;
    if (!read_digits(size) || size > (uint64_t{1} << 63) - (negative_ ? 0 : 1)) return false;
    result = static_cast<int64_t>(negative_ ? uint64_t{0} - size : size);
    return true;
  }
  // Decimal and hexadecimal numbers, infinity and NaN; false when there is none. The nearest double.
  bool read(double& result) {
    uint64_t bits = 0;
    if (accept("infinity") || accept("inf")) {
      bits = uint64_t{0x7ff} << 52;
    } else if (accept("nan")) {
      bits = uint64_t{0x7ff8} << 48;
    } else if (!read_hexadecimal(bits) && !read_decimal(bits)) {
      return false;
    }
    result = __builtin_bit_cast(double, bits | uint64_t{negative_} << 63);
    return true;
  }

 private:
  static int digit_of(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    const int lower = letter | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
  }
  bool at_digit(int base) const { return at_ < end_ && digit_of(*at_) < base; }

  bool accept(const char* word) {
    const char* here = at_;
    for (; *word; ++word, ++here) {
      if (here == end_ || (*here | 0x20) != *word) return false;
    }
    at_ = here;
    return true;
  }

  bool read_digits(uint64_t& result) {
    if (!at_digit(10)) return false;
    result = 0;
    for (; at_digit(10); ++at_) {
      const auto digit = static_cast<uint64_t>(digit_of(*at_));
      if (result > (UINT64_MAX - digit) / 10) return false;
      result = result * 10 + digit;
    }
    return true;
  }

  // The exponent behind `letter`, 0 if there is none; far out of range is still far out of range.
  int read_exponent(char letter) {
    if (at_ == end_ || (*at_ | 0x20) != letter) return 0;
    const char* before = at_++;
    bool negative = false;
    if (at_ < end_ && (*at_ == '-' || *at_ == '+')) negative = *at_++ == '-';
    if (!at_digit(10)) {
      at_ = before;
      return 0;
    }
    int exponent = 0;
    for (; at_digit(10); ++at_) {
      if (exponent < 100'000'000) exponent = 10 * exponent + digit_of(*at_);
    }
    return negative ? -exponent : exponent;
  }

  bool read_decimal(uint64_t& bits) {
    Decimal number;
    int64_t whole = 0;  // significant digits before the point, less the zeros behind it
    bool any = false, fraction = false;
    for (;; ++at_) {
      if (at_ < end_ && *at_ == '.' && !fraction) {
        fraction = true;
        continue;
      }
      if (!at_digit(10)) break;
      any = true;
      const int digit = digit_of(*at_);
      const bool leading = number.is_zero() && digit == 0;
      number.append(digit);
      if (!fraction && !leading) ++whole;
      if (fraction && leading) --whole;
    }
    if (!any) return false;
    whole += read_exponent('e');
    constexpr int64_t kFar = 1'000'000;
    number.set_point(static_cast<int>(whole > kFar ? kFar : whole < -kFar ? -kFar : whole));
    number.trim();
    bits = float_bits(number, kDoubleFormat);
    return true;
  }

  bool read_hexadecimal(uint64_t& bits) {
    if (end_ - at_ < 3 || at_[0] != '0' || (at_[1] | 0x20) != 'x') return false;
    const char* before = at_;
    at_ += 2;
    uint64_t mantissa = 0;
    int64_t exponent = 0;
    bool any = false, fraction = false;
    for (;; ++at_) {
      if (at_ < end_ && *at_ == '.' && !fraction) {
        fraction = true;
        continue;
      }
      if (!at_digit(16)) break;
      any = true;
      const auto digit = static_cast<uint64_t>(digit_of(*at_));
      if (mantissa >> 60 == 0) {
        mantissa = mantissa << 4 | digit;
        if (fraction) exponent -= 4;
      } else {
        mantissa |= digit != 0;  // only rounding asks for what lies this far behind
        if (!fraction) exponent += 4;
      }
    }
    if (!any) {
      at_ = before;
      return false;
    }
    exponent += read_exponent('p');
    bits = hexadecimal_bits(mantissa, exponent);
    return true;
  }

  // mantissa * 2^exponent.
  static uint64_t hexadecimal_bits(uint64_t mantissa, int64_t exponent) {
    if (mantissa == 0 || exponent < -3000) return 0;
    if (exponent > 3000) return uint64_t{0x7ff} << 52;
    while (mantissa >> 63 == 0) {
      mantissa <<= 1;
      --exponent;
    }
    exponent += 63;  // of the leading bit
    int64_t dropped = 11;
    if (exponent < -1022) dropped += -1022 - exponent;
    if (dropped > 64) return 0;
    const uint64_t kept = dropped == 64 ? 0 : mantissa >> dropped;
    const uint64_t half = uint64_t{1} << (dropped - 1);
    const uint64_t rest = dropped == 64 ? mantissa : mantissa & (2 * half - 1);
    const uint64_t rounded = kept + (rest > half || (rest == half && (kept & 1)));
    if (exponent < -1022) return rounded;
    const uint64_t bits = (static_cast<uint64_t>(exponent + 1022) << 52) + rounded;
    return bits >= uint64_t{0x7ff} << 52 ? uint64_t{0x7ff} << 52 : bits;
  }

  const char* at_;
  const char* end_;
  bool negative_ = false;
};

}  // namespace o2w
