#include "compiler/schedule/arena_need.h"

#include <algorithm>

#include "compiler/schedule/search_plan.h"

namespace o2w::schedule {

std::optional<ArenaNeed> arena_need(const Program& program, const std::map<std::string, int64_t>& sizes) {
  std::vector<MemoryInterval> intervals;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.storage != Storage::arena) continue;
    const std::optional<int64_t> bytes = buffer.bytes.evaluate(sizes);
    if (!bytes) return std::nullopt;
    intervals.push_back({buffer.first_use, buffer.last_use, std::max<int64_t>(*bytes, 0)});
  }
  std::vector<long long> offsets(intervals.size());
  std::vector<int> scratch(2 * intervals.size());
  const auto count = static_cast<int>(intervals.size());
  return ArenaNeed{plan_memory(intervals.data(), count, offsets.data(), scratch.data()),
                   live_at_worst(intervals)};
}

}  // namespace o2w::schedule
