// Typed values of the kernel DSL: WebAssembly expression trees as C++ objects.
//
// A Binaryen expression may stand in one place of one function only, so values are move-only, and using one a
// second time is an InternalError. What is needed more than once goes into a local (Var), which can be read
// any number of times.
#pragma once

#include <binaryen-c.h>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace o2w::codegen {

enum class WasmType : uint8_t { none, i32, i64, f32, f64, v128 };
BinaryenType binaryen_type(WasmType type);

// An expression of a type known only at run time of the compiler: what generators of code work with.
class Tree {
 public:
  Tree() = default;
  Tree(BinaryenModuleRef module, BinaryenExpressionRef expression, WasmType type)
      : module_(module), expression_(expression), type_(type) {}
  // A number that has not met a module yet: it takes that of the operand it is combined with.
  Tree(BinaryenLiteral literal, WasmType type) : literal_(literal), type_(type) {}
  Tree(Tree&& other) noexcept { swap(other); }
  Tree& operator=(Tree&& other) noexcept {
    swap(other);
    return *this;
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  WasmType type() const { return type_; }
  bool empty() const { return expression_ == nullptr && !literal_; }
  // Null for a number that has not met a module.
  BinaryenModuleRef module() const { return module_; }
  // The expression, which is used up by this.
  BinaryenExpressionRef take(BinaryenModuleRef module);
  BinaryenExpressionRef take() { return take(module_); }
  // The value if it is an i32 constant.
  std::optional<int32_t> constant_i32() const;

 private:
  void swap(Tree& other) noexcept {
    std::swap(module_, other.module_);
    std::swap(expression_, other.expression_);
    std::swap(literal_, other.literal_);
    std::swap(type_, other.type_);
  }

  BinaryenModuleRef module_ = nullptr;
  BinaryenExpressionRef expression_ = nullptr;
  std::optional<BinaryenLiteral> literal_;
  WasmType type_ = WasmType::none;
};

namespace detail {
void check_type(WasmType expected, WasmType got);  // InternalError where they differ

// The C++ number type whose values are constants of a wasm type; vectors have none.
template <WasmType T>
struct NumberOf {
  struct Type;
  static BinaryenLiteral literal(Type);
};
template <>
struct NumberOf<WasmType::i32> {
  using Type = int32_t;
  static BinaryenLiteral literal(Type value) { return BinaryenLiteralInt32(value); }
};
template <>
struct NumberOf<WasmType::i64> {
  using Type = int64_t;
  static BinaryenLiteral literal(Type value) { return BinaryenLiteralInt64(value); }
};
template <>
struct NumberOf<WasmType::f32> {
  using Type = float;
  static BinaryenLiteral literal(Type value) { return BinaryenLiteralFloat32(value); }
};
template <>
struct NumberOf<WasmType::f64> {
  using Type = double;
  static BinaryenLiteral literal(Type value) { return BinaryenLiteralFloat64(value); }
};
}  // namespace detail

template <WasmType T>
class Value : public Tree {
 public:
  static constexpr WasmType wasm_type = T;

  // InternalError if the tree is of another type.
  explicit Value(Tree tree);
  // A number (implicitly: a kernel says `i + 4`).
  Value(typename detail::NumberOf<T>::Type value)  // NOLINT(google-explicit-constructor)
      : Tree(detail::NumberOf<T>::literal(value), T) {}
};

using I32 = Value<WasmType::i32>;
using I64 = Value<WasmType::i64>;
using F32 = Value<WasmType::f32>;
using F64 = Value<WasmType::f64>;
using V128 = Value<WasmType::v128>;

// --- The dynamically typed layer.
Tree unary(BinaryenOp op, WasmType result, Tree a);
Tree binary(BinaryenOp op, WasmType result, Tree a, Tree b);
// Both sides are evaluated; `condition` is an i32.
Tree select(Tree condition, Tree then, Tree otherwise);
// `bytes` may be less than the type's size (then sign- or zero-extended). `align` in bytes.
Tree load(WasmType type, int bytes, bool is_signed, Tree address, uint32_t offset, uint32_t align);

// --- Scalars. Comparisons give 0 or 1. What has no sign in its name is signed.
I32 operator+(I32 a, I32 b);
I32 operator-(I32 a, I32 b);
I32 operator*(I32 a, I32 b);
I32 operator&(I32 a, I32 b);
I32 operator|(I32 a, I32 b);
I32 operator^(I32 a, I32 b);
I32 operator<<(I32 a, I32 b);
I32 operator>>(I32 a, I32 b);
I32 operator==(I32 a, I32 b);
I32 operator!=(I32 a, I32 b);
I32 operator<(I32 a, I32 b);
I32 operator<=(I32 a, I32 b);
I32 operator>(I32 a, I32 b);
I32 operator>=(I32 a, I32 b);
I32 shift_right_unsigned(I32 a, I32 b);
I32 less_unsigned(I32 a, I32 b);
I32 less_equal_unsigned(I32 a, I32 b);
// These trap on a divisor of 0: for divisors known not to be.
I32 div_signed(I32 a, I32 b);
I32 div_unsigned(I32 a, I32 b);
I32 rem_signed(I32 a, I32 b);
I32 rem_unsigned(I32 a, I32 b);
I32 is_zero(I32 a);

I64 operator+(I64 a, I64 b);
I64 operator-(I64 a, I64 b);
I64 operator*(I64 a, I64 b);
I64 operator&(I64 a, I64 b);
I64 operator|(I64 a, I64 b);
I32 operator==(I64 a, I64 b);
I32 operator!=(I64 a, I64 b);
I32 operator<(I64 a, I64 b);
I32 operator<=(I64 a, I64 b);
I32 operator>(I64 a, I64 b);
I32 operator>=(I64 a, I64 b);
I64 extend_signed(I32 a);
I64 extend_unsigned(I32 a);
I32 wrap(I64 a);

F32 operator+(F32 a, F32 b);
F32 operator-(F32 a, F32 b);
F32 operator*(F32 a, F32 b);
F32 operator/(F32 a, F32 b);
I32 operator<(F32 a, F32 b);
I32 operator>(F32 a, F32 b);
F64 operator+(F64 a, F64 b);
F64 operator-(F64 a, F64 b);
F64 operator*(F64 a, F64 b);
F64 operator/(F64 a, F64 b);

// --- Loads. The constant offset is part of the instruction; it must not make address + offset pass 2^32.
I32 load_i32(I32 address, uint32_t offset = 0);
I32 load_u8(I32 address, uint32_t offset = 0);
I32 load_i8(I32 address, uint32_t offset = 0);
I64 load_i64(I32 address, uint32_t offset = 0);
F32 load_f32(I32 address, uint32_t offset = 0);
F64 load_f64(I32 address, uint32_t offset = 0);
V128 load_v128(I32 address, uint32_t offset = 0, uint32_t align = 4);

template <WasmType T>
Value<T>::Value(Tree tree) : Tree(std::move(tree)) {
  detail::check_type(T, type());
}

}  // namespace o2w::codegen
