#include "frontends/onnx/ops/conv/channels_last.h"

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

ir::Value* channels_first(Lowering& l, ir::Value* x) {
  std::vector<int> order = axis_range(0, x->rank() - 1);
  order.insert(order.begin() + 1, x->rank() - 1);
  return l.b().transpose(x, order);
}

ir::Value* channels_last(Lowering& l, ir::Value* x) {
  std::vector<int> order = axis_range(0, x->rank());
  order.erase(order.begin() + 1);
  order.push_back(1);
  return l.b().transpose(x, order);
}

}  // namespace o2w::onnx_frontend
