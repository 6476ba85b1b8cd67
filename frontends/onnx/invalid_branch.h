// A branch of an If that cannot be lowered. Exporters leave branches behind that are never taken for the
// shapes at hand and are not even valid for them; so If may do without one. Caught by nobody, it is reported
// like other problems.
#pragma once

#include <utility>

#include "compiler/support/diagnostics.h"
#include "compiler/support/error.h"

namespace o2w::onnx_frontend {

class InvalidBranch : public ModelError {
 public:
  explicit InvalidBranch(Diagnostics found)
      : ModelError("a branch is not valid"), problems(std::move(found)) {}
  Diagnostics problems;
};

}  // namespace o2w::onnx_frontend
