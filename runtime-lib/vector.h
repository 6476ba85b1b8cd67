// 128-bit vectors through the vector extensions that clang (wasm) and gcc (native tests) share. Comparisons
// give masks of all ones or zeros.
#pragma once

#include <stdint.h>

namespace o2w::runtime {

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

inline f32x4 splat(float x) { return f32x4{x, x, x, x}; }
inline i32x4 splat(int32_t x) { return i32x4{x, x, x, x}; }

// The number, kept in memory. Compilers would make a constant of the instruction stream of it, which V8
// builds anew, in two to four instructions, wherever it stands; a load costs one.
template <typename T>
inline const T* in_memory(const T* number) {
#ifdef __wasm__
  __asm__("" : "+r"(number));  // hides from the compiler what the address holds
#endif
  return number;
}
template <float Number>
inline f32x4 number() {
  static constexpr float value = Number;
  return splat(*in_memory(&value));
}
template <int32_t Number>
inline i32x4 whole_number() {
  static constexpr int32_t value = Number;
  return splat(*in_memory(&value));
}

inline i32x4 bits_of(f32x4 x) { return reinterpret_cast<i32x4>(x); }
inline f32x4 float_of(i32x4 x) { return reinterpret_cast<f32x4>(x); }

inline f32x4 select(i32x4 mask, f32x4 yes, f32x4 no) {
  return float_of((mask & bits_of(yes)) | (~mask & bits_of(no)));
}
// NaN in x stays.
inline f32x4 at_least(f32x4 x, f32x4 low) { return select(x < low, low, x); }
inline f32x4 at_most(f32x4 x, f32x4 high) { return select(x > high, high, x); }
inline i32x4 larger(i32x4 a, i32x4 b) {
  const i32x4 mask = a > b;
  return (mask & a) | (~mask & b);
}
inline f32x4 absolute(f32x4 x) { return float_of(bits_of(x) & whole_number<INT32_MAX>()); }
inline f32x4 negated(f32x4 x) { return float_of(bits_of(x) ^ whole_number<INT32_MIN>()); }
inline f32x4 minus_absolute(f32x4 x) { return float_of(bits_of(x) | whole_number<INT32_MIN>()); }
// `x` with the sign of `sign` put over its own (x not negative).
inline f32x4 with_sign(f32x4 x, f32x4 sign) {
  return float_of(bits_of(x) | (bits_of(sign) & whole_number<INT32_MIN>()));
}
inline bool any(i32x4 mask) {
#ifdef __wasm__
  return __builtin_wasm_any_true_v128(mask) != 0;
#else
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}

// coefficients[0] * x^(N-1) + ... + coefficients[N-1], by Horner's rule.
template <int N>
inline f32x4 polynomial(f32x4 x, const float (&coefficients)[N]) {
  const float* from = in_memory(&coefficients[0]);
  f32x4 sum = splat(from[0]);
  for (int i = 1; i < N; ++i) sum = sum * x + splat(from[i]);
  return sum;
}

// The same as two polynomials in x^2, given as `square`, which half the chain of operations waits for.
template <int N>
inline f32x4 even_and_odd(f32x4 x, f32x4 square, const float (&coefficients)[N]) {
  const float* from = in_memory(&coefficients[0]);
  constexpr int last = N - 1;
  f32x4 sums[2] = {splat(from[0]), splat(from[1])};
  for (int i = 2; i < last; ++i) sums[i % 2] = sums[i % 2] * square + splat(from[i]);
  return (sums[1 - last % 2] * x + sums[last % 2] * square) + splat(from[last]);
}

}  // namespace o2w::runtime
