// The cost model: how long kernels take, from measured data (kernel_costs.inc).
#pragma once

#include "compiler/schedule/program.h"

namespace o2w::schedule {

// What a size that is not known is taken for when kernels are chosen: its upper bound or 64, whichever is
// less.
int64_t typical_size(const ir::Dim& dim);

// How often a kernel does what the cost model has a price for. Dynamic sizes count as typical ones.
struct KernelWork {
  double packed_steps = 0;     // of the inner loop, 4 rows x 8 columns, left side packed
  double direct_steps = 0;     // the same, left side not packed
  double column_steps = 0;     // the same, nor the right side, whose columns are contiguous
  double narrow_steps = 0;     // the same of 4 rows x 1 column, in kernels for few columns
  double tiles = 0;            // 4 x 8 results through the epilogue
  double packed_units = 0;     // 4 elements of the left side packed
  double right_units = 0;      // 8 elements of the right side packed
  double runs = 0;             // rows of a window packed
  double panels = 0;           // calls for 8 columns
  double winograd_inputs = 0;  // 4 channels of a tile transformed
  double winograd_outputs = 0;
  double winograd_filters = 0;  // taps of 8 columns of a channel transformed, once for each block of tiles
  double winograd_tiles = 0;
};

KernelWork work_of(const Conv2d& kernel);
KernelWork work_of(const Matmul& kernel);

// Nanoseconds on the machine that the data was measured on; of use to compare kernels.
double cost_of(const KernelWork& work);

}  // namespace o2w::schedule
