#include "compiler/codegen/value.h"

#include "compiler/support/error.h"

namespace o2w::codegen {

BinaryenType binaryen_type(WasmType type) {
  switch (type) {
    case WasmType::none:
      return BinaryenTypeNone();
    case WasmType::i32:
      return BinaryenTypeInt32();
    case WasmType::i64:
      return BinaryenTypeInt64();
    case WasmType::f32:
      return BinaryenTypeFloat32();
    case WasmType::f64:
      return BinaryenTypeFloat64();
    case WasmType::v128:
      return BinaryenTypeVec128();
  }
  fail_internal("bad wasm type");
}

namespace detail {

void check_type(WasmType expected, WasmType got) {
  ensure(expected == got, "wasm expression of an unexpected type");
}

}  // namespace detail

BinaryenExpressionRef Tree::take(BinaryenModuleRef module) {
  if (literal_) {
    ensure(module != nullptr, "wasm literal used where no module is known");
    const BinaryenLiteral literal = *std::exchange(literal_, std::nullopt);
    return BinaryenConst(module, literal);
  }
  ensure(expression_ != nullptr, "wasm expression used twice");
  ensure(module == module_, "wasm expression used in another module");
  return std::exchange(expression_, nullptr);
}

std::optional<int32_t> Tree::constant_i32() const {
  if (type_ != WasmType::i32) return std::nullopt;
  if (literal_) return literal_->i32;
  if (expression_ != nullptr && BinaryenExpressionGetId(expression_) == BinaryenConstId()) {
    return BinaryenConstGetValueI32(expression_);
  }
  return std::nullopt;
}

Tree unary(BinaryenOp op, WasmType result, Tree a) {
  BinaryenModuleRef module = a.module();
  return {module, BinaryenUnary(module, op, a.take()), result};
}

namespace {

BinaryenModuleRef common_module(const Tree& a, const Tree& b) {
  return a.module() != nullptr ? a.module() : b.module();
}

}  // namespace

Tree binary(BinaryenOp op, WasmType result, Tree a, Tree b) {
  BinaryenModuleRef module = common_module(a, b);
  BinaryenExpressionRef left = a.take(module);
  BinaryenExpressionRef right = b.take(module);
  return {module, BinaryenBinary(module, op, left, right), result};
}

Tree select(Tree condition, Tree then, Tree otherwise) {
  BinaryenModuleRef module = condition.module();
  if (module == nullptr) module = common_module(then, otherwise);
  const WasmType type = then.type();
  ensure(type == otherwise.type(), "select of two types");
  BinaryenExpressionRef c = condition.take(module);
  BinaryenExpressionRef t = then.take(module);
  BinaryenExpressionRef o = otherwise.take(module);
  return {module, BinaryenSelect(module, c, t, o, binaryen_type(type)), type};
}

Tree load(WasmType type, int bytes, bool is_signed, Tree address, uint32_t offset, uint32_t align) {
  BinaryenModuleRef module = address.module();
  return {module,
          BinaryenLoad(module, static_cast<uint32_t>(bytes), is_signed, offset, align, binaryen_type(type),
                       address.take()),
          type};
}

namespace {

I32 i32(BinaryenOp op, Tree a, Tree b) { return I32(binary(op, WasmType::i32, std::move(a), std::move(b))); }
I64 i64(BinaryenOp op, Tree a, Tree b) { return I64(binary(op, WasmType::i64, std::move(a), std::move(b))); }
F32 f32(BinaryenOp op, Tree a, Tree b) { return F32(binary(op, WasmType::f32, std::move(a), std::move(b))); }
F64 f64(BinaryenOp op, Tree a, Tree b) { return F64(binary(op, WasmType::f64, std::move(a), std::move(b))); }

// x + 0, x * 1 and constant arithmetic: address computations are full of them, and not every build runs an
// optimiser.
bool is(const Tree& tree, int32_t value) { return tree.constant_i32() == value; }
std::optional<int32_t> fold(const Tree& a, const Tree& b, uint32_t (*op)(uint32_t, uint32_t)) {
  const auto x = a.constant_i32();
  const auto y = b.constant_i32();
  if (!x || !y) return std::nullopt;
  return static_cast<int32_t>(op(static_cast<uint32_t>(*x), static_cast<uint32_t>(*y)));
}

}  // namespace

I32 operator+(I32 a, I32 b) {
  if (is(a, 0)) return b;
  if (is(b, 0)) return a;
  if (auto c = fold(a, b, [](uint32_t x, uint32_t y) { return x + y; })) return *c;
  return i32(BinaryenAddInt32(), std::move(a), std::move(b));
}
I32 operator-(I32 a, I32 b) {
  if (is(b, 0)) return a;
  if (auto c = fold(a, b, [](uint32_t x, uint32_t y) { return x - y; })) return *c;
  return i32(BinaryenSubInt32(), std::move(a), std::move(b));
}
I32 operator*(I32 a, I32 b) {
  if (is(a, 1)) return b;
  if (is(b, 1)) return a;
  if (auto c = fold(a, b, [](uint32_t x, uint32_t y) { return x * y; })) return *c;
  return i32(BinaryenMulInt32(), std::move(a), std::move(b));
}
I32 operator&(I32 a, I32 b) { return i32(BinaryenAndInt32(), std::move(a), std::move(b)); }
I32 operator|(I32 a, I32 b) { return i32(BinaryenOrInt32(), std::move(a), std::move(b)); }
I32 operator^(I32 a, I32 b) { return i32(BinaryenXorInt32(), std::move(a), std::move(b)); }
I32 operator<<(I32 a, I32 b) {
  return is(b, 0) ? std::move(a) : i32(BinaryenShlInt32(), std::move(a), std::move(b));
}
I32 operator>>(I32 a, I32 b) { return i32(BinaryenShrSInt32(), std::move(a), std::move(b)); }
I32 operator==(I32 a, I32 b) { return i32(BinaryenEqInt32(), std::move(a), std::move(b)); }
I32 operator!=(I32 a, I32 b) { return i32(BinaryenNeInt32(), std::move(a), std::move(b)); }
I32 operator<(I32 a, I32 b) { return i32(BinaryenLtSInt32(), std::move(a), std::move(b)); }
I32 operator<=(I32 a, I32 b) { return i32(BinaryenLeSInt32(), std::move(a), std::move(b)); }
I32 operator>(I32 a, I32 b) { return i32(BinaryenGtSInt32(), std::move(a), std::move(b)); }
I32 operator>=(I32 a, I32 b) { return i32(BinaryenGeSInt32(), std::move(a), std::move(b)); }
I32 shift_right_unsigned(I32 a, I32 b) { return i32(BinaryenShrUInt32(), std::move(a), std::move(b)); }
I32 less_unsigned(I32 a, I32 b) { return i32(BinaryenLtUInt32(), std::move(a), std::move(b)); }
I32 less_equal_unsigned(I32 a, I32 b) { return i32(BinaryenLeUInt32(), std::move(a), std::move(b)); }
I32 div_signed(I32 a, I32 b) { return i32(BinaryenDivSInt32(), std::move(a), std::move(b)); }
I32 div_unsigned(I32 a, I32 b) { return i32(BinaryenDivUInt32(), std::move(a), std::move(b)); }
I32 rem_signed(I32 a, I32 b) { return i32(BinaryenRemSInt32(), std::move(a), std::move(b)); }
I32 rem_unsigned(I32 a, I32 b) { return i32(BinaryenRemUInt32(), std::move(a), std::move(b)); }
I32 is_zero(I32 a) { return I32(unary(BinaryenEqZInt32(), WasmType::i32, std::move(a))); }

I64 operator+(I64 a, I64 b) { return i64(BinaryenAddInt64(), std::move(a), std::move(b)); }
I64 operator-(I64 a, I64 b) { return i64(BinaryenSubInt64(), std::move(a), std::move(b)); }
I64 operator*(I64 a, I64 b) { return i64(BinaryenMulInt64(), std::move(a), std::move(b)); }
I64 operator&(I64 a, I64 b) { return i64(BinaryenAndInt64(), std::move(a), std::move(b)); }
I64 operator|(I64 a, I64 b) { return i64(BinaryenOrInt64(), std::move(a), std::move(b)); }
I32 operator==(I64 a, I64 b) { return i32(BinaryenEqInt64(), std::move(a), std::move(b)); }
I32 operator!=(I64 a, I64 b) { return i32(BinaryenNeInt64(), std::move(a), std::move(b)); }
I32 operator<(I64 a, I64 b) { return i32(BinaryenLtSInt64(), std::move(a), std::move(b)); }
I32 operator<=(I64 a, I64 b) { return i32(BinaryenLeSInt64(), std::move(a), std::move(b)); }
I32 operator>(I64 a, I64 b) { return i32(BinaryenGtSInt64(), std::move(a), std::move(b)); }
I32 operator>=(I64 a, I64 b) { return i32(BinaryenGeSInt64(), std::move(a), std::move(b)); }
I64 extend_signed(I32 a) { return I64(unary(BinaryenExtendSInt32(), WasmType::i64, std::move(a))); }
I64 extend_unsigned(I32 a) { return I64(unary(BinaryenExtendUInt32(), WasmType::i64, std::move(a))); }
I32 wrap(I64 a) { return I32(unary(BinaryenWrapInt64(), WasmType::i32, std::move(a))); }

F32 operator+(F32 a, F32 b) { return f32(BinaryenAddFloat32(), std::move(a), std::move(b)); }
F32 operator-(F32 a, F32 b) { return f32(BinaryenSubFloat32(), std::move(a), std::move(b)); }
F32 operator*(F32 a, F32 b) { return f32(BinaryenMulFloat32(), std::move(a), std::move(b)); }
F32 operator/(F32 a, F32 b) { return f32(BinaryenDivFloat32(), std::move(a), std::move(b)); }
I32 operator<(F32 a, F32 b) { return i32(BinaryenLtFloat32(), std::move(a), std::move(b)); }
I32 operator>(F32 a, F32 b) { return i32(BinaryenGtFloat32(), std::move(a), std::move(b)); }
F64 operator+(F64 a, F64 b) { return f64(BinaryenAddFloat64(), std::move(a), std::move(b)); }
F64 operator-(F64 a, F64 b) { return f64(BinaryenSubFloat64(), std::move(a), std::move(b)); }
F64 operator*(F64 a, F64 b) { return f64(BinaryenMulFloat64(), std::move(a), std::move(b)); }
F64 operator/(F64 a, F64 b) { return f64(BinaryenDivFloat64(), std::move(a), std::move(b)); }

I32 load_i32(I32 address, uint32_t offset) {
  return I32(load(WasmType::i32, 4, false, std::move(address), offset, 4));
}
I32 load_u8(I32 address, uint32_t offset) {
  return I32(load(WasmType::i32, 1, false, std::move(address), offset, 1));
}
I32 load_i8(I32 address, uint32_t offset) {
  return I32(load(WasmType::i32, 1, true, std::move(address), offset, 1));
}
I64 load_i64(I32 address, uint32_t offset) {
  return I64(load(WasmType::i64, 8, false, std::move(address), offset, 8));
}
F32 load_f32(I32 address, uint32_t offset) {
  return F32(load(WasmType::f32, 4, false, std::move(address), offset, 4));
}
F64 load_f64(I32 address, uint32_t offset) {
  return F64(load(WasmType::f64, 8, false, std::move(address), offset, 8));
}
V128 load_v128(I32 address, uint32_t offset, uint32_t align) {
  return V128(load(WasmType::v128, 16, false, std::move(address), offset, align));
}

}  // namespace o2w::codegen
