#include "runtime-lib/ngrams.h"
#include "runtime-lib/routines.h"

O2W_ROUTINE(count_ngrams) {
  using namespace o2w::runtime;
  const auto* tokens = at<const int64_t>(args[0].data);
  const auto* nodes = at<const o2w::NgramNode>(args[1].data);
  const auto* edges = at<const o2w::NgramEdge>(args[2].data);
  auto* y = at<float>(args[3].data);
  const auto rows = static_cast<uint32_t>(args[0].dims[0]);
  const auto row = static_cast<uint32_t>(args[0].dims[1]);
  const auto columns = static_cast<uint32_t>(args[3].dims[1]);
  __builtin_memset(y, 0, element_count(args[3]) * sizeof(float));
  for (uint64_t r = 0; r < rows; ++r) {
    o2w::count_ngrams(nodes, edges, tokens + r * row, row, ints[0], ints[1], ints[2], y + r * columns);
  }
  return o2w::abi::kSuccess;
}
