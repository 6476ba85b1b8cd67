// Conversions of element types.
#include <map>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/float8.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;

// E8M0 holds powers of two only. `up` goes to the next one above, `down` to the next below, `nearest` to the
// nearer one.
Expr power_of_two(Lowering& l, const std::string& mode, const Expr& x) {
  int64_t carry = 0;  // added to the bits below the exponent before they are dropped
  if (mode == "up") {
    carry = 0x7FFFFF;
  } else if (mode == "nearest") {
    carry = 0x400000;
  } else if (mode != "down") {
    l.fail("attribute 'round_mode' is '{}'; ONNX knows up, down and nearest", mode);
  }
  const Expr bits = ir::bitcast(DType::i32, ir::cast(DType::f32, x));
  const Expr rounded = ir::binary(ExprOp::bitwise_and, bits + carry, ir::literal_int(DType::i32, 0x7F800000));
  return ir::select(ir::unary(ExprOp::isnan, x), x, ir::cast(x->type, ir::bitcast(DType::f32, rounded)));
}

// Digits as ONNX Runtime writes them.
constexpr int64_t kFloatDigits = 8;

// The widest type of the class: what texts are written from and read as.
DType widest(DType type) {
  if (ir::is_float(type)) return DType::f64;
  return type == DType::u64 ? type : DType::i64;
}

void lower_to_string(Lowering& l, ir::Value* x) {
  x = l.b().cast(x, widest(x->type));
  l.output(0, l.b().opaque({.routine = "string_from_number", .ints = {kFloatDigits}}, {x},
                           {{DType::string, x->shape}})[0]);
}

void lower_from_string(Lowering& l, ir::Value* x, DType type) {
  ir::Builder& b = l.b();
  ir::Value* number = b.opaque({.routine = "number_from_string"}, {x}, {{widest(type), x->shape}})[0];
  if (ir::is_float(type)) number = b.cast(number, type == DType::f64 ? type : DType::f32);
  l.output(0, b.cast(number, type));
}

void lower_to(Lowering& l, DType type) {
  ir::Value* x = l.input(0);
  if (type == x->type) return l.output(0, x);
  if (ir::is_opaque(type) || ir::is_opaque(x->type)) {
    if (type == DType::string && !ir::is_opaque(x->type)) return lower_to_string(l, x);
    if (x->type == DType::string && !ir::is_opaque(type)) return lower_from_string(l, x, type);
    l.fail("from {} to {} is not supported", ir::user_name(x->type), ir::user_name(type));
  }
  const bool saturate = l.int_attribute("saturate", 1) != 0;
  if (type == DType::f8e8m0 && ir::is_float(x->type) && x->type != type) {
    const std::string mode = l.string_attribute("round_mode", "up");
    l.output(0, l.b().map(type, {x}, [&](std::span<const Expr> e) { return power_of_two(l, mode, e[0]); }));
  } else if (is_float8(type) && x->type != type) {
    l.output(0, l.b().map(type, {x}, [&](std::span<const Expr> e) {
      return to_float8(type, ir::is_float(e[0]->type) ? e[0] : ir::cast(DType::f32, e[0]), saturate);
    }));
  } else if (type == DType::f4e2m1 && ir::is_float(x->type) && x->type != type) {
    // There is no NaN; ONNX's data has -0 for it.
    l.output(0, l.b().map(type, {x}, [](std::span<const Expr> e) {
      return ir::select(ir::unary(ExprOp::isnan, e[0]), -0.0, e[0]);
    }));
  } else if (ir::is_integer(type) && ir::is_storage_only(type) && ir::is_float(x->type)) {
    // To types of less than 8 bits, the low bits of the integer, as in ONNX's data.
    l.output(0, l.b().map(type, {x}, [&](std::span<const Expr> e) {
      return ir::cast(ir::compute_type(type), ir::cast(DType::i32, e[0]));
    }));
  } else {
    l.output(0, l.b().cast(x, type));
  }
}

// Cast-1 names the type.
DType type_from_name(Lowering& l, const std::string& name) {
  static const std::map<std::string, DType> types = {
      {"FLOAT", DType::f32},    {"DOUBLE", DType::f64}, {"FLOAT16", DType::f16}, {"BOOL", DType::boolean},
      {"INT8", DType::i8},      {"INT16", DType::i16},  {"INT32", DType::i32},   {"INT64", DType::i64},
      {"UINT8", DType::u8},     {"UINT16", DType::u16}, {"UINT32", DType::u32},  {"UINT64", DType::u64},
      {"STRING", DType::string}};
  const auto found = types.find(name);
  if (found == types.end()) l.fail("attribute 'to' is '{}', which is not supported", name);
  return found->second;
}

void lower_cast(Lowering& l) {
  const AttributeDef* to = l.attribute("to");
  if (to && to->kind == AttributeDef::Kind::text) {
    lower_to(l, type_from_name(l, to->text));
  } else {
    lower_to(l, element_type(l, l.int_attribute("to"), "to"));
  }
}
const RegisterOperator cast({.name = "Cast",
                             .versions = {1, 6, 9, 13, 19, 21, 23, 24, 25},
                             .types = {{"T1", kMovable | kStrings, inputs(0)},
                                       {"T2", kMovable | kStrings, outputs(0)}},
                             .lower = lower_cast});

const RegisterOperator cast_like({.name = "CastLike",
                                  .versions = {15, 19, 21, 23, 24, 25},
                                  .types = {{"T1", kMovable | kStrings, inputs(0)},
                                            {"T2", kMovable | kStrings, inputs(1)}},
                                  .lower = [](Lowering& l) { lower_to(l, l.input(1)->type); }});

int bits_of(DType type) {
  if (type == DType::i4 || type == DType::u4 || type == DType::f4e2m1) return 4;
  if (type == DType::i2 || type == DType::u2) return 2;
  return 8 * ir::byte_size(type);
}

// The same bytes under another type. Types of less than a byte have one for every element, in which signed
// integers are sign-extended; so those go through their unsigned counterparts.
void lower_bitcast(Lowering& l) {
  ir::Builder& b = l.b();
  ir::Value* x = l.input(0);
  const DType type = element_type(l, l.int_attribute("to"), "to");
  if (bits_of(x->type) != bits_of(type))
    l.fail("{} and {} differ in size", ir::user_name(x->type), ir::user_name(type));
  const auto as_bytes = [](DType t) {
    return t == DType::i4 ? DType::u4 : t == DType::i2 ? DType::u2 : t == DType::boolean ? DType::u8 : t;
  };
  x = b.cast(x, as_bytes(x->type));
  const DType seen_as = as_bytes(type);
  if (x->type != seen_as) {
    ir::Value* same_bits = b.graph().new_value(seen_as, x->shape);
    b.append(ir::View{}, {x}, {same_bits});
    x = same_bits;
  }
  l.output(0, b.cast(x, type));
}
const RegisterOperator bitcast({.name = "BitCast",
                                .versions = {26},
                                .types = {{"T1", kMovable, inputs(0)}, {"T2", kMovable, outputs(0)}},
                                .lower = lower_bitcast});

}  // namespace
}  // namespace o2w::onnx_frontend
