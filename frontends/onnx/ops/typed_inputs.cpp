#include "frontends/onnx/ops/typed_inputs.h"

#include <cmath>
#include <limits>

namespace o2w::onnx_frontend {
namespace {

using ir::DType;

bool is_movable(DType type) { return type != DType::index; }

bool is_numeric(DType type) { return ir::is_float(type) || ir::is_integer(type); }

bool is_boolean(DType type) { return type == DType::boolean; }

ir::Value* checked(Lowering& lowering, int i, bool (*accepts)(DType), const char* expected) {
  ir::Value* value = lowering.input(i);
  if (!accepts(value->type)) {
    lowering.fail("input {} has element type {}, but {} is needed", i, ir::user_name(value->type), expected);
  }
  return value;
}

}  // namespace

ir::Value* movable_input(Lowering& lowering, int i) {
  return checked(lowering, i, is_movable, "any type of element");
}

ir::Value* numeric_input(Lowering& lowering, int i) {
  return checked(lowering, i, is_numeric, "an integer or floating-point type");
}

ir::Value* float_input(Lowering& lowering, int i) {
  return checked(lowering, i, ir::is_float, "a floating-point type");
}

ir::Value* integer_input(Lowering& lowering, int i) {
  return checked(lowering, i, ir::is_integer, "an integer type");
}

ir::Value* boolean_input(Lowering& lowering, int i) { return checked(lowering, i, is_boolean, "bool"); }

std::vector<ir::Dim> sizes_input(Lowering& lowering, int i, std::size_t count, const char* hint) {
  ir::Value* value = integer_input(lowering, i);
  const ir::Dim length = static_cast<int64_t>(count);
  if (value->rank() == 1 && !value->shape[0].is_constant()) value = lowering.b().view(value, {length});
  std::vector<ir::Dim> sizes = lowering.sizes(value, hint);
  if (sizes.size() != count)
    lowering.fail("input {} has {} elements, but {} are needed", i, sizes.size(), count);
  return sizes;
}

void expect_same_type(Lowering& lowering, const ir::Value* a, const ir::Value* b) {
  if (a->type != b->type) {
    lowering.fail("inputs must have one element type, but have {} and {}", ir::user_name(a->type),
                  ir::user_name(b->type));
  }
}

ir::Value* as_scalar(Lowering& lowering, ir::Value* value, const char* what) {
  if (value->rank() == 0) return value;
  if (ir::provably_different(ir::element_count(value->shape), 1)) {
    lowering.fail("{} must be a scalar, but has shape {}", what, ir::to_string(value->shape));
  }
  return lowering.b().view(value, {});
}

ir::Expr literal_from(const ir::Tensor& tensor) {
  const DType type = ir::compute_type(tensor.type());
  if (ir::is_opaque(type)) fail_model("a constant of {} cannot be computed with here", ir::user_name(type));
  if (type == DType::boolean) return ir::literal_bool(tensor.as_int(0) != 0);
  if (ir::is_float(type)) return ir::literal_float(type, tensor.as_double(0));
  return ir::literal_int(type, tensor.as_int(0));
}

ir::Expr literal_number(DType type, double number) {
  type = ir::compute_type(type);
  if (ir::is_float(type) || ir::is_opaque(type)) return ir::literal_of(type, number);
  constexpr double kLimit = 9.2e18;
  if (number >= kLimit) return ir::highest_of(type);
  if (number <= -kLimit) return ir::lowest_of(type);
  // The largest and least number of the type bound the literal, as they would a conversion while the model
  // runs.
  const int bits = 8 * ir::byte_size(type);
  const bool is_signed = ir::is_signed(type);
  const double least = is_signed ? -std::ldexp(1.0, bits - 1) : 0.0;
  const double largest = std::ldexp(1.0, is_signed ? bits - 1 : bits);
  if (number >= largest) return ir::highest_of(type);
  if (number <= least) return ir::lowest_of(type);
  return ir::literal_int(type, static_cast<int64_t>(number));
}

DType element_type(Lowering& lowering, int64_t code, const char* attribute) {
  std::optional<DType> type;
  if (code > 0 && code <= std::numeric_limits<int>::max()) type = ir::dtype_from_onnx(static_cast<int>(code));
  if (!type) lowering.fail("attribute '{}' is {}, which is no ONNX element type", attribute, code);
  return *type;
}

}  // namespace o2w::onnx_frontend
