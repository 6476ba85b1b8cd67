// f32 math, four lanes at a time. Arithmetic is plain IEEE 754 without fused operations, so results are the
// same bits everywhere. Errors are at most so many units in the last place of the exact value, which
// tests/runtime/vector_math_test.cpp measures over millions of floats of all sizes.
//
// exp 1.0: Cody and Waite reduction by ln 2 in two parts, the remainder by a polynomial fitted to it.
// log 1.0: polynomial of Cephes' logf (S. L. Moshier, Cephes Mathematical Library, release 2.2, 1992) over
//   [sqrt(1/2), sqrt(2)].
// sigmoid 2.5: by exp(-x). Results below 2^-126 may be 0.
// tanh 2.5: (1 - e) / (1 + e) with e = exp(-2|x|), whose 1 - e has all its digits for small x too.
// erf 2.5: x P(x^2) below 1.0625, else 1 - 1/Q(|x|)^8 with Q fitted to erfc^(-1/8); fits with errors of 2e-9
//   and 2e-8.
// sin, cos 2.0: Cody and Waite reduction by pi/2 in four parts, polynomials of Cephes' sinf and cosf. Beyond
//   2^13, where that reduction ends, a lane's angle is reduced in integers.
#include "runtime-lib/platform.h"
#include "runtime-lib/vector.h"

namespace o2w::runtime {
namespace {

// Adding it rounds to an integer (ties to even) and leaves that integer in the low bits.
constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23

// e^r = 1 + r + r^2 P(r) for |r| <= ln(2) / 2, within 3e-9.
constexpr float kExponential[] = {1.3814431e-3f, 8.3687969e-3f, 4.1668396e-2f, 1.6666520e-1f, 4.9999994e-1f};

// e^x = (1 + part) * 2^n with n in an exponent's bits, plus `Bias`; |x| < 128.
struct Power {
  f32x4 part;
  i32x4 exponent;
};
template <int Bias>
inline Power power_of_e(f32x4 x) {
  const f32x4 rounder = number<kRounder + Bias>();
  const f32x4 shifted = x * number<1.44269504088896341f>() + rounder;
  const f32x4 n = shifted - rounder;
  const f32x4 r = (x - n * number<0.693359375f>()) - n * number<-2.12194440e-4f>();
  const f32x4 square = r * r;
  return {even_and_odd(r, square, kExponential) * square + r, bits_of(shifted) << 23};
}

inline f32x4 exp4(f32x4 x) {
  // Beyond these ends the result is 0 or infinite all the same; NaN stays.
  x = at_most(at_least(x, number<-104.0f>()), number<89.0f>());
  const Power power = power_of_e<126>(x);
  // 2^n in two factors, since n reaches from the subnormals to overflow.
  const i32x4 first = larger(power.exponent, whole_number<7 << 23>());
  const f32x4 second = float_of(power.exponent - first + bits_of(number<2.0f>()));
  return (power.part + number<1.0f>()) * float_of(first) * second;
}

inline f32x4 log4(f32x4 x) {
  const i32x4 tiny = x < number<0x1p-126f>();
  const f32x4 normal = select(tiny, x * number<0x1p23f>(), x);
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  const i32x4 from_root = bits_of(normal) - whole_number<0x3f3504f3>();
  const i32x4 exponent = (from_root >> 23) - (tiny & whole_number<23>());
  const f32x4 m = float_of(bits_of(normal) - (from_root & whole_number<static_cast<int32_t>(0xff800000)>()));
  const f32x4 e = __builtin_convertvector(exponent, f32x4);
  const f32x4 r = m - number<1.0f>();
  const f32x4 square = r * r;
  static constexpr float kCoefficients[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                                            -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                                            2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
  f32x4 y = polynomial(r, kCoefficients) * r * square;
  y = y + e * number<-2.12194440e-4f>();
  y = y - square * number<0.5f>();
  f32x4 result = r + y + e * number<0.693359375f>();
  result = select(x == number<__builtin_inff()>(), x, result);
  result = select(x == number<0.0f>(), number<-__builtin_inff()>(), result);
  return select((x >= number<0.0f>()), result, number<__builtin_nanf("")>());
}

inline f32x4 sigmoid4(f32x4 x) {
  // 1 / (1 + e^-x); 2^n is infinite at the upper end.
  const Power power = power_of_e<127>(at_most(at_least(negated(x), number<-87.0f>()), number<89.0f>()));
  const f32x4 e = (power.part + number<1.0f>()) * float_of(power.exponent);
  return number<1.0f>() / (e + number<1.0f>());
}

inline f32x4 tanh4(f32x4 x) {
  // Beyond 10 it is 1.
  const f32x4 down = at_least(minus_absolute(x), number<-10.0f>());
  const Power power = power_of_e<127>(down + down);
  const f32x4 scale = float_of(power.exponent);
  const f32x4 below_one = (number<1.0f>() - scale) - power.part * scale;  // 1 - e^-2|x|
  return with_sign(below_one / (number<2.0f>() - below_one), x);
}

inline f32x4 erf4(f32x4 x) {
  const f32x4 size = absolute(x);
  static constexpr float kSmall[] = {7.87587506269e-5f,  -8.01686428717e-4f, 5.18908742343e-3f,
                                     -2.68542120106e-2f, 1.12835947152e-1f,  -3.76126266667e-1f,
                                     1.12837916585f};
  static constexpr float kLarge[] = {4.83499559775e-4f,  -3.2939733473e-3f, 1.42521339893e-2f,
                                     -2.36233941403e-2f, 5.88584466412e-2f, 6.32628278725e-2f,
                                     1.5218519166e-1f,   9.97987364427e-1f};
  const f32x4 square = x * x;
  const f32x4 small = even_and_odd(square, square * square, kSmall) * x;
  const f32x4 bounded = at_most(size, number<4.0f>());
  f32x4 root = even_and_odd(bounded, bounded * bounded, kLarge);
  for (int i = 0; i < 3; ++i) root = root * root;
  const f32x4 large = number<1.0f>() - number<1.0f>() / root;
  return select(size < number<1.0625f>(), small, with_sign(large, x));
}

// An angle as so many quarter turns, of which the last two bits matter, and a rest within an eighth of a
// turn.
struct FarAngle {
  float rest;
  int32_t quarters;
};

// Payne and Hanek, "Radian reduction for trigonometric functions" (1983), of |x| >= 2^13: of the product with
// 2/pi, the bits from those on that tell quarters.
__attribute__((noinline)) FarAngle reduce_far(float x) {
  // 2/pi behind a word of zeros.
  static constexpr uint32_t kWords[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                        0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  const auto bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t exponent = bits >> 23 & 0xff;
  if (exponent == 0xff) return {x - x, 0};
  // x = significand * 2^(exponent - 150); the window's first bit has the weight 2 / 2^(exponent - 150).
  const uint32_t significand = (bits & 0x7fffff) | 0x800000, start = exponent - 120;
  const auto word = [&](uint32_t k) {
    const uint64_t two = uint64_t{kWords[start / 32 + k]} << 32 | kWords[start / 32 + k + 1];
    return static_cast<uint32_t>(two << start % 32 >> 32);
  };
  uint64_t product = uint64_t{significand} * word(0) << 32;
  product += uint64_t{significand} * word(1) + (uint64_t{significand} * word(2) >> 32);
  if (bits >> 31) product = 0 - product;
  const auto quarters = static_cast<int32_t>((product + (uint64_t{1} << 61)) >> 62);
  // pi/2 times a signed fraction.
  const double rest =
      static_cast<double>(static_cast<int64_t>(product << 2)) * (1.5707963267948966 * 0x1p-64);
  return {static_cast<float>(rest), quarters};
}

// sin(x + quarter_turns * pi/2).
__attribute__((noinline)) f32x4 sine4(f32x4 x, int32_t quarter_turns) {
  const f32x4 rounder = number<kRounder>();
  const f32x4 shifted = x * number<0.636619772367581343f>() + rounder;  // 2 / pi
  const f32x4 n = shifted - rounder;
  // pi/2 in four parts; the products of the first three with n have no more than 24 bits.
  const f32x4 near = (x - n * number<0x1.92p+0f>()) - n * number<0x1.fb4p-12f>();
  f32x4 r = near - n * number<0x1.444p-24f>();
  f32x4 rest = n * number<0x1.68c234p-39f>();
  i32x4 quadrant = bits_of(shifted);
  // Not "size >= limit", which NaN would slip through.
  const i32x4 far = ~(absolute(x) < splat(0x1p13f));
  if (any(far)) {
    for (int lane = 0; lane < 4; ++lane) {
      if (!far[lane]) continue;
      const FarAngle angle = reduce_far(x[lane]);
      r[lane] = angle.rest;
      rest[lane] = 0;
      quadrant[lane] = angle.quarters;
    }
  }
  quadrant += splat(quarter_turns);
  const f32x4 square = r * r;
  static constexpr float kSine[] = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};
  static constexpr float kCosine[] = {2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f};
  // The last part is too small to matter for a cosine.
  const f32x4 sine = (polynomial(square, kSine) * square * r - rest) + r;
  const f32x4 cosine =
      polynomial(square, kCosine) * square * square - number<0.5f>() * square + number<1.0f>();
  const f32x4 value = select((quadrant << 31) < splat(0), cosine, sine);
  return float_of(bits_of(value) ^ ((quadrant & splat(2)) << 30));
}

}  // namespace
}  // namespace o2w::runtime

using namespace o2w::runtime;

O2W_EXPORT f32x4 o2w_exp_f32x4(f32x4 x) { return exp4(x); }
O2W_EXPORT f32x4 o2w_log_f32x4(f32x4 x) { return log4(x); }
O2W_EXPORT f32x4 o2w_sigmoid_f32x4(f32x4 x) { return sigmoid4(x); }
O2W_EXPORT f32x4 o2w_tanh_f32x4(f32x4 x) { return tanh4(x); }
O2W_EXPORT f32x4 o2w_erf_f32x4(f32x4 x) { return erf4(x); }
O2W_EXPORT f32x4 o2w_sin_f32x4(f32x4 x) { return sine4(x, 0); }
O2W_EXPORT f32x4 o2w_cos_f32x4(f32x4 x) { return sine4(x, 1); }
