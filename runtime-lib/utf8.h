// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <stdint.h>

namespace o2w {

// The code point at `at`, which moves behind it; -1, without moving, where the bytes are not UTF-8.
inline int32_t decode_utf8(const char*& at, const char* end) {
  const auto byte = [&](int i) { return static_cast<uint8_t>(at[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const int length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || end - at < length) return -1;
  int32_t code = first & (0x7f >> length);
  for (int i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return -1;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr int32_t kLeast[] = {0x80, 0x800, 0x10000};
  if (code < kLeast[length - 2] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return -1;
  at += length;
  return code;
}

// Writes at most 4 bytes; returns how many.
inline int encode_utf8(int32_t code, char* out) {
  const auto put = [&](int i, int32_t bits) { out[i] = static_cast<char>(bits); };
  if (code < 0x80) {
    put(0, code);
    return 1;
  }
  const int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; --i, code >>= 6) put(i, 0x80 | (code & 0x3f));
  put(0, (0xf00 >> length & 0xf0) | code);
  return length;
}

}  // namespace o2w
