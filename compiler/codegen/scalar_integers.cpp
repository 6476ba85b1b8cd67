// Integer arithmetic and conversions of ScalarOps.
#include <bit>
#include <limits>

#include "compiler/codegen/scalar_ops.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::DType;
using ir::ExprOp;

namespace {

bool is_64(DType type) { return wasm_type(type) == WasmType::i64; }
bool is_unsigned(DType type) { return !ir::is_signed(type) && type != DType::index; }

struct IntegerCodes {
  BinaryenOp add, sub, mul, and_, or_, xor_, shl, shr_s, shr_u, div_s, div_u, rem_s, rem_u, eq, ne, lt_s,
      lt_u;
};

IntegerCodes codes(bool wide) {
  if (wide) {
    return {BinaryenAddInt64(),  BinaryenSubInt64(),  BinaryenMulInt64(),  BinaryenAndInt64(),
            BinaryenOrInt64(),   BinaryenXorInt64(),  BinaryenShlInt64(),  BinaryenShrSInt64(),
            BinaryenShrUInt64(), BinaryenDivSInt64(), BinaryenDivUInt64(), BinaryenRemSInt64(),
            BinaryenRemUInt64(), BinaryenEqInt64(),   BinaryenNeInt64(),   BinaryenLtSInt64(),
            BinaryenLtUInt64()};
  }
  return {BinaryenAddInt32(),  BinaryenSubInt32(),  BinaryenMulInt32(),  BinaryenAndInt32(),
          BinaryenOrInt32(),   BinaryenXorInt32(),  BinaryenShlInt32(),  BinaryenShrSInt32(),
          BinaryenShrUInt32(), BinaryenDivSInt32(), BinaryenDivUInt32(), BinaryenRemSInt32(),
          BinaryenRemUInt32(), BinaryenEqInt32(),   BinaryenNeInt32(),   BinaryenLtSInt32(),
          BinaryenLtUInt32()};
}

int width(DType type) {
  if (type == DType::index || type == DType::boolean) return 32;
  return ir::byte_size(type) * 8;
}

// Positions are never near the ends of their range, which allows shorter divisions; data may be.
bool is_position(DType type) { return type == DType::index; }

}  // namespace

Tree ScalarOps::integer_binary(ExprOp op, DType type, Tree a, Tree b, const ir::Expr& rhs) {
  const WasmType wasm = wasm_type(type);
  const IntegerCodes c = codes(is_64(type));
  const auto apply = [&](BinaryenOp code) { return codegen::binary(code, wasm, std::move(a), std::move(b)); };
  switch (op) {
    case ExprOp::add:
      if (wasm == WasmType::i32) return normalise(type, I32(std::move(a)) + I32(std::move(b)));
      return apply(c.add);
    case ExprOp::sub:
      if (wasm == WasmType::i32) return normalise(type, I32(std::move(a)) - I32(std::move(b)));
      return apply(c.sub);
    case ExprOp::mul:
      if (wasm == WasmType::i32) return normalise(type, I32(std::move(a)) * I32(std::move(b)));
      return apply(c.mul);
    case ExprOp::bitwise_and:
      return apply(c.and_);
    case ExprOp::bitwise_or:
      return apply(c.or_);
    case ExprOp::bitwise_xor:
      return apply(c.xor_);
    case ExprOp::div:
    case ExprOp::floordiv:
    case ExprOp::mod:
    case ExprOp::fmod:
      return divide(op, type, std::move(a), std::move(b), rhs);
    case ExprOp::min:
    case ExprOp::max: {
      const Local x = f_.keep(std::move(a));
      const Local y = f_.keep(std::move(b));
      Tree less = codegen::binary(is_unsigned(type) ? c.lt_u : c.lt_s, WasmType::i32, x.get(), y.get());
      return op == ExprOp::min ? select(std::move(less), x.get(), y.get())
                               : select(std::move(less), y.get(), x.get());
    }
    case ExprOp::shift_left:
    case ExprOp::shift_right: {
      const BinaryenOp code = op == ExprOp::shift_left ? c.shl : is_unsigned(type) ? c.shr_u : c.shr_s;
      if (rhs.get() != nullptr && ir::is_literal(rhs)) {
        const int64_t amount = rhs->literal.integer;
        if (amount < 0 || amount >= width(type)) {
          f_.drop(std::move(a));
          return number(wasm, 0);
        }
        return normalise(type, apply(code));
      }
      const Local amount = f_.keep(std::move(b));
      Tree in_range = codegen::binary(c.lt_u, WasmType::i32, amount.get(), number(wasm, width(type)));
      Tree shifted = normalise(type, codegen::binary(code, wasm, std::move(a), amount.get()));
      return select(std::move(in_range), std::move(shifted), number(wasm, 0));
    }
    case ExprOp::pow:
      return power(type, std::move(a), std::move(b));
    default:
      fail_internal("operator {} on {}", ir::name(op), ir::name(type));
  }
}

Tree ScalarOps::divide_by_literal(ExprOp op, DType type, Tree a, int64_t divisor) {
  const WasmType wasm = wasm_type(type);
  const IntegerCodes c = codes(is_64(type));
  const bool remainder = op == ExprOp::mod || op == ExprOp::fmod;
  if (is_unsigned(type)) {
    return codegen::binary(remainder ? c.rem_u : c.div_u, wasm, std::move(a), number(wasm, divisor));
  }
  if (op == ExprOp::div || op == ExprOp::fmod) {
    return normalise(
        type, codegen::binary(remainder ? c.rem_s : c.div_s, wasm, std::move(a), number(wasm, divisor)));
  }
  // Towards minus infinity, by a divisor above 0.
  const bool power_of_two = std::has_single_bit(static_cast<uint64_t>(divisor));
  if (op == ExprOp::floordiv) {
    if (power_of_two) {
      return codegen::binary(c.shr_s, wasm, std::move(a),
                             number(wasm, std::countr_zero(static_cast<uint64_t>(divisor))));
    }
    const Local x = f_.keep(std::move(a));
    Tree sign = codegen::binary(c.shr_s, wasm, x.get(), number(wasm, is_64(type) ? 63 : 31));
    if (is_position(type)) {
      Tree below = codegen::binary(c.and_, wasm, std::move(sign), number(wasm, divisor - 1));
      return codegen::binary(c.div_s, wasm, codegen::binary(c.sub, wasm, x.get(), std::move(below)),
                             number(wasm, divisor));
    }
    // (x ^ s) is x for x >= 0 and -x - 1 below: dividing that and flipping back rounds down without overflow.
    const Local s = f_.keep(std::move(sign));
    Tree flipped = codegen::binary(c.xor_, wasm, x.get(), s.get());
    Tree quotient = codegen::binary(c.div_s, wasm, std::move(flipped), number(wasm, divisor));
    return codegen::binary(c.xor_, wasm, std::move(quotient), s.get());
  }
  if (power_of_two) return codegen::binary(c.and_, wasm, std::move(a), number(wasm, divisor - 1));
  const Local r = f_.keep(codegen::binary(c.rem_s, wasm, std::move(a), number(wasm, divisor)));
  Tree sign = codegen::binary(c.shr_s, wasm, r.get(), number(wasm, is_64(type) ? 63 : 31));
  Tree fix = codegen::binary(c.and_, wasm, std::move(sign), number(wasm, divisor));
  return codegen::binary(c.add, wasm, r.get(), std::move(fix));
}

Tree ScalarOps::divide(ExprOp op, DType type, Tree a, Tree b, const ir::Expr& rhs) {
  const WasmType wasm = wasm_type(type);
  if (rhs.get() != nullptr && ir::is_literal(rhs)) {
    const int64_t divisor = rhs->literal.integer;
    if (divisor > 0) return divide_by_literal(op, type, std::move(a), divisor);
  }
  const IntegerCodes c = codes(is_64(type));
  const bool wide = is_64(type);
  const auto binary = [&](BinaryenOp code, Tree x, Tree y) {
    return codegen::binary(code, wasm, std::move(x), std::move(y));
  };
  const auto test = [&](BinaryenOp code, Tree x, Tree y) {
    return codegen::binary(code, WasmType::i32, std::move(x), std::move(y));
  };
  const Local x = f_.keep(std::move(a));
  const Local y = f_.keep(std::move(b));
  const bool remainder = op == ExprOp::mod || op == ExprOp::fmod;
  if (is_unsigned(type)) {
    const auto is_zero_divisor = [&] { return test(c.eq, y.get(), number(wasm, 0)); };
    Tree safe = select(is_zero_divisor(), number(wasm, 1), y.get());
    if (remainder) {  // by 1 it is 0, as wanted
      return binary(c.rem_u, x.get(), std::move(safe));
    }
    Tree quotient = binary(c.div_u, x.get(), std::move(safe));
    return select(is_zero_divisor(), number(wasm, 0), std::move(quotient));
  }
  // The two divisors that trap, 0 and -1 (overflow), become 1; their results are put in afterwards.
  const auto special = [&] { return test(c.lt_u, binary(c.add, y.get(), number(wasm, 1)), number(wasm, 2)); };
  const Local safe = f_.keep(select(special(), number(wasm, 1), y.get()));
  const Local rest = f_.keep(binary(c.rem_s, x.get(), safe.get()));
  const auto rounds_wrong_way = [&] {  // there is a remainder and its sign is not the divisor's
    I32 nonzero(test(c.ne, rest.get(), number(wasm, 0)));
    I32 differ(test(c.lt_s, binary(c.xor_, rest.get(), y.get()), number(wasm, 0)));
    return Tree(std::move(nonzero) & std::move(differ));
  };
  if (remainder) {
    if (op == ExprOp::fmod) return rest.get();
    return binary(c.add, rest.get(), select(rounds_wrong_way(), y.get(), number(wasm, 0)));
  }
  Tree quotient = binary(c.div_s, x.get(), safe.get());
  if (op == ExprOp::floordiv) {
    I32 one(rounds_wrong_way());
    Tree step = wide ? Tree(extend_unsigned(std::move(one))) : Tree(std::move(one));
    quotient = binary(c.sub, std::move(quotient), std::move(step));
  }
  // -x where the divisor is -1, 0 where it is 0.
  Tree negated = binary(c.and_, binary(c.sub, number(wasm, 0), x.get()), y.get());
  return normalise(type, select(special(), std::move(negated), std::move(quotient)));
}

// By squaring, wrapping; a negative exponent gives what truncation of the real power gives: 0 but for bases 1
// and -1.
Tree ScalarOps::power(DType type, Tree a, Tree b) {
  const std::string name = functions_.get("integer_power", "integer_power", [](FunctionBuilder& f) {
    const auto base = f.param<I64>();
    const auto exponent = f.param<I64>();
    f.set_result(WasmType::i64);
    f.if_(exponent < 0, [&] {
      f.if_(base == 1, [&] { f.return_(f.i64(1)); });
      f.if_(base == -1, [&] { f.return_(f.i64(1) - (exponent & 1) * 2); });
      f.return_(f.i64(0));
    });
    const auto result = f.local<I64>(f.i64(1));
    f.while_(
        [&] { return exponent != 0; },
        [&] {
          f.if_((exponent & 1) != 0, [&] { result.set(result * base); });
          base.set(base * base);
          exponent.set(I64(codegen::binary(BinaryenShrUInt64(), WasmType::i64, exponent.get(), f.i64(1))));
        });
    f.return_(result.get());
  });
  const auto widen = [&](Tree value) -> Tree {
    if (value.type() == WasmType::i64) return value;
    return is_unsigned(type) ? extend_unsigned(I32(std::move(value))) : extend_signed(I32(std::move(value)));
  };
  std::vector<Tree> arguments;
  arguments.push_back(widen(std::move(a)));
  arguments.push_back(widen(std::move(b)));
  Tree result = f_.call(name, std::move(arguments), WasmType::i64);
  if (is_64(type)) return result;
  return normalise(type, wrap(I64(std::move(result))));
}

Tree ScalarOps::bitcast(DType from, DType to, Tree a) {
  const WasmType source = wasm_type(from);
  const WasmType target = wasm_type(to);
  ensure(ir::byte_size(from) == ir::byte_size(to), "bitcast between sizes");
  if (source == target) return normalise(to, std::move(a));
  const auto reinterpret = [&](BinaryenOp op) { return codegen::unary(op, target, std::move(a)); };
  if (source == WasmType::f32) return reinterpret(BinaryenReinterpretFloat32());
  if (source == WasmType::f64) return reinterpret(BinaryenReinterpretFloat64());
  if (source == WasmType::i32) return reinterpret(BinaryenReinterpretInt32());
  return reinterpret(BinaryenReinterpretInt64());
}

Tree ScalarOps::cast(DType from, DType to, Tree a) {
  if (from == to) return a;
  if (ir::is_float(from) && ir::is_storage_only(from)) {
    if (to == DType::f32) {
      return f_.call("o2w_" + std::string(ir::name(from)) + "_to_f32", f_.arguments(std::move(a)),
                     WasmType::f32);
    }
    return cast(DType::f32, to, cast(from, DType::f32, std::move(a)));
  }
  if (ir::is_float(to) && ir::is_storage_only(to)) {
    if (from != DType::f32) return cast(DType::f32, to, cast(from, DType::f32, std::move(a)));
    return f_.call("o2w_f32_to_" + std::string(ir::name(to)), f_.arguments(std::move(a)), WasmType::i32);
  }
  const WasmType source = wasm_type(from);
  const WasmType target = wasm_type(to);
  const auto convert = [&](BinaryenOp op, Tree value) {
    return codegen::unary(op, target, std::move(value));
  };
  if (to == DType::boolean)
    return compare(ExprOp::ne, from, std::move(a), ir::is_float(from) ? real(source, 0) : number(source, 0));
  if (ir::is_float(from) && ir::is_float(to)) {
    return convert(to == DType::f64 ? BinaryenPromoteFloat32() : BinaryenDemoteFloat64(), std::move(a));
  }
  if (ir::is_float(to)) {  // from an integer
    const bool u = is_unsigned(from);
    if (target == WasmType::f32) {
      return convert(source == WasmType::i64
                         ? (u ? BinaryenConvertUInt64ToFloat32() : BinaryenConvertSInt64ToFloat32())
                         : (u ? BinaryenConvertUInt32ToFloat32() : BinaryenConvertSInt32ToFloat32()),
                     std::move(a));
    }
    return convert(source == WasmType::i64
                       ? (u ? BinaryenConvertUInt64ToFloat64() : BinaryenConvertSInt64ToFloat64())
                       : (u ? BinaryenConvertUInt32ToFloat64() : BinaryenConvertSInt32ToFloat64()),
                   std::move(a));
  }
  if (ir::is_float(from)) {  // to an integer: towards zero, saturating
    const bool u = is_unsigned(to);
    const bool wide = source == WasmType::f64;
    if (target == WasmType::i64) {
      return convert(wide ? (u ? BinaryenTruncSatUFloat64ToInt64() : BinaryenTruncSatSFloat64ToInt64())
                          : (u ? BinaryenTruncSatUFloat32ToInt64() : BinaryenTruncSatSFloat32ToInt64()),
                     std::move(a));
    }
    Tree whole = convert(wide ? (u ? BinaryenTruncSatUFloat64ToInt32() : BinaryenTruncSatSFloat64ToInt32())
                              : (u ? BinaryenTruncSatUFloat32ToInt32() : BinaryenTruncSatSFloat32ToInt32()),
                         std::move(a));
    return saturate(to, std::move(whole));
  }
  // Between integers: wraps. A position saturates instead, so that what is out of range stays out of range.
  if (target == WasmType::i64 && source == WasmType::i32) {
    return is_unsigned(from) ? Tree(extend_unsigned(I32(std::move(a))))
                             : Tree(extend_signed(I32(std::move(a))));
  }
  if (target == WasmType::i32 && source == WasmType::i64) {
    if (to == DType::index) {
      const Local x = f_.keep(std::move(a));
      Tree low = select(I64(x.get()) < int64_t{std::numeric_limits<int32_t>::min()},
                        f_.i32(std::numeric_limits<int32_t>::min()), wrap(I64(x.get())));
      return select(I64(x.get()) > int64_t{std::numeric_limits<int32_t>::max()},
                    f_.i32(std::numeric_limits<int32_t>::max()), std::move(low));
    }
    return normalise(to, wrap(I64(std::move(a))));
  }
  return normalise(to, std::move(a));
}

// Clamps an i32 that a float was truncated to into a narrower type.
Tree ScalarOps::saturate(DType type, Tree a) {
  int bits = width(type);
  if (type == DType::i4 || type == DType::u4) bits = 4;
  if (type == DType::i2 || type == DType::u2) bits = 2;
  if (bits >= 32) return a;
  const bool u = is_unsigned(type);
  const int32_t low = u ? 0 : -(1 << (bits - 1));
  const int32_t high = u ? (1 << bits) - 1 : (1 << (bits - 1)) - 1;
  const Local x = f_.keep(std::move(a));
  I32 above = u ? less_unsigned(high, I32(x.get())) : I32(x.get()) > high;
  Tree capped = select(std::move(above), f_.i32(high), x.get());
  if (u) return capped;
  return select(I32(x.get()) < low, f_.i32(low), std::move(capped));
}

}  // namespace o2w::codegen
