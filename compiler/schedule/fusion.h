// Fusion: steps of the schedule that make fewer, larger operations out of a draft, so that intermediate
// tensors never reach memory. All of them keep every element's value to the bit; only the number of memory
// passes changes.
#pragma once

#include "compiler/schedule/draft.h"

namespace o2w::schedule {

// Makes numbers of the constants of one element that nests read.
void literal_scalars(Draft& draft);

// Puts the expression of an elementwise nest in the place of the reads of its result, where that does not
// repeat work: the consumers evaluate it at most once per element, or it merely moves elements.
void inline_elementwise(Draft& draft);

// Lets matrix products read operands, and store results, whose dimensions a nest only permutes.
void absorb_transposes(Draft& draft);

// Makes elementwise nests that follow a matrix product or convolution its epilogue: bias, activation,
// residual.
void fuse_epilogues(Draft& draft);

// Joins reductions and elementwise nests over the same rows (softmax, normalizations) into one nest of
// several stages, which works on one row at a time while it is in the cache.
void fuse_rows(Draft& draft);

}  // namespace o2w::schedule
