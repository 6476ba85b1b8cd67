#include "frontends/onnx/ops/text/regex/characters.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "frontends/onnx/ops/text/letter_case_ranges.h"

namespace o2w::onnx_frontend::regex {
namespace {

constexpr int32_t kLargest = 0x10ffff;

struct NamedRanges {
  const char* name;
  Ranges ranges;
};

std::map<std::string, Ranges> all_classes() {
  static const NamedRanges categories[] = {
#include "frontends/onnx/ops/text/regex/unicode_categories.inc"
  };
  static const NamedRanges scripts[] = {
#include "frontends/onnx/ops/text/regex/unicode_scripts.inc"
  };
  std::map<std::string, Ranges> classes;
  for (const NamedRanges& named : categories) classes[named.name] = named.ranges;
  for (const NamedRanges& named : scripts) classes[named.name] = named.ranges;
  classes["Any"] = {{0, kLargest}};
  return classes;
}

// For every letter that has a case, all letters that differ from it in case alone.
using Orbits = std::map<int32_t, std::vector<int32_t>>;

template <std::size_t count>
void join_pairs(const CaseRange (&ranges)[count], std::map<int32_t, int32_t>& parents) {
  const auto root = [&](int32_t code) {
    while (parents.contains(code) && parents.at(code) != code) code = parents.at(code);
    return code;
  };
  for (const CaseRange& range : ranges) {
    for (int32_t code = range.first; code <= range.last; code += range.step) {
      // The Turkish letters i with and without dot are no cases of each other, nor of i.
      if (code == 0x130 || code == 0x131) continue;
      const int32_t a = root(code), b = root(code + range.delta);
      parents[a] = std::min(a, b);
      parents[b] = std::min(a, b);
      parents.emplace(code, a);
    }
  }
}

const Orbits& orbits() {
  static const Orbits all = [] {
    std::map<int32_t, int32_t> parents;
    join_pairs(kToLower, parents);
    join_pairs(kToUpper, parents);
    std::map<int32_t, std::vector<int32_t>> by_root;
    for (const auto& [code, parent] : parents) {
      int32_t root = code;
      while (parents.at(root) != root) root = parents.at(root);
      by_root[root].push_back(code);
    }
    Orbits result;
    for (const auto& [root, members] : by_root) {
      for (const int32_t code : members) result[code] = members;
    }
    return result;
  }();
  return all;
}

}  // namespace

Ranges normalised(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges result;
  for (const Range& range : ranges) {
    if (!result.empty() && range.first <= result.back().last + 1) {
      result.back().last = std::max(result.back().last, range.last);
    } else {
      result.push_back(range);
    }
  }
  return result;
}

Ranges inverted(const Ranges& ranges) {
  Ranges result;
  int32_t next = 0;
  for (const Range& range : ranges) {
    if (range.first > next) result.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLargest) result.push_back({next, kLargest});
  return result;
}

Ranges with_both_cases(const Ranges& ranges) {
  Ranges result = ranges;
  for (const Range& range : ranges) {
    for (auto it = orbits().lower_bound(range.first); it != orbits().end() && it->first <= range.last; ++it) {
      for (const int32_t code : it->second) result.push_back({code, code});
    }
  }
  return normalised(std::move(result));
}

const Ranges* unicode_class(const std::string& name) {
  static const std::map<std::string, Ranges> classes = all_classes();
  const auto found = classes.find(name);
  return found == classes.end() ? nullptr : &found->second;
}

}  // namespace o2w::onnx_frontend::regex
