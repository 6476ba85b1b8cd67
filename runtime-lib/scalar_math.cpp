// f64 math, and f32x4 math of the rarer functions one lane at a time, by wasi-libc's libm (musl; ARM
// optimized routines for exp, log and pow: below 1 ULP; the others within 2 ULP of their type).
#include <math.h>

#include "runtime-lib/platform.h"
#include "runtime-lib/vector.h"

using o2w::runtime::f32x4;

#define O2W_SCALAR_ONLY(op, f64_function) \
  O2W_EXPORT double o2w_##op##_f64(double x) { return f64_function(x); }
#define O2W_BY_LANE(op, f32_function)                                                             \
  O2W_EXPORT f32x4 o2w_##op##_f32x4(f32x4 x) {                                                    \
    return f32x4{f32_function(x[0]), f32_function(x[1]), f32_function(x[2]), f32_function(x[3])}; \
  }
#define O2W_BY_LANE_2(op, f32_function)                                                        \
  O2W_EXPORT f32x4 o2w_##op##_f32x4(f32x4 x, f32x4 y) {                                        \
    return f32x4{f32_function(x[0], y[0]), f32_function(x[1], y[1]), f32_function(x[2], y[2]), \
                 f32_function(x[3], y[3])};                                                    \
  }

namespace {

double sigmoid(double x) {
  // Never overflows: exp of a non-positive number.
  const double e = exp(-fabs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

}  // namespace

O2W_SCALAR_ONLY(exp, exp)
O2W_SCALAR_ONLY(exp2, exp2)
O2W_SCALAR_ONLY(expm1, expm1)
O2W_SCALAR_ONLY(log, log)
O2W_SCALAR_ONLY(log2, log2)
O2W_SCALAR_ONLY(log1p, log1p)
O2W_SCALAR_ONLY(sin, sin)
O2W_SCALAR_ONLY(cos, cos)
O2W_SCALAR_ONLY(tan, tan)
O2W_SCALAR_ONLY(asin, asin)
O2W_SCALAR_ONLY(acos, acos)
O2W_SCALAR_ONLY(atan, atan)
O2W_SCALAR_ONLY(sinh, sinh)
O2W_SCALAR_ONLY(cosh, cosh)
O2W_SCALAR_ONLY(tanh, tanh)
O2W_SCALAR_ONLY(asinh, asinh)
O2W_SCALAR_ONLY(acosh, acosh)
O2W_SCALAR_ONLY(atanh, atanh)
O2W_SCALAR_ONLY(erf, erf)
O2W_SCALAR_ONLY(sigmoid, sigmoid)
O2W_EXPORT double o2w_pow_f64(double x, double y) { return pow(x, y); }
O2W_EXPORT double o2w_atan2_f64(double y, double x) { return atan2(y, x); }
O2W_EXPORT double o2w_fmod_f64(double x, double y) { return fmod(x, y); }

O2W_BY_LANE(exp2, exp2f)
O2W_BY_LANE(expm1, expm1f)
O2W_BY_LANE(log2, log2f)
O2W_BY_LANE(log1p, log1pf)
O2W_BY_LANE(tan, tanf)
O2W_BY_LANE(asin, asinf)
O2W_BY_LANE(acos, acosf)
O2W_BY_LANE(atan, atanf)
O2W_BY_LANE(sinh, sinhf)
O2W_BY_LANE(cosh, coshf)
O2W_BY_LANE(asinh, asinhf)
O2W_BY_LANE(acosh, acoshf)
O2W_BY_LANE(atanh, atanhf)
O2W_BY_LANE_2(pow, powf)
O2W_BY_LANE_2(atan2, atan2f)
O2W_BY_LANE_2(fmod, fmodf)
