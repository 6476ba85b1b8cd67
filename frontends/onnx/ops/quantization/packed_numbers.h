// Numbers of 2, 4 or 8 bits that an operator keeps in bytes of its own packing: lowest bits first.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// Number `i` of row `row` of a 1-D tensor of bytes, `row_bytes` to a row; i32.
ir::Expr packed_number(ir::Body& body, ir::Value* bytes, const ir::Expr& row, const ir::Dim& row_bytes,
                       const ir::Expr& i, int64_t bits);

}  // namespace o2w::onnx_frontend
