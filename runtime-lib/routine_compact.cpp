#include "runtime-lib/routines.h"
#include "runtime-lib/text.h"

O2W_ROUTINE(compact) {
  using namespace o2w::runtime;
  const auto& mask = args[0];
  const auto& positions = args[1];
  const uint64_t elements = element_count(mask);
  uint64_t found = 0;
  for (uint64_t i = 0; i < elements; ++i) found += load_element(mask, i) != 0;
  counts[0] = static_cast<int64_t>(found);
  const auto rank = static_cast<uint32_t>(mask.rank);
  if (rank == 0 || found == 0) return o2w::abi::kSuccess;
  if (found * rank > element_count(positions)) {
    ErrorText() << "there are " << found << " non-zero elements, more than the room for them";
    return o2w::abi::kRuntimeError;
  }
  auto* out = at<int64_t>(positions.data);
  uint64_t column = 0;
  for (uint64_t i = 0; i < elements; ++i) {
    if (load_element(mask, i) == 0) continue;
    uint64_t rest = i;
    for (uint32_t d = rank; d-- > 0;) {
      const auto size = static_cast<uint32_t>(mask.dims[d]);
      out[d * found + column] = static_cast<int64_t>(rest % size);
      rest /= size;
    }
    ++column;
  }
  return o2w::abi::kSuccess;
}
