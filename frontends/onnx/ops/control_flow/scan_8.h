// Scan as opset 8 has it: for a batch of sequences, which may differ in length.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

void lower_scan_8(Lowering& lowering);

}  // namespace o2w::onnx_frontend
