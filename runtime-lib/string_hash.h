// The hash of strings in tables that the compiler lays out and the runtime library looks things up in. Linear
// probing: an entry is in the first free slot from `hash modulo slots` on.
#pragma once

#include <stdint.h>

namespace o2w {

// FNV-1a, with a last step that spreads its high bits.
inline uint32_t string_hash(const char* bytes, uint64_t length) {
  uint32_t hash = 0x811c9dc5;
  for (uint64_t i = 0; i < length; ++i) hash = (hash ^ static_cast<unsigned char>(bytes[i])) * 0x01000193;
  return hash ^ (hash >> 15);
}

// Slots for `count` entries: a power of two, at most half full.
inline uint32_t slots_for(uint32_t count) {
  uint32_t slots = 4;
  while (slots < 2 * uint64_t{count}) slots *= 2;
  return slots;
}

}  // namespace o2w
