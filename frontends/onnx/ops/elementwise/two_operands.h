// Operands of the binary operators, in all forms that ONNX has had.
#pragma once

#include <utility>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// Inputs 0 and 1, ready to broadcast as numpy does. Before opset 7 an operator broadcast only its second
// operand, and only if asked to
// (`broadcast` = 1), lined up with the first operand's dimensions from `axis` on (default: with the last
// ones).
std::pair<ir::Value*, ir::Value*> two_operands(Lowering& lowering);

}  // namespace o2w::onnx_frontend
