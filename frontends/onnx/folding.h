// Which nodes are evaluated while the model is compiled.
#pragma once

#include "compiler/ir/builder.h"

namespace o2w::onnx_frontend {

// Evaluates nodes of constants, within bounds that depend on nothing but the model: a result may not be much
// larger than what it is made of (the module would grow, and a few bytes of model could ask for gigabytes),
// and all folding together has a budget of element steps.
ir::Builder::Folder constant_folder();

}  // namespace o2w::onnx_frontend
