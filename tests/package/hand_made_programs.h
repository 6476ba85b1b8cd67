// Small programs as the schedule would make them.
#pragma once

#include "compiler/schedule/program.h"

namespace o2w::package_test {

// x f32[2,4] -> y f32[2,4] = sigmoid(x) * w + 1 with w f32[4] in the weights, by way of an arena buffer.
schedule::Program static_program();

// x f32[n,4], n in 1..100000 -> y f32[n,4] = x * w; sum i64[4] of k i64[n,4] over n. The model fails when the
// inputs' n differ.
schedule::Program dynamic_program();

// x f32[n] -> values f32[k], indices i64[k]: the k = min(n, 3) largest; u8, bool and f16 [n]: x in these
// types.
schedule::Program sort_program();

}  // namespace o2w::package_test
