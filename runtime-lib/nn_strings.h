// String tensors through wasi-nn, which has no strings: as tensors of bytes (u8), per element its length
// (u32, little-endian, not aligned) and its bytes. A context owns what it was given and what it computed: one
// block of memory per port, abi::String[] and behind it the bytes that those point at.
#pragma once

#include <stdint.h>

#include "runtime-lib/platform.h"

namespace o2w::runtime {

struct Context;

enum class NnStringAction : uint32_t {
  kSetInput,   // from `address`, `bytes` of them
  kKeep,       // makes the outputs of a run the context's own
  kMeasure,    // `bytes` becomes the size of an output
  kGetOutput,  // to `address`
};
struct NnStrings {
  NnStringAction action;
  uint32_t port;
  uint32_t address;
  uint64_t bytes;
};

}  // namespace o2w::runtime

// What the code generator makes of this is a call of o2w_nn_strings_at_work, or nothing in a module without
// strings, which therefore does not hold that code. An errno.
O2W_HOOK(o2w_nn_strings)
int32_t o2w_nn_strings(o2w::runtime::Context* context, o2w::runtime::NnStrings* request);
