#include "frontends/onnx/ops/attention/heads.h"

#include <cmath>

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

namespace {

// [batch, heads, q, n] -> [batch, shared, heads / shared * q, n]: heads that share a key become more rows of
// one product.
Value* grouped(Lowering& l, Value* x, const Dim& shared) {
  const Dim& heads = x->shape[1];
  if (ir::provably_equal(heads, shared)) return x;
  const Dim each = divide_exactly(l, heads, shared, "heads of keys and values, and of queries");
  return l.b().view(x, {x->shape[0], shared, each * x->shape[2], x->shape[3]});
}

}  // namespace

Value* split_heads(Lowering& l, Value* x, const Dim& heads, const char* what) {
  const Dim size = divide_exactly(l, x->shape[2], heads, fmt::format("heads and size of {}", what));
  return l.b().transpose(l.b().view(x, {x->shape[0], x->shape[1], heads, size}), {0, 2, 1, 3});
}

Value* join_heads(Lowering& l, Value* x) {
  const ir::Shape& s = x->shape;
  return l.b().view(l.b().transpose(x, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
}

Value* attention_scores(Lowering& l, Value* query, Value* key, DType type) {
  require_equal(l, query->shape[0], key->shape[0], "batch of queries and keys");
  require_equal(l, query->shape[3], key->shape[3], "head size of queries and keys");
  const Dim& shared = key->shape[1];
  Value* scores = l.b().einsum(grouped(l, query, shared), key, "bhqd", "bhkd", "bhqk", type);
  const ir::Shape shape = {query->shape[0], query->shape[1], query->shape[2], key->shape[2]};
  return ir::provably_equal(query->shape[1], shared) ? scores : l.b().view(scores, shape);
}

Value* attention_result(Lowering& l, Value* probabilities, Value* value, DType type) {
  require_equal(l, probabilities->shape[0], value->shape[0], "batch of queries and values");
  require_equal(l, probabilities->shape[3], value->shape[2], "length of keys and values");
  const Dim& shared = value->shape[1];
  Value* result = l.b().einsum(grouped(l, probabilities, shared), value, "bhqk", "bhkd", "bhqd", type);
  const ir::Shape shape = {probabilities->shape[0], probabilities->shape[1], probabilities->shape[2],
                           value->shape[3]};
  return ir::provably_equal(probabilities->shape[1], shared) ? result : l.b().view(result, shape);
}

Expr attention_scale(Lowering& l, const Dim& size, DType type) {
  if (l.has_attribute("scale")) return ir::literal_of(type, l.float_attribute("scale"));
  if (const auto known = size.constant())
    return ir::literal_of(type, 1 / std::sqrt(static_cast<double>(*known)));
  return ir::unary(ir::ExprOp::reciprocal, ir::unary(ir::ExprOp::sqrt, size_as(type, size)));
}

}  // namespace o2w::onnx_frontend
