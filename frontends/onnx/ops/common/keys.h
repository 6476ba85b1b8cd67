// Looking elements up in a table known when compiling: vocabularies, categories, labels.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// For every element of `x` its position in `keys` (i64, of x's shape; the first of equal ones), or -1 where
// it is none of them. Both are strings, or both int64 (other numbers: compare what int64 can hold of them,
// such as their bits). One hash lookup per element, whatever the number of keys.
ir::Value* find_keys(Lowering& lowering, ir::Value* x, const ir::Tensor& keys);

}  // namespace o2w::onnx_frontend
