// The two kinds of failure, kept apart: a ModelError is the user's to mend (the model, its inputs, its
// files), an InternalError is ours. Nothing but main() turns either into an exit code.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace o2w {

// Something the user can act on. The message names the node or tensor and says what to do.
class ModelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A broken invariant of the compiler itself (exit code 70).
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

template <typename... Args>
[[noreturn]] void fail_model(fmt::format_string<Args...> format, Args&&... args) {
  throw ModelError(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void fail_internal(fmt::format_string<Args...> format, Args&&... args) {
  throw InternalError(fmt::format(format, std::forward<Args>(args)...));
}

// Checks an invariant of the compiler; a user's input must never be able to reach a failing one.
inline void ensure(bool condition, const char* what) {
  if (!condition) throw InternalError(what);
}

}  // namespace o2w
