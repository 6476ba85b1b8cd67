// Looking keys up: a hash table that the compiler lays out and the module searches. Slots hold the number of
// a key, or -1; linear probing as in string_hash.h. Shared by the runtime library and the compiler.
#pragma once

#include <stdint.h>

#include "runtime-lib/string_hash.h"

namespace o2w {

// Numbers and bits of 8 bytes.
inline uint32_t key_hash(uint64_t key) {
  return string_hash(reinterpret_cast<const char*>(&key), sizeof key);
}

// The number of the key for which `is_key(number)` holds among those with this hash; -1 if there is none.
template <typename IsKey>
int64_t find_key(const int32_t* slots, uint32_t slot_count, uint32_t hash, IsKey&& is_key) {
  for (uint32_t slot = hash & (slot_count - 1);; slot = (slot + 1) & (slot_count - 1)) {
    if (slots[slot] < 0 || is_key(slots[slot])) return slots[slot];
  }
}

}  // namespace o2w
