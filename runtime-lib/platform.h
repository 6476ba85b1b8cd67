// What differs between wasm and the tests' native build of the same sources: exports, addresses and the
// memory instructions.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runtime-lib/model_abi.h"

// A function that the packager or generated code refers to by its name. Everything not referred to is
// stripped from finished modules.
#define O2W_EXPORT extern "C" __attribute__((visibility("default"), used))

// A function that the code generator makes.
#ifdef __wasm__
#define O2W_HOOK(name) extern "C" __attribute__((import_module("o2w"), import_name(#name)))
#else
#define O2W_HOOK(name) extern "C"
#endif

namespace o2w::runtime {

// Linear memory is the address space itself; native tests put theirs below 4 GiB.
template <typename T>
inline T* at(uint32_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}
inline uint32_t address_of(const void* pointer) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pointer));
}

inline constexpr uint64_t kPageBytes = 65536;

#ifdef __wasm__
inline uint64_t memory_bytes() { return uint64_t{__builtin_wasm_memory_size(0)} * kPageBytes; }
// Returns the old size in bytes, or -1.
inline int64_t grow_memory(uint64_t pages) {
  const size_t before = __builtin_wasm_memory_grow(0, static_cast<size_t>(pages));
  return before == SIZE_MAX ? -1 : static_cast<int64_t>(before * kPageBytes);
}
#else
uint64_t memory_bytes();
int64_t grow_memory(uint64_t pages);
#endif

// True when a host may let us read or write these bytes. An empty range is always fine.
inline bool in_memory(uint32_t address, uint64_t bytes) {
  return bytes == 0 || (address >= abi::kFirstAddress && address + bytes <= memory_bytes());
}

// Host structs need not be aligned.
template <typename T>
inline T load_unaligned(uint32_t address) {
  T value;
  __builtin_memcpy(&value, at<const char>(address), sizeof value);
  return value;
}
template <typename T>
inline void store_unaligned(uint32_t address, const T& value) {
  __builtin_memcpy(at<char>(address), &value, sizeof value);
}

}  // namespace o2w::runtime

// Filled in by the packager through a data segment.
extern "C" __attribute__((visibility("default"))) o2w::abi::ModelDescriptor o2w_model;
