#include "frontends/onnx/ops/indexing/positions.h"

namespace o2w::onnx_frontend {

using ir::Expr;

Positions::Positions(Lowering& l, ir::Value* indices, const ir::Dim& size) : indices_(indices), size_(size) {
  const ir::Tensor* constant = l.constant(indices);
  if (!constant) return;
  // Non-negative positions can be checked against the least size there may be.
  const auto fixed = size.constant();
  ir::Tensor normal(constant->type(), constant->dims());
  bool changed = false;
  for (int64_t i = 0; i < constant->count(); ++i) {
    int64_t position = constant->as_int(i);
    if (fixed && (position < -*fixed || position >= *fixed)) {
      l.fail("index {} is outside of -{}..{}", position, *fixed, *fixed - 1);
    }
    if (!fixed && (position < 0 || position >= size.lower())) return;
    if (position < 0) {
      position += *fixed;
      changed = true;
    }
    normal.set_int(i, position);
  }
  checked_ = true;
  if (normal.count() == 1) {
    single_ = normal.as_int(0);
  } else if (changed) {
    indices_ = l.b().constant(normal);
  }
}

Expr Positions::at(ir::Body& body, const std::vector<Expr>& where) const {
  if (single_) return Expr(*single_);
  const Expr position = ir::cast(ir::DType::index, body.at(indices_, where));
  return checked_ ? position : ir::checked_index(position, size_);
}

std::size_t index_depth(Lowering& l, const ir::Dim& last, std::size_t rank) {
  const auto depth = last.constant();
  if (!depth) {
    l.fail(
        "the last dimension of the indices decides the output's rank and must be known when compiling, but "
        "is {}",
        last.to_string());
  }
  if (*depth < 0 || *depth > static_cast<int64_t>(rank)) {
    l.fail("the indices address {} dimensions, but the data has {} to address", *depth, rank);
  }
  return static_cast<std::size_t>(*depth);
}

}  // namespace o2w::onnx_frontend
