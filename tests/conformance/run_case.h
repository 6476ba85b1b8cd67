// One conformance case in one mode.
#pragma once

#include <string>

#include "tests/conformance/cases.h"
#include "tests/conformance/executor.h"

namespace o2w::conformance {

enum class Mode {
  fixed,     // shapes as the model declares them
  dynamic,   // every input dimension is only known at run time
  constant,  // all inputs but the first are initializers with the case's data
};

// "" when every data set passes, else the reason in one line.
std::string run_case(const Case& which, Mode mode, Executor& executor);

// The same in a child process, so that a crash or a hang is this case's failure alone.
std::string run_case_apart(const Case& which, Mode mode, Executor& executor, int seconds);

}  // namespace o2w::conformance
