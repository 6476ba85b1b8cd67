// Makes a failing case smaller while it still fails in the same way.
#pragma once

#include <string>

#include "tests/property/maker.h"

namespace o2w::property {

// `problem` is what check_case says of `made`; it becomes that of the result.
Case shrink(const Case& made, int level, int seconds, std::string& problem);

}  // namespace o2w::property
