#include "runtime-lib/text.h"

#include "runtime-lib/platform.h"

namespace o2w::runtime {
namespace {

constexpr uint32_t kCapacity = 1000;
char buffer[kCapacity + 1];
uint32_t length;

// What is too long for an error's text ends in the middle of a character, which that leaves out.
struct MessageText {
  static constexpr uint32_t kRoom = kCapacity + 1;
  char bytes[kRoom + 1];
  uint32_t length;
};
MessageText message_text;

// The byte or, from kFirstPhrase on, the phrase at `place`, which moves behind it.
constexpr uint32_t kFirstPhrase = 256;
uint32_t read_symbol(const uint8_t*& place) {
  const uint32_t first = *place++;
  if (first >= abi::kFirstShortPhrase) return first - abi::kFirstShortPhrase + kFirstPhrase;
  if (first == 0 || first >= abi::kFirstPlainByte) return first;
  const uint32_t second = *place++;
  if (first == abi::kAnyByte) return second;
  return kFirstPhrase + abi::kShortPhrases + (first - abi::kFirstLongPhrase) * 256 + second;
}

// Appends a text of the messages and phrases.
void write_out(uint32_t number) {
  const auto* place = at<const uint8_t>(o2w_model.errors);
  while (number) number -= read_symbol(place) == 0;
  while (const uint32_t symbol = read_symbol(place)) {
    if (symbol >= kFirstPhrase) {
      write_out(symbol - kFirstPhrase);
    } else if (message_text.length < MessageText::kRoom) {
      message_text.bytes[message_text.length++] = static_cast<char>(symbol);
    }
  }
}

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

const char* message(uint32_t number) {
  if (number >= o2w_model.error_count) return nullptr;
  message_text.length = 0;
  write_out(o2w_model.phrase_count + number);
  message_text.bytes[message_text.length] = 0;
  return message_text.bytes;
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

// Says where the failure was that has left its text.
O2W_EXPORT int32_t o2w_fail_in(int32_t error, uint32_t number) {
  if (const char* where = o2w::runtime::message(number)) o2w::runtime::prefix_error(where);
  return error;
}

O2W_EXPORT int32_t o2w_fail(int32_t error, uint32_t number) {
  o2w::runtime::ErrorText text;
  if (const char* what = o2w::runtime::message(number)) {
    text << what;
  } else {
    text << "run-time error " << number;
  }
  return error;
}
