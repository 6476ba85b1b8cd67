// Operators that are known and deliberately not in the table: why, and what the user can do about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace o2w::onnx_frontend {

struct KnownGap {
  std::string message;  // what stands in the way
  std::string hint;     // what to do
};
std::optional<KnownGap> known_gap(std::string_view domain, std::string_view name);

}  // namespace o2w::onnx_frontend
