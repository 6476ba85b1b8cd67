// Conversions between numbers that are total: what the compiler folds and what a module computes must be the
// same bits.
#pragma once

#include <cstdint>

#include "compiler/ir/dtype.h"

namespace o2w::ir {

// Range of an integer type (boolean: 0..1, index: that of i64, u64: 0..INT64_MAX, as its upper half has no
// int64).
int64_t int_lowest(DType type);
int64_t int_highest(DType type);
// The low bits of `value`, sign- or zero-extended as the integer type says (u64 as bits, boolean as != 0).
int64_t wrap_int(DType type, int64_t value);
// Towards zero, saturating, NaN gives 0 (u64 as bits).
int64_t float_to_int(DType type, double value);
// `value` (u64 as bits) as the nearest number of the floating type, ties to even.
double int_to_float(DType from, int64_t value, DType to);
// Rounds to the floating type.
double round_to(DType type, double value);

}  // namespace o2w::ir
