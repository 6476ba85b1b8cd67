// What attention operators share: heads as a dimension of their own, and the two matrix products with queries
// whose heads may share those of keys and values.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// [batch, length, heads * size] -> [batch, heads, length, size]; `what` names the tensor in messages.
ir::Value* split_heads(Lowering& l, ir::Value* x, const ir::Dim& heads, const char* what);
// [batch, heads, length, size] -> [batch, length, heads * size].
ir::Value* join_heads(Lowering& l, ir::Value* x);

// query [batch, heads, q, size] times key [batch, shared heads, k, size]: scores [batch, heads, q, k] of
// `type`. Every shared head serves as many neighbouring heads.
ir::Value* attention_scores(Lowering& l, ir::Value* query, ir::Value* key, ir::DType type);
// probabilities [batch, heads, q, k] times value [batch, shared heads, k, size]: [batch, heads, q, size] of
// `type`.
ir::Value* attention_result(Lowering& l, ir::Value* probabilities, ir::Value* value, ir::DType type);

// The attribute `scale`, by default 1 / sqrt(size).
ir::Expr attention_scale(Lowering& l, const ir::Dim& size, ir::DType type);

}  // namespace o2w::onnx_frontend
