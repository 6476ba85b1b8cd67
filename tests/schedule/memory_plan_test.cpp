// The memory plan against the definition: buffers that live at the same time do not overlap.
#include "runtime-lib/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace o2w {
namespace {

struct Plan {
  long long total;
  std::vector<long long> offsets;
};

Plan plan(const std::vector<MemoryInterval>& intervals) {
  Plan result{0, std::vector<long long>(intervals.size(), -1)};
  std::vector<int> scratch(2 * intervals.size());
  result.total = plan_memory(intervals.data(), static_cast<int>(intervals.size()), result.offsets.data(),
                             scratch.data());
  return result;
}

// Bytes that live at the worst step.
long long lower_bound(const std::vector<MemoryInterval>& intervals) {
  long long most = 0;
  for (const MemoryInterval& at : intervals) {
    long long live = 0;
    for (const MemoryInterval& other : intervals) {
      if (other.first <= at.first && at.first <= other.last) live += memory_plan_align(other.bytes);
    }
    most = std::max(most, live);
  }
  return most;
}

void expect_valid(const std::vector<MemoryInterval>& intervals, const Plan& plan) {
  long long end = 0;
  for (std::size_t a = 0; a < intervals.size(); ++a) {
    EXPECT_GE(plan.offsets[a], 0);
    EXPECT_EQ(plan.offsets[a] % memory_plan_alignment, 0);
    end = std::max(end, plan.offsets[a] + memory_plan_align(intervals[a].bytes));
    for (std::size_t b = 0; b < a; ++b) {
      const bool together =
          intervals[a].first <= intervals[b].last && intervals[b].first <= intervals[a].last;
      const bool overlap = plan.offsets[a] < plan.offsets[b] + intervals[b].bytes &&
                           plan.offsets[b] < plan.offsets[a] + intervals[a].bytes;
      EXPECT_FALSE(together && overlap) << a << " and " << b;
    }
  }
  EXPECT_EQ(plan.total, end);
  EXPECT_GE(plan.total, lower_bound(intervals));
}

TEST(MemoryPlan, NothingNeedsNothing) { EXPECT_EQ(plan({}).total, 0); }

TEST(MemoryPlan, ChainsTakeTurns) {
  const std::vector<MemoryInterval> chain = {{0, 1, 1000}, {1, 2, 1000}, {2, 3, 1000}, {3, 4, 1000}};
  const Plan result = plan(chain);
  expect_valid(chain, result);
  EXPECT_EQ(result.total, 2048);
}

TEST(MemoryPlan, SmallBuffersFillGaps) {
  // While the long one lives behind the first, later ones fit where that one was.
  const std::vector<MemoryInterval> intervals = {{0, 0, 640}, {0, 5, 320}, {2, 3, 320}, {2, 4, 256}};
  const Plan result = plan(intervals);
  expect_valid(intervals, result);
  EXPECT_EQ(result.total, lower_bound(intervals));
}

TEST(MemoryPlan, EmptyBuffersTakeNoRoom) {
  const std::vector<MemoryInterval> intervals = {{0, 9, 0}, {0, 9, 1}, {0, 9, 0}};
  const Plan result = plan(intervals);
  expect_valid(intervals, result);
  EXPECT_EQ(result.total, memory_plan_alignment);
}

TEST(MemoryPlan, RandomLifetimesNeverOverlap) {
  std::mt19937 random(7);
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  for (int round = 0; round < 300; ++round) {
    std::vector<MemoryInterval> intervals(static_cast<std::size_t>(below(60)));
    const int longest = 1 + below(30);
    for (MemoryInterval& interval : intervals) {
      interval.first = below(40);
      interval.last = interval.first + below(longest);
      interval.bytes = below(4) == 0 ? below(200) : below(100000);
    }
    expect_valid(intervals, plan(intervals));
  }
}

// Greedy by size need not reach the lower bound; on residual networks it comes close.
TEST(MemoryPlan, BlocksWithResidualsComeCloseToTheBound) {
  std::vector<MemoryInterval> intervals;
  for (int block = 0; block < 20; ++block) {
    const long long bytes = 100000 >> (block / 5);
    intervals.push_back({3 * block, 3 * block + 3, bytes});
    intervals.push_back({3 * block + 1, 3 * block + 2, 4 * bytes});
    intervals.push_back({3 * block + 2, 3 * block + 3, bytes});
  }
  const Plan result = plan(intervals);
  expect_valid(intervals, result);
  EXPECT_LE(result.total, lower_bound(intervals) * 6 / 5);
}

}  // namespace
}  // namespace o2w
