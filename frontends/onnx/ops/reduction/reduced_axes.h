// Which axes a reduction runs over, in all forms that ONNX has had: attribute, constant input, input known
// only at run time.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

class ReducedAxes {
 public:
  // Of the node's input 0. `version_with_input`: the version from which axes are input 1, not an attribute.
  ReducedAxes(Lowering& lowering, int version_with_input);

  // Reduces a value of input 0's shape.
  ir::Value* reduce(ir::Combiner combiner, ir::Value* x, bool keep_dims,
                    const std::function<ir::Expr(const ir::Expr&)>& before = nullptr);
  // Takes the axes out of a result that kept them.
  ir::Value* drop(ir::Value* reduced);
  // Number of elements that one result is made of.
  ir::Dim count() const;

 private:
  Lowering* lowering_;
  ir::Shape shape_;
  std::vector<int> known_;
  // Axes of run time: every dimension is both kept and reduced, one of the two with size 1.
  ir::Value* mask_ = nullptr;
  ir::Shape kept_, extents_;
  std::optional<int64_t> axis_count_;
};

}  // namespace o2w::onnx_frontend
