#include "runtime-lib/routines.h"
#include "runtime-lib/text.h"
#include "runtime-lib/time_warping.h"

O2W_ROUTINE(time_warping) {
  using namespace o2w::runtime;
  const auto &costs = args[0], &path = args[1];
  const auto rows = static_cast<uint32_t>(costs.dims[0]), columns = static_cast<uint32_t>(costs.dims[1]);
  counts[0] = 0;
  if (rows == 0 || columns == 0) return o2w::abi::kSuccess;
  const Scratch sums((uint64_t{rows} + 1) * sizeof(float)), steps(uint64_t{rows} * columns);
  if (!sums || !steps) return o2w::abi::kTooLarge;
  // The points come from the end: first how many there are, then each to its place.
  const auto walk = [&](auto&& emit) {
    return o2w::time_warping::warp(at<const float>(costs.data), rows, columns, sums.data<float>(),
                                   steps.data<uint8_t>(), emit);
  };
  const uint32_t length = walk([](uint32_t, uint32_t, uint32_t) {});
  if (uint64_t{length} * 2 > element_count(path)) {
    ErrorText() << "the path has " << length << " points, more than the room for them";
    return o2w::abi::kRuntimeError;
  }
  auto* out = at<int32_t>(path.data);
  walk([&](uint32_t k, uint32_t row, uint32_t column) {
    out[length - 1 - k] = static_cast<int32_t>(row);
    out[2 * length - 1 - k] = static_cast<int32_t>(column);
  });
  counts[0] = length;
  return o2w::abi::kSuccess;
}
