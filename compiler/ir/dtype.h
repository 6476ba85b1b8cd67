// Element types of tensors and of scalar expressions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace o2w::ir {

enum class DType : uint8_t {
  f32,
  f64,
  f16,
  bf16,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  boolean,  // one byte, 0 or 1
  f8e4m3fn,
  f8e4m3fnuz,
  f8e5m2,
  f8e5m2fnuz,
  f8e8m0,
  f4e2m1,
  i4,
  u4,
  i2,
  u2,  // one byte per element in memory; packed only in .onnx files and at the module's face
  c64,
  c128,    // interleaved (re, im)
  string,  // a handle (string_pool.h) of 8 bytes: equal strings have equal handles
  list,    // a scalar that names a list of tensors or lists: see list_type.h
  index,   // expressions only: a position or size; 32 bits in wasm, 64 in the evaluator
};

// Bytes per element in memory (index has none: 0).
int byte_size(DType type);
// "f32", "bool", ...: the spelling of the IR's text form.
std::string_view name(DType type);
std::optional<DType> dtype_from_name(std::string_view name);
// ONNX TensorProto.DataType codes (onnx.proto, IR version 12).
std::optional<DType> dtype_from_onnx(int code);
int onnx_code(DType type);
// "float32", "int64", ...: for people.
std::string_view user_name(DType type);

bool is_float(DType type);    // any floating type, narrow ones included
bool is_integer(DType type);  // any integer type; boolean and index are not
bool is_signed(DType type);   // signed integers and floats
// Narrow types only stored, never computed in: reading one gives its compute type, storing rounds to it.
bool is_storage_only(DType type);
// Types that expressions can read, choose between and pass on, but not compute with: strings (which can also
// be compared for equality) and complex numbers.
bool is_opaque(DType type);
// The type arithmetic happens in: f16, bf16, f8*, f4 -> f32; i4, i2 -> i8; u4, u2 -> u8; itself otherwise.
DType compute_type(DType type);

}  // namespace o2w::ir
