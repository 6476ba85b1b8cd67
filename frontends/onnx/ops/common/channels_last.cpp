#include "frontends/onnx/ops/common/channels_last.h"

#include <algorithm>

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

ir::Value* channels_first(Lowering& l, ir::Value* x) {
  l.expect_rank(x, 3, 64, "a picture");
  std::vector<int> order = axis_range(0, x->rank());
  std::rotate(order.begin() + 1, order.end() - 1, order.end());
  return l.b().transpose(x, order);
}

ir::Value* channels_last(Lowering& l, ir::Value* x) {
  l.expect_rank(x, 3, 64, "a picture");
  std::vector<int> order = axis_range(0, x->rank());
  std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return l.b().transpose(x, order);
}

}  // namespace o2w::onnx_frontend
