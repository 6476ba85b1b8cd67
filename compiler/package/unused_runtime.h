// What functions of the runtime library call for the sake of element types that the model at hand has not.
#pragma once

#include <binaryen-c.h>

#include "compiler/schedule/program.h"

namespace o2w::package {

// Makes these functions empty, so that what only they use goes with them.
void empty_unused_functions(BinaryenModuleRef module, const schedule::Program& program);

}  // namespace o2w::package
