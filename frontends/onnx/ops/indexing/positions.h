// Tensors of positions along a dimension, as gathers and scatters take them.
#pragma once

#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// Positions in 0..size-1, or -size..-1 counted from the end.
class Positions {
 public:
  // Constant positions are checked and made non-negative here, so that nothing is left to do while the model
  // runs.
  Positions(Lowering& lowering, ir::Value* indices, const ir::Dim& size);

  const ir::Shape& shape() const { return indices_->shape; }
  // The position given at `where`, of type index and in range.
  ir::Expr at(ir::Body& body, const std::vector<ir::Expr>& where) const;

 private:
  ir::Value* indices_;
  ir::Dim size_;
  bool checked_ = false;
  std::optional<int64_t> single_;  // the only position, when it is constant
};

// The last dimension of a tensor of index tuples: how many leading dimensions each tuple addresses, at most
// `rank`.
std::size_t index_depth(Lowering& lowering, const ir::Dim& last, std::size_t rank);

}  // namespace o2w::onnx_frontend
