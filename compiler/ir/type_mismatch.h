// An expression of element types that its operation does not have.
#pragma once

#include <fmt/core.h>

#include <utility>

#include "compiler/support/error.h"

namespace o2w::ir {

// Thrown where expressions are built. In a pass or in code generation it is a broken invariant like any
// other; while a node is lowered it is the model that gives the operator inputs of types it does not have,
// since lowerings take their types from the node's inputs and attributes. So the import reports it as an
// error of the model.
class TypeMismatch : public InternalError {
 public:
  using InternalError::InternalError;
};

template <typename... Args>
[[noreturn]] void fail_types(fmt::format_string<Args...> format, Args&&... args) {
  throw TypeMismatch(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace o2w::ir
