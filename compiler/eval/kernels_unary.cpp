#include <cmath>

#include "compiler/eval/kernels.h"
#include "compiler/eval/scalar.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::ExprOp;

template <typename T, typename R, auto f>
void apply(const void* in, void* out, int64_t count) {
  const T* source = static_cast<const T*>(in);
  R* target = static_cast<R*>(out);
  for (int64_t i = 0; i < count; ++i) target[i] = f(source[i]);
}

template <typename T>
UnaryKernel float_kernel(ExprOp op) {
  switch (op) {
    case ExprOp::floor:
      return apply<T, T, [](T x) { return std::floor(x); }>;
    case ExprOp::ceil:
      return apply<T, T, [](T x) { return std::ceil(x); }>;
    case ExprOp::trunc:
      return apply<T, T, [](T x) { return std::trunc(x); }>;
    case ExprOp::round_even:
      return apply<T, T, [](T x) { return std::nearbyint(x); }>;
    case ExprOp::sqrt:
      return apply<T, T, [](T x) { return std::sqrt(x); }>;
    case ExprOp::reciprocal:
      return apply<T, T, [](T x) { return T{1} / x; }>;
    case ExprOp::exp:
      return apply<T, T, [](T x) { return std::exp(x); }>;
    case ExprOp::exp2:
      return apply<T, T, [](T x) { return std::exp2(x); }>;
    case ExprOp::expm1:
      return apply<T, T, [](T x) { return std::expm1(x); }>;
    case ExprOp::log:
      return apply<T, T, [](T x) { return std::log(x); }>;
    case ExprOp::log2:
      return apply<T, T, [](T x) { return std::log2(x); }>;
    case ExprOp::log1p:
      return apply<T, T, [](T x) { return std::log1p(x); }>;
    case ExprOp::sin:
      return apply<T, T, [](T x) { return std::sin(x); }>;
    case ExprOp::cos:
      return apply<T, T, [](T x) { return std::cos(x); }>;
    case ExprOp::tan:
      return apply<T, T, [](T x) { return std::tan(x); }>;
    case ExprOp::asin:
      return apply<T, T, [](T x) { return std::asin(x); }>;
    case ExprOp::acos:
      return apply<T, T, [](T x) { return std::acos(x); }>;
    case ExprOp::atan:
      return apply<T, T, [](T x) { return std::atan(x); }>;
    case ExprOp::sinh:
      return apply<T, T, [](T x) { return std::sinh(x); }>;
    case ExprOp::cosh:
      return apply<T, T, [](T x) { return std::cosh(x); }>;
    case ExprOp::tanh:
      return apply<T, T, [](T x) { return std::tanh(x); }>;
    case ExprOp::asinh:
      return apply<T, T, [](T x) { return std::asinh(x); }>;
    case ExprOp::acosh:
      return apply<T, T, [](T x) { return std::acosh(x); }>;
    case ExprOp::atanh:
      return apply<T, T, [](T x) { return std::atanh(x); }>;
    case ExprOp::erf:
      return apply<T, T, [](T x) { return std::erf(x); }>;
    case ExprOp::sigmoid:
      return apply<T, T, [](T x) { return T{1} / (T{1} + std::exp(-x)); }>;
    case ExprOp::isnan:
      return apply<T, uint8_t, [](T x) { return uint8_t{std::isnan(x)}; }>;
    case ExprOp::isinf:
      return apply<T, uint8_t, [](T x) { return uint8_t{std::isinf(x)}; }>;
    default:
      return nullptr;
  }
}

template <typename T>
UnaryKernel integer_kernel(ExprOp op) {
  switch (op) {
    case ExprOp::floor:
    case ExprOp::ceil:
    case ExprOp::trunc:
    case ExprOp::round_even:
      return apply<T, T, [](T x) { return x; }>;
    case ExprOp::bitwise_not:
      return apply<T, T, [](T x) { return static_cast<T>(~x); }>;
    case ExprOp::isnan:
    case ExprOp::isinf:
      return apply<T, uint8_t, [](T) { return uint8_t{0}; }>;
    default:
      return nullptr;
  }
}

}  // namespace

UnaryKernel unary_kernel(ExprOp op, DType type) {
  if (op == ExprOp::logical_not) return apply<uint8_t, uint8_t, [](uint8_t x) { return uint8_t{x == 0}; }>;
  return scalar::dispatch(type, [op]<typename T>() -> UnaryKernel {
    switch (op) {
      case ExprOp::neg:
        return apply<T, T, [](T x) { return scalar::neg(x); }>;
      case ExprOp::abs:
        return apply<T, T, [](T x) { return scalar::abs(x); }>;
      case ExprOp::sign:
        return apply<T, T, [](T x) { return scalar::sign(x); }>;
      default:
        break;
    }
    if constexpr (std::is_floating_point_v<T>)
      return float_kernel<T>(op);
    else
      return integer_kernel<T>(op);
  });
}

}  // namespace o2w::eval
