#include "runtime-lib/text.h"

#include "runtime-lib/platform.h"

namespace o2w::runtime {
namespace {

constexpr uint32_t kCapacity = 1000;
char buffer[kCapacity + 1];
uint32_t length;

}  // namespace

ErrorText::ErrorText() {
  length = 0;
  buffer[0] = 0;
}

ErrorText& ErrorText::operator<<(const char* text) {
  while (*text && length < kCapacity) buffer[length++] = *text++;
  // A character of UTF-8 is left out whole.
  if (*text) {
    while (length > 0 && (*text & 0xc0) == 0x80) {
      --text;
      --length;
    }
  }
  buffer[length] = 0;
  return *this;
}

ErrorText& ErrorText::operator<<(uint64_t number) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number);
  return *this << &digits[at];
}

ErrorText& ErrorText::operator<<(int64_t number) {
  if (number >= 0) return *this << static_cast<uint64_t>(number);
  return *this << "-" << (uint64_t{0} - static_cast<uint64_t>(number));
}

const char* last_error() { return buffer; }

void prefix_error(const char* prefix, const char* name) {
  static char before[kCapacity + 1];
  __builtin_memcpy(before, buffer, length + 1);
  ErrorText text;
  text << prefix;
  if (name) text << " \"" << name << "\"";
  text << ": " << static_cast<const char*>(before);
}

const char* dtype_name(uint32_t onnx_code) {
  static constexpr const char kNames[][11] = {
      "undefined",  "f32",    "u8",         "i8",  "u16", "i16",    "i32",    "i64",  "string",
      "bool",       "f16",    "f64",        "u32", "u64", "c64",    "c128",   "bf16", "f8e4m3fn",
      "f8e4m3fnuz", "f8e5m2", "f8e5m2fnuz", "u4",  "i4",  "f4e2m1", "f8e8m0", "u2",   "i2"};
  return onnx_code < sizeof kNames / sizeof kNames[0] ? kNames[onnx_code] : "unknown";
}

}  // namespace o2w::runtime

O2W_EXPORT const char* o2w_last_error() { return o2w::runtime::last_error(); }

O2W_EXPORT int32_t o2w_fail_text(int32_t error, uint32_t text) {
  o2w::runtime::ErrorText() << o2w::runtime::at<const char>(text);
  return error;
}

// Says where the failure was that has left its text.
O2W_EXPORT int32_t o2w_fail_in(int32_t error, uint32_t number) {
  if (number < o2w_model.error_count) {
    o2w::runtime::prefix_error(
        o2w::runtime::at<const char>(o2w::runtime::at<const uint32_t>(o2w_model.errors)[number]));
  }
  return error;
}

O2W_EXPORT int32_t o2w_fail(int32_t error, uint32_t number) {
  if (number >= o2w_model.error_count) {
    o2w::runtime::ErrorText() << "run-time error " << number;
    return error;
  }
  return o2w_fail_text(error, o2w::runtime::at<const uint32_t>(o2w_model.errors)[number]);
}
