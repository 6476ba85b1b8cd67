#include "compiler/codegen/scalar_ops.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/ir/tensor.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::DType;
using ir::ExprOp;

WasmType wasm_type(DType type) {
  switch (type) {
    case DType::f32:
      return WasmType::f32;
    case DType::f64:
      return WasmType::f64;
    case DType::i64:
    case DType::u64:
      return WasmType::i64;
    case DType::c64:
    case DType::c128:
    case DType::string:
      fail_model("elements of type {} cannot be computed with in generated code", ir::user_name(type));
    default:
      return WasmType::i32;
  }
}

namespace {

bool is_64(DType type) { return wasm_type(type) == WasmType::i64; }
bool is_unsigned(DType type) { return !ir::is_signed(type) && type != DType::index; }

// Bits of a narrow integer type kept in an i32; 32 for those that fill it.
int bits_of(DType type) {
  switch (type) {
    case DType::i8:
    case DType::u8:
      return 8;
    case DType::i16:
    case DType::u16:
      return 16;
    case DType::i4:
    case DType::u4:
      return 4;
    case DType::i2:
    case DType::u2:
      return 2;
    case DType::i64:
    case DType::u64:
      return 64;
    default:
      return 32;
  }
}

// An operator by operand type: i32, i64, f32, f64.
BinaryenOp pick(WasmType type, BinaryenOp i32, BinaryenOp i64, BinaryenOp f32, BinaryenOp f64) {
  switch (type) {
    case WasmType::i32:
      return i32;
    case WasmType::i64:
      return i64;
    case WasmType::f32:
      return f32;
    case WasmType::f64:
      return f64;
    default:
      fail_internal("no scalar operator for this type");
  }
}

}  // namespace

Tree ScalarOps::number(WasmType type, int64_t value) {
  return type == WasmType::i64 ? Tree(f_.i64(value)) : Tree(f_.i32(static_cast<int32_t>(value)));
}

Tree ScalarOps::real(WasmType type, double value) {
  return type == WasmType::f64 ? Tree(f_.f64(value)) : Tree(f_.f32(static_cast<float>(value)));
}

Tree ScalarOps::literal(DType type, const ir::Literal& value) {
  const WasmType wasm = wasm_type(type);
  if (ir::is_storage_only(type) && ir::is_float(type)) {
    return number(wasm, ir::encode_narrow(type, static_cast<float>(value.real)));
  }
  return ir::is_float(type) ? real(wasm, value.real) : number(wasm, value.integer);
}

Tree ScalarOps::normalise(DType type, Tree a) {
  const int bits = bits_of(type);
  if (bits >= 32) return a;
  I32 value(std::move(a));
  if (is_unsigned(type)) return std::move(value) & ((1 << bits) - 1);
  if (bits == 8) return codegen::unary(BinaryenExtendS8Int32(), WasmType::i32, std::move(value));
  if (bits == 16) return codegen::unary(BinaryenExtendS16Int32(), WasmType::i32, std::move(value));
  return (std::move(value) << (32 - bits)) >> (32 - bits);
}

bool ScalarOps::is_math(ExprOp op) {
  switch (op) {
    case ExprOp::exp:
    case ExprOp::exp2:
    case ExprOp::expm1:
    case ExprOp::log:
    case ExprOp::log2:
    case ExprOp::log1p:
    case ExprOp::sin:
    case ExprOp::cos:
    case ExprOp::tan:
    case ExprOp::asin:
    case ExprOp::acos:
    case ExprOp::atan:
    case ExprOp::sinh:
    case ExprOp::cosh:
    case ExprOp::tanh:
    case ExprOp::asinh:
    case ExprOp::acosh:
    case ExprOp::atanh:
    case ExprOp::erf:
    case ExprOp::sigmoid:
    case ExprOp::pow:
    case ExprOp::atan2:
    case ExprOp::fmod:
      return true;
    default:
      return false;
  }
}

std::string ScalarOps::math_function(ExprOp op, const char* suffix) {
  return std::string("o2w_") + ir::name(op) + "_" + suffix;
}

// f32 is computed as lane 0 of the vector function, so that an element's bits do not depend on where it
// stands.
Tree ScalarOps::math(ExprOp op, DType type, std::vector<Tree> arguments) {
  if (type == DType::f64) return f_.call(math_function(op, "f64"), std::move(arguments), WasmType::f64);
  ensure(type == DType::f32, "transcendental function of a type that is not computed in");
  for (Tree& argument : arguments) argument = f32x4::splat(F32(std::move(argument)));
  return f32x4::extract(V128(f_.call(math_function(op, "f32x4"), std::move(arguments), WasmType::v128)), 0);
}

Tree ScalarOps::unary(ExprOp op, DType type, Tree a) {
  if (op == ExprOp::logical_not) return is_zero(I32(std::move(a)));
  if (is_math(op)) {
    std::vector<Tree> arguments;
    arguments.push_back(std::move(a));
    return math(op, type, std::move(arguments));
  }
  return ir::is_float(type) ? float_unary(op, type, std::move(a)) : integer_unary(op, type, std::move(a));
}

Tree ScalarOps::float_unary(ExprOp op, DType type, Tree a) {
  const bool wide = type == DType::f64;
  const WasmType wasm = wasm_type(type);
  const auto simple = [&](BinaryenOp f32, BinaryenOp f64) {
    return codegen::unary(wide ? f64 : f32, wasm, std::move(a));
  };
  const auto test = [&](BinaryenOp f32, BinaryenOp f64, Tree x, Tree y) {
    return codegen::binary(wide ? f64 : f32, WasmType::i32, std::move(x), std::move(y));
  };
  switch (op) {
    case ExprOp::neg:
      return simple(BinaryenNegFloat32(), BinaryenNegFloat64());
    case ExprOp::abs:
      return simple(BinaryenAbsFloat32(), BinaryenAbsFloat64());
    case ExprOp::floor:
      return simple(BinaryenFloorFloat32(), BinaryenFloorFloat64());
    case ExprOp::ceil:
      return simple(BinaryenCeilFloat32(), BinaryenCeilFloat64());
    case ExprOp::trunc:
      return simple(BinaryenTruncFloat32(), BinaryenTruncFloat64());
    case ExprOp::round_even:
      return simple(BinaryenNearestFloat32(), BinaryenNearestFloat64());
    case ExprOp::sqrt:
      return simple(BinaryenSqrtFloat32(), BinaryenSqrtFloat64());
    case ExprOp::reciprocal:
      return codegen::binary(wide ? BinaryenDivFloat64() : BinaryenDivFloat32(), wasm, real(wasm, 1),
                             std::move(a));
    case ExprOp::sign: {  // NaN and both zeros stay what they are
      const Local x = f_.keep(std::move(a));
      Tree negative = test(BinaryenLtFloat32(), BinaryenLtFloat64(), x.get(), real(wasm, 0));
      Tree positive = test(BinaryenGtFloat32(), BinaryenGtFloat64(), x.get(), real(wasm, 0));
      Tree rest = select(std::move(negative), real(wasm, -1), x.get());
      return select(std::move(positive), real(wasm, 1), std::move(rest));
    }
    case ExprOp::isnan: {
      const Local x = f_.keep(std::move(a));
      return test(BinaryenNeFloat32(), BinaryenNeFloat64(), x.get(), x.get());
    }
    case ExprOp::isinf: {
      Tree magnitude = simple(BinaryenAbsFloat32(), BinaryenAbsFloat64());
      return test(BinaryenEqFloat32(), BinaryenEqFloat64(), std::move(magnitude),
                  real(wasm, std::numeric_limits<double>::infinity()));
    }
    default:
      fail_internal("operator {} on {}", ir::name(op), ir::name(type));
  }
}

Tree ScalarOps::integer_unary(ExprOp op, DType type, Tree a) {
  const WasmType wasm = wasm_type(type);
  const auto binary64 = [&](BinaryenOp i32, BinaryenOp i64, WasmType result, Tree x, Tree y) {
    return codegen::binary(is_64(type) ? i64 : i32, result, std::move(x), std::move(y));
  };
  switch (op) {
    case ExprOp::neg:
      return normalise(type,
                       binary64(BinaryenSubInt32(), BinaryenSubInt64(), wasm, number(wasm, 0), std::move(a)));
    case ExprOp::bitwise_not:
      return normalise(
          type, binary64(BinaryenXorInt32(), BinaryenXorInt64(), wasm, std::move(a), number(wasm, -1)));
    case ExprOp::abs: {
      if (is_unsigned(type)) return a;
      const Local x = f_.keep(std::move(a));
      Tree negated = binary64(BinaryenSubInt32(), BinaryenSubInt64(), wasm, number(wasm, 0), x.get());
      Tree negative =
          binary64(BinaryenLtSInt32(), BinaryenLtSInt64(), WasmType::i32, x.get(), number(wasm, 0));
      return normalise(type, select(std::move(negative), std::move(negated), x.get()));
    }
    case ExprOp::sign: {
      const Local x = f_.keep(std::move(a));
      Tree nonzero = binary64(BinaryenNeInt32(), BinaryenNeInt64(), WasmType::i32, x.get(), number(wasm, 0));
      if (is_unsigned(type)) return select(std::move(nonzero), number(wasm, 1), number(wasm, 0));
      Tree negative =
          binary64(BinaryenLtSInt32(), BinaryenLtSInt64(), WasmType::i32, x.get(), number(wasm, 0));
      Tree magnitude = select(std::move(nonzero), number(wasm, 1), number(wasm, 0));
      return select(std::move(negative), number(wasm, -1), std::move(magnitude));
    }
    case ExprOp::floor:
    case ExprOp::ceil:
    case ExprOp::trunc:
    case ExprOp::round_even:
      return a;
    case ExprOp::isnan:
    case ExprOp::isinf:
      return f_.i32(0);
    default:
      fail_internal("operator {} on {}", ir::name(op), ir::name(type));
  }
}

Tree ScalarOps::binary(ExprOp op, DType type, Tree a, Tree b, const ir::Expr& rhs) {
  switch (op) {
    case ExprOp::eq:
    case ExprOp::ne:
    case ExprOp::lt:
    case ExprOp::le:
    case ExprOp::gt:
    case ExprOp::ge:
      return compare(op, type, std::move(a), std::move(b));
    case ExprOp::logical_and:
      return I32(std::move(a)) & I32(std::move(b));
    case ExprOp::logical_or:
      return I32(std::move(a)) | I32(std::move(b));
    case ExprOp::logical_xor:
      return I32(std::move(a)) ^ I32(std::move(b));
    default:
      break;
  }
  return ir::is_float(type) ? float_binary(op, type, std::move(a), std::move(b), rhs)
                            : integer_binary(op, type, std::move(a), std::move(b), rhs);
}

Tree ScalarOps::compare(ExprOp op, DType type, Tree a, Tree b) {
  const WasmType wasm = wasm_type(type);
  const bool u = is_unsigned(type);
  BinaryenOp code{};
  switch (op) {
    case ExprOp::eq:
      code = pick(wasm, BinaryenEqInt32(), BinaryenEqInt64(), BinaryenEqFloat32(), BinaryenEqFloat64());
      break;
    case ExprOp::ne:
      code = pick(wasm, BinaryenNeInt32(), BinaryenNeInt64(), BinaryenNeFloat32(), BinaryenNeFloat64());
      break;
    case ExprOp::lt:
      code = pick(wasm, u ? BinaryenLtUInt32() : BinaryenLtSInt32(),
                  u ? BinaryenLtUInt64() : BinaryenLtSInt64(), BinaryenLtFloat32(), BinaryenLtFloat64());
      break;
    case ExprOp::le:
      code = pick(wasm, u ? BinaryenLeUInt32() : BinaryenLeSInt32(),
                  u ? BinaryenLeUInt64() : BinaryenLeSInt64(), BinaryenLeFloat32(), BinaryenLeFloat64());
      break;
    case ExprOp::gt:
      code = pick(wasm, u ? BinaryenGtUInt32() : BinaryenGtSInt32(),
                  u ? BinaryenGtUInt64() : BinaryenGtSInt64(), BinaryenGtFloat32(), BinaryenGtFloat64());
      break;
    case ExprOp::ge:
      code = pick(wasm, u ? BinaryenGeUInt32() : BinaryenGeSInt32(),
                  u ? BinaryenGeUInt64() : BinaryenGeSInt64(), BinaryenGeFloat32(), BinaryenGeFloat64());
      break;
    default:
      fail_internal("not a comparison: {}", ir::name(op));
  }
  return codegen::binary(code, WasmType::i32, std::move(a), std::move(b));
}

Tree ScalarOps::float_binary(ExprOp op, DType type, Tree a, Tree b, const ir::Expr& rhs) {
  const WasmType wasm = wasm_type(type);
  const bool wide = type == DType::f64;
  const auto simple = [&](BinaryenOp f32, BinaryenOp f64) {
    return codegen::binary(wide ? f64 : f32, wasm, std::move(a), std::move(b));
  };
  switch (op) {
    case ExprOp::add:
      return simple(BinaryenAddFloat32(), BinaryenAddFloat64());
    case ExprOp::sub:
      return simple(BinaryenSubFloat32(), BinaryenSubFloat64());
    case ExprOp::mul:
      return simple(BinaryenMulFloat32(), BinaryenMulFloat64());
    case ExprOp::div:
      return simple(BinaryenDivFloat32(), BinaryenDivFloat64());
    case ExprOp::min:
    case ExprOp::max: {
      const bool is_min = op == ExprOp::min;
      if (rhs.get() != nullptr && ir::is_literal(rhs) && !std::isnan(rhs->literal.real)) {
        // Against a number: x < c ? c : x, which keeps a NaN x, and is what the vector code's pmax computes.
        const Local x = f_.keep(std::move(a));
        Tree c = real(wasm, rhs->literal.real);
        Tree take = is_min ? codegen::binary(wide ? BinaryenLtFloat64() : BinaryenLtFloat32(), WasmType::i32,
                                             real(wasm, rhs->literal.real), x.get())
                           : codegen::binary(wide ? BinaryenLtFloat64() : BinaryenLtFloat32(), WasmType::i32,
                                             x.get(), real(wasm, rhs->literal.real));
        return select(std::move(take), std::move(c), x.get());
      }
      return is_min ? simple(BinaryenMinFloat32(), BinaryenMinFloat64())
                    : simple(BinaryenMaxFloat32(), BinaryenMaxFloat64());
    }
    case ExprOp::floordiv:
      return float_unary(ExprOp::floor, type, simple(BinaryenDivFloat32(), BinaryenDivFloat64()));
    case ExprOp::pow:
    case ExprOp::atan2:
    case ExprOp::fmod: {
      std::vector<Tree> arguments;
      arguments.push_back(std::move(a));
      arguments.push_back(std::move(b));
      return math(op, type, std::move(arguments));
    }
    case ExprOp::mod: {  // the sign of the divisor: C's remainder, moved by one divisor where the signs
                         // differ
      const Local divisor = f_.keep(std::move(b));
      const Local r = f_.keep(float_binary(ExprOp::fmod, type, std::move(a), divisor.get(), {}));
      I32 nonzero(compare(ExprOp::ne, type, r.get(), real(wasm, 0)));
      I32 r_negative(compare(ExprOp::lt, type, r.get(), real(wasm, 0)));
      I32 divisor_negative(compare(ExprOp::lt, type, divisor.get(), real(wasm, 0)));
      Tree differ = std::move(nonzero) & (std::move(r_negative) ^ std::move(divisor_negative));
      Tree moved = float_binary(ExprOp::add, type, r.get(), divisor.get(), {});
      return select(std::move(differ), std::move(moved), r.get());
    }
    default:
      fail_internal("operator {} on {}", ir::name(op), ir::name(type));
  }
}

Tree ScalarOps::load(DType type, Tree address) {
  const WasmType wasm = wasm_type(type);
  const int bytes = ir::byte_size(type);
  Tree value = codegen::load(wasm, bytes, ir::is_signed(type) && !ir::is_float(type), std::move(address), 0,
                             static_cast<uint32_t>(std::min(bytes, 4)));
  // Any byte a host writes but 0 is true; the vector code reads it so, too.
  if (type == DType::boolean) return I32(std::move(value)) != 0;
  return value;
}

void ScalarOps::store(DType type, Tree address, Tree value) {
  const int bytes = ir::byte_size(type);
  f_.store(bytes, std::move(address), std::move(value), 0, static_cast<uint32_t>(std::min(bytes, 4)));
}

}  // namespace o2w::codegen
