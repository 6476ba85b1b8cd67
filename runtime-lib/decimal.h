// Decimal numbers of many digits: how floating-point numbers are printed and read with exactly rounded
// results. Shared by the runtime library and the compiler's evaluator.
#pragma once

#include <stdint.h>

namespace o2w {

// 0.d0 d1 d2 ... x 10^point, not negative. A double has at most 767 significant digits; what does not fit is
// only known to be there.
class Decimal {
 public:
  static constexpr int kMaxDigits = 800;

  Decimal() = default;
  explicit Decimal(uint64_t number) {
    char digits[20];
    int count = 0;
    for (; number; number /= 10) digits[count++] = static_cast<char>(number % 10);
    while (count) append(digits[--count]);
    point_ = count_;
    trim();
  }

  bool is_zero() const { return count_ == 0; }
  int count() const { return count_; }
  int point() const { return point_; }
  int digit(int i) const { return i < count_ ? digits_[i] : 0; }
  void set_point(int point) { point_ = point; }
  // One more digit at the end; leaves the point where it is. Leading zeros are not stored.
  void append(int digit) {
    if (count_ == 0 && digit == 0) return;
    if (count_ < kMaxDigits) {
      digits_[count_++] = static_cast<uint8_t>(digit);
    } else {
      truncated_ = truncated_ || digit != 0;
    }
  }
  // Without zeros at the end.
  void trim() {
    while (count_ && digits_[count_ - 1] == 0) --count_;
    if (count_ == 0) point_ = 0;
  }

  // Times 2^bits, any number of them.
  void shift(int bits) {
    constexpr int kStep = 59;  // 10 * 2^59 fits into 64 bits
    for (; bits > kStep; bits -= kStep) shift_left(kStep);
    for (; bits < -kStep; bits += kStep) shift_right(kStep);
    if (bits > 0) shift_left(bits);
    if (bits < 0) shift_right(-bits);
  }

  // To this many digits (which may be none), to nearest, ties to even.
  void round(int digits) {
    if (digits < 0 || digits >= count_) return;
    const bool up = rounds_up(digits);
    count_ = digits;
    if (up) {
      int last = digits - 1;
      while (last >= 0 && digits_[last] == 9) --last;
      if (last < 0) {
        digits_[0] = 1;
        count_ = 1;
        ++point_;
        return;
      }
      ++digits_[last];
      count_ = last + 1;
    }
    trim();
  }

  // The nearest whole number, ties to even; it must be less than 2^63.
  uint64_t rounded() const {
    uint64_t number = 0;
    for (int i = 0; i < point_; ++i) number = number * 10 + static_cast<uint64_t>(digit(i));
    return number + (point_ >= 0 && point_ < count_ && rounds_up(point_) ? 1 : 0);
  }

 private:
  bool rounds_up(int digits) const {
    if (digits_[digits] != 5) return digits_[digits] > 5;
    if (digits + 1 < count_ || truncated_) return true;
    return digits > 0 && digits_[digits - 1] % 2 == 1;
  }

  void shift_left(int bits) {
    uint64_t carry = 0;
    for (int i = count_; i-- > 0;) {
      carry += uint64_t{digits_[i]} << bits;
      digits_[i] = static_cast<uint8_t>(carry % 10);
      carry /= 10;
    }
    int more = 0;
    for (uint64_t rest = carry; rest; rest /= 10) ++more;
    point_ += more;
    for (int i = count_ + more; i-- > more;) {
      if (i < kMaxDigits) {
        digits_[i] = digits_[i - more];
      } else {
        truncated_ = truncated_ || digits_[i - more] != 0;
      }
    }
    for (int i = more; i-- > 0; carry /= 10) digits_[i] = static_cast<uint8_t>(carry % 10);
    count_ = count_ + more < kMaxDigits ? count_ + more : kMaxDigits;
    trim();
  }

  void shift_right(int bits) {
    const uint64_t mask = (uint64_t{1} << bits) - 1;
    uint64_t rest = 0;
    int read = 0, write = 0;
    // Digits until the first one of the quotient.
    while (read < count_ && rest >> bits == 0) rest = rest * 10 + digits_[read++];
    if (rest == 0) return;
    while (rest >> bits == 0) {
      rest *= 10;
      ++read;
    }
    point_ -= read - 1;
    for (; read < count_; ++read) {
      digits_[write++] = static_cast<uint8_t>(rest >> bits);
      rest = (rest & mask) * 10 + digits_[read];
    }
    while (rest) {
      const auto digit = static_cast<uint8_t>(rest >> bits);
      if (write < kMaxDigits) {
        digits_[write++] = digit;
      } else {
        truncated_ = truncated_ || digit != 0;
      }
      rest = (rest & mask) * 10;
    }
    count_ = write;
    trim();
  }

  uint8_t digits_[kMaxDigits];
  int count_ = 0, point_ = 0;
  bool truncated_ = false;
};

// The parameters of a binary floating-point format.
struct FloatFormat {
  int mantissa_bits;                      // the leading one not counted
  int least_exponent, greatest_exponent;  // of normal numbers, as powers of two
};
inline constexpr FloatFormat kDoubleFormat{52, -1022, 1023};

// The nearest number of the format as its bits without the sign: exponent and mantissa. Too large is
// infinity.
inline uint64_t float_bits(Decimal number, const FloatFormat& format) {
  const uint64_t infinity = static_cast<uint64_t>(format.greatest_exponent - format.least_exponent + 2)
                            << format.mantissa_bits;
  if (number.is_zero() || number.point() < -400) return 0;
  if (number.point() > 400) return infinity;
  // To 1/2 <= number < 1, counting the powers of two. A power of ten is between 2^3 and 2^4.
  int exponent = 0;
  const auto scale = [&](int bits) {
    number.shift(bits);
    exponent -= bits;
  };
  while (number.point() > 0) scale(-3 * number.point());
  while (number.point() < 0 || number.digit(0) < 5) scale(number.point() < 0 ? -3 * number.point() : 1);
  --exponent;  // 1 <= number < 2 from here on
  if (exponent < format.least_exponent) {
    number.shift(exponent - format.least_exponent);
    exponent = format.least_exponent;
  }
  number.shift(format.mantissa_bits + 1);
  uint64_t mantissa = number.rounded();
  if (mantissa >> (format.mantissa_bits + 1)) {
    mantissa >>= 1;
    ++exponent;
  }
  if (exponent > format.greatest_exponent) return infinity;
  if (mantissa >> format.mantissa_bits == 0) return mantissa;  // subnormal
  return (static_cast<uint64_t>(exponent - format.least_exponent) << format.mantissa_bits) + mantissa;
}

}  // namespace o2w
