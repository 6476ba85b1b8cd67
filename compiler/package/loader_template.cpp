#include "compiler/package/loader_template.h"

#include <algorithm>
#include <vector>

#include "compiler/support/error.h"

namespace o2w::package {

namespace {

constexpr std::string_view kMark = "//: ", kKept = "//!";

std::string_view trimmed(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
}

}  // namespace

std::string text_for(std::string_view text, const std::set<std::string>& features) {
  const auto wanted = [&](std::string_view name) { return features.contains(std::string(name)); };
  std::string result;
  std::vector<bool> open;  // parts begun and not ended: whether their lines stay
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (line.starts_with(kMark)) {
      const std::string_view mark = line.substr(kMark.size());
      if (mark == "}") {
        ensure(!open.empty(), "a part of the loader's text ends that did not begin");
        open.pop_back();
      } else {
        ensure(mark.ends_with(" {"), "a mark in the loader's text that is none");
        open.push_back((open.empty() || open.back()) && wanted(mark.substr(0, mark.size() - 2)));
      }
      continue;
    }
    if (!open.empty() && !open.back()) continue;
    if (const std::size_t mark = line.rfind(kMark); mark != std::string_view::npos) {
      if (!wanted(line.substr(mark + kMark.size()))) continue;
      line = trimmed(line.substr(0, mark));
    }
    if (line.empty() || (line.starts_with("//") && !line.starts_with(kKept))) continue;
    if (line.starts_with(kKept)) {
      result.append("//").append(line.substr(kKept.size()));
    } else {
      result.append(line);
    }
    result += '\n';
  }
  ensure(open.empty(), "a part of the loader's text does not end");
  return result;
}

}  // namespace o2w::package
