// Sizes at run time: code of model_abi.h's stack machine over the symbol table, in saturating arithmetic.
#pragma once

#include <stdint.h>

#include "runtime-lib/model_abi.h"

namespace o2w::runtime {

int64_t add_saturating(int64_t a, int64_t b);
int64_t multiply_saturating(int64_t a, int64_t b);
int64_t evaluate(const abi::DimInstruction* code, const int64_t* symbols);
int64_t evaluate(const abi::DimSpec& dim, const int64_t* symbols);

}  // namespace o2w::runtime
