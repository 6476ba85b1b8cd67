// A stand-in for linear memory below 4 GiB, and the model that the interface tests run: `o2w_model` and the
// two hooks are those of one model for the whole process, as in a module.
#pragma once

#include <cstdint>
#include <string>

namespace o2w::runtime_test {

// Memory from kBase on; growing fails beyond the limit.
inline constexpr uint64_t kBase = 0x10000000;
inline constexpr uint64_t kMaxBytes = uint64_t{96} << 20;

// Maps memory and lays out the model, once. Inputs: x f32[n,3] with n in 1..1000000, k i64[] . Outputs:
// doubled f32[n,3] = 2 x + k; positive f32[m], the elements of x above 0; constant i64[2] = {7, 9}; again,
// the same buffer as doubled. The run fails with the model's message when k is negative, after it has
// allocated.
void install_model();

// How often the model was prepared for new shapes.
int prepare_count();

std::string last_error();

}  // namespace o2w::runtime_test
