#include "compiler/schedule/search_plan.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <random>

namespace o2w::schedule {
namespace {

// Pairs of buffers that the search looks at, at most: a few tenths of a second.
constexpr int64_t kMostPairs = 100'000'000;

class Search {
 public:
  explicit Search(const std::vector<MemoryInterval>& intervals)
      : intervals_(intervals), placed_(intervals.size()), offsets_(intervals.size()) {
    best_.lower_bound = live_at_worst(intervals);
  }

  ArenaPlan run() {
    try_orders();
    improve();
    return best_;
  }

 private:
  using Order = std::vector<int>;
  using Precedes = std::function<bool(const MemoryInterval&, const MemoryInterval&)>;

  bool is_done() const { return best_.bytes == best_.lower_bound || pairs_ > kMostPairs; }

  // True when it is no worse than the best so far.
  bool try_order(const Order& order) {
    const auto count = static_cast<int>(order.size());
    pairs_ += int64_t{count} * count / 2 + 1;
    const int64_t bytes =
        place_in_order(intervals_.data(), count, order.data(), offsets_.data(), placed_.data());
    if (!best_.offsets.empty() && bytes > best_.bytes) return false;
    best_.bytes = bytes;
    best_.offsets.assign(offsets_.begin(), offsets_.end());
    order_ = order;
    return true;
  }

  void try_orders() {
    const auto life = [](const MemoryInterval& interval) {
      return static_cast<double>(interval.last - interval.first + 1);
    };
    const auto size = [](const MemoryInterval& interval) { return static_cast<double>(interval.bytes); };
    const std::vector<Precedes> precedences = {
        [&](const auto& a, const auto& b) { return a.bytes > b.bytes; },
        [&](const auto& a, const auto& b) {
          return a.bytes != b.bytes ? a.bytes > b.bytes : life(a) > life(b);
        },
        [&](const auto& a, const auto& b) { return size(a) * life(a) > size(b) * life(b); },
        [&](const auto& a, const auto& b) { return life(a) > life(b); },
        [&](const auto& a, const auto& b) { return a.first < b.first; },
        [&](const auto& a, const auto& b) { return a.last > b.last; },
    };
    for (const Precedes& precedes : precedences) {
      Order order(intervals_.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        return precedes(intervals_[static_cast<std::size_t>(a)], intervals_[static_cast<std::size_t>(b)]);
      });
      try_order(order);
      if (is_done()) return;
    }
  }

  // Moves a buffer that reaches the end of the arena to an earlier place in the order, again and again; keeps
  // what is no worse, so that it can leave plateaus.
  void improve() {
    std::mt19937 random(1);  // the same plan on every run
    while (!is_done()) {
      std::vector<std::size_t> at_top;  // places in the order
      for (std::size_t n = 0; n < order_.size(); ++n) {
        const auto k = static_cast<std::size_t>(order_[n]);
        if (best_.offsets[k] + memory_plan_align(intervals_[k].bytes) == best_.bytes && n > 0)
          at_top.push_back(n);
      }
      Order order = order_;
      std::size_t from = random() % order.size();
      if (!at_top.empty() && random() % 4 != 0) from = at_top[random() % at_top.size()];
      const std::size_t to = random() % (from + 1);
      std::rotate(order.begin() + static_cast<std::ptrdiff_t>(to),
                  order.begin() + static_cast<std::ptrdiff_t>(from),
                  order.begin() + static_cast<std::ptrdiff_t>(from) + 1);
      try_order(order);
    }
  }

  const std::vector<MemoryInterval>& intervals_;
  std::vector<int> placed_;
  std::vector<long long> offsets_;
  Order order_;  // of the best plan
  ArenaPlan best_;
  int64_t pairs_ = 0;
};

}  // namespace

int64_t live_at_worst(const std::vector<MemoryInterval>& intervals) {
  std::map<int, int64_t> change;  // of the live bytes, by step
  for (const MemoryInterval& interval : intervals) {
    change[interval.first] += memory_plan_align(interval.bytes);
    change[interval.last + 1] -= memory_plan_align(interval.bytes);
  }
  int64_t live = 0, most = 0;
  for (const auto& [step, bytes] : change) {
    live += bytes;
    most = std::max(most, live);
  }
  return most;
}

ArenaPlan search_plan(const std::vector<MemoryInterval>& intervals) {
  if (intervals.empty()) return {};
  return Search(intervals).run();
}

}  // namespace o2w::schedule
