#include "compiler/ir/dtype.h"

#include <array>
#include <string>

#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

struct Row {
  DType type;
  std::string_view name;
  std::string_view user_name;
  int bytes;
  int onnx;  // TensorProto.DataType, 0 where ONNX has none
};

// In the order of the enum. Codes: onnx.proto, TensorProto.DataType, IR version 12.
constexpr std::array kRows = {
    Row{DType::f32, "f32", "float32", 4, 1},
    Row{DType::f64, "f64", "float64", 8, 11},
    Row{DType::f16, "f16", "float16", 2, 10},
    Row{DType::bf16, "bf16", "bfloat16", 2, 16},
    Row{DType::i8, "i8", "int8", 1, 3},
    Row{DType::i16, "i16", "int16", 2, 5},
    Row{DType::i32, "i32", "int32", 4, 6},
    Row{DType::i64, "i64", "int64", 8, 7},
    Row{DType::u8, "u8", "uint8", 1, 2},
    Row{DType::u16, "u16", "uint16", 2, 4},
    Row{DType::u32, "u32", "uint32", 4, 12},
    Row{DType::u64, "u64", "uint64", 8, 13},
    Row{DType::boolean, "bool", "bool", 1, 9},
    Row{DType::f8e4m3fn, "f8e4m3fn", "float8e4m3fn", 1, 17},
    Row{DType::f8e4m3fnuz, "f8e4m3fnuz", "float8e4m3fnuz", 1, 18},
    Row{DType::f8e5m2, "f8e5m2", "float8e5m2", 1, 19},
    Row{DType::f8e5m2fnuz, "f8e5m2fnuz", "float8e5m2fnuz", 1, 20},
    Row{DType::f8e8m0, "f8e8m0", "float8e8m0", 1, 24},
    Row{DType::f4e2m1, "f4e2m1", "float4e2m1", 1, 23},
    Row{DType::i4, "i4", "int4", 1, 22},
    Row{DType::u4, "u4", "uint4", 1, 21},
    Row{DType::i2, "i2", "int2", 1, 26},
    Row{DType::u2, "u2", "uint2", 1, 25},
    Row{DType::c64, "c64", "complex64", 8, 14},
    Row{DType::c128, "c128", "complex128", 16, 15},
    Row{DType::string, "string", "string", 8, 8},
    Row{DType::list, "list", "list", 4, 0},
    Row{DType::index, "index", "index", 0, 0},
};

const Row& row(DType type) {
  const Row& found = kRows.at(static_cast<std::size_t>(type));
  ensure(found.type == type, "the element type table is out of order");
  return found;
}

}  // namespace

int byte_size(DType type) { return row(type).bytes; }
std::string_view name(DType type) { return row(type).name; }
std::string_view user_name(DType type) { return row(type).user_name; }
int onnx_code(DType type) { return row(type).onnx; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& candidate : kRows) {
    if (candidate.name == name) return candidate.type;
  }
  return std::nullopt;
}

std::optional<DType> dtype_from_onnx(int code) {
  if (code == 0) return std::nullopt;
  for (const Row& candidate : kRows) {
    if (candidate.onnx == code) return candidate.type;
  }
  return std::nullopt;
}

bool is_float(DType type) {
  switch (type) {
    case DType::f32:
    case DType::f64:
    case DType::f16:
    case DType::bf16:
    case DType::f8e4m3fn:
    case DType::f8e4m3fnuz:
    case DType::f8e5m2:
    case DType::f8e5m2fnuz:
    case DType::f8e8m0:
    case DType::f4e2m1:
      return true;
    default:
      return false;
  }
}

bool is_opaque(DType type) { return type == DType::string || type == DType::c64 || type == DType::c128; }

bool is_integer(DType type) {
  switch (type) {
    case DType::i8:
    case DType::i16:
    case DType::i32:
    case DType::i64:
    case DType::u8:
    case DType::u16:
    case DType::u32:
    case DType::u64:
    case DType::i4:
    case DType::u4:
    case DType::i2:
    case DType::u2:
      return true;
    default:
      return false;
  }
}

bool is_signed(DType type) {
  switch (type) {
    case DType::i8:
    case DType::i16:
    case DType::i32:
    case DType::i64:
    case DType::i4:
    case DType::i2:
    case DType::index:
      return true;
    default:
      return is_float(type) && type != DType::f8e8m0;
  }
}

bool is_storage_only(DType type) { return compute_type(type) != type; }

DType compute_type(DType type) {
  switch (type) {
    case DType::i4:
    case DType::i2:
      return DType::i8;
    case DType::u4:
    case DType::u2:
      return DType::u8;
    case DType::f64:
      return DType::f64;
    default:
      return is_float(type) ? DType::f32 : type;
  }
}

}  // namespace o2w::ir
