#include <cmath>

#include "compiler/eval/kernels.h"
#include "compiler/eval/scalar.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::ExprOp;

template <typename T, typename R, auto f>
void apply(const void* a, const void* b, void* out, int64_t count) {
  const T* left = static_cast<const T*>(a);
  const T* right = static_cast<const T*>(b);
  R* target = static_cast<R*>(out);
  for (int64_t i = 0; i < count; ++i) target[i] = f(left[i], right[i]);
}

template <typename T>
BinaryKernel comparison_kernel(ExprOp op) {
  switch (op) {
    case ExprOp::eq:
      return apply<T, uint8_t, [](T a, T b) { return static_cast<uint8_t>(a == b); }>;
    case ExprOp::ne:
      return apply<T, uint8_t, [](T a, T b) { return static_cast<uint8_t>(a != b); }>;
    case ExprOp::lt:
      return apply<T, uint8_t, [](T a, T b) { return static_cast<uint8_t>(a < b); }>;
    case ExprOp::le:
      return apply<T, uint8_t, [](T a, T b) { return static_cast<uint8_t>(a <= b); }>;
    case ExprOp::gt:
      return apply<T, uint8_t, [](T a, T b) { return static_cast<uint8_t>(b < a); }>;
    case ExprOp::ge:
      return apply<T, uint8_t, [](T a, T b) { return static_cast<uint8_t>(b <= a); }>;
    default:
      return nullptr;
  }
}

template <typename T>
BinaryKernel arithmetic_kernel(ExprOp op) {
  switch (op) {
    case ExprOp::add:
      return apply<T, T, [](T a, T b) { return scalar::add(a, b); }>;
    case ExprOp::sub:
      return apply<T, T, [](T a, T b) { return scalar::sub(a, b); }>;
    case ExprOp::mul:
      return apply<T, T, [](T a, T b) { return scalar::mul(a, b); }>;
    case ExprOp::div:
      return apply<T, T, [](T a, T b) { return scalar::div(a, b); }>;
    case ExprOp::floordiv:
      return apply<T, T, [](T a, T b) { return scalar::floordiv(a, b); }>;
    case ExprOp::mod:
      return apply<T, T, [](T a, T b) { return scalar::mod(a, b); }>;
    case ExprOp::fmod:
      return apply<T, T, [](T a, T b) { return scalar::fmod(a, b); }>;
    case ExprOp::pow:
      return apply<T, T, [](T a, T b) { return scalar::pow(a, b); }>;
    case ExprOp::min:
      return apply<T, T, [](T a, T b) { return scalar::min(a, b); }>;
    case ExprOp::max:
      return apply<T, T, [](T a, T b) { return scalar::max(a, b); }>;
    default:
      return nullptr;
  }
}

template <typename T>
BinaryKernel bit_kernel(ExprOp op) {
  switch (op) {
    case ExprOp::bitwise_and:
      return apply<T, T, [](T a, T b) { return static_cast<T>(a & b); }>;
    case ExprOp::bitwise_or:
      return apply<T, T, [](T a, T b) { return static_cast<T>(a | b); }>;
    case ExprOp::bitwise_xor:
      return apply<T, T, [](T a, T b) { return static_cast<T>(a ^ b); }>;
    case ExprOp::shift_left:
      return apply<T, T, [](T a, T b) { return scalar::shift_left(a, b); }>;
    case ExprOp::shift_right:
      return apply<T, T, [](T a, T b) { return scalar::shift_right(a, b); }>;
    default:
      return nullptr;
  }
}

using B = uint8_t;

}  // namespace

BinaryKernel binary_kernel(ExprOp op, DType type) {
  switch (op) {
    case ExprOp::logical_and:
      return apply<B, B, [](B a, B b) { return static_cast<B>(a != 0 && b != 0); }>;
    case ExprOp::logical_or:
      return apply<B, B, [](B a, B b) { return static_cast<B>(a != 0 || b != 0); }>;
    case ExprOp::logical_xor:
      return apply<B, B, [](B a, B b) { return static_cast<B>((a != 0) != (b != 0)); }>;
    default:
      break;
  }
  return scalar::dispatch(type, [op]<typename T>() -> BinaryKernel {
    if (BinaryKernel kernel = comparison_kernel<T>(op)) return kernel;
    if (BinaryKernel kernel = arithmetic_kernel<T>(op)) return kernel;
    if constexpr (std::is_floating_point_v<T>) {
      if (op == ExprOp::atan2) return apply<T, T, [](T a, T b) { return std::atan2(a, b); }>;
      return nullptr;
    } else {
      return bit_kernel<T>(op);
    }
  });
}

}  // namespace o2w::eval
