// Sizes at run time: code of model_abi.h's stack machine over the symbol table, in saturating arithmetic.
#pragma once

#include <stdint.h>

#include "runtime-lib/model_abi.h"

namespace o2w::runtime {

int64_t add_saturating(int64_t a, int64_t b);
int64_t multiply_saturating(int64_t a, int64_t b);
int64_t evaluate(const uint8_t* code, const int64_t* symbols);
// The number at `place` (LEB128), which moves behind it.
uint64_t read_number(const uint8_t*& place);
// The same of one whose lowest bit is its sign.
int64_t read_signed_number(const uint8_t*& place);
int64_t evaluate(const abi::DimSpec& dim, const int64_t* symbols);

}  // namespace o2w::runtime
