#include "compiler/schedule/loop_nest.h"

namespace o2w::schedule {

Layout dense_layout(const ir::Shape& shape) {
  Layout layout{0, ir::Shape(shape.size())};
  ir::Dim stride = 1;
  for (std::size_t k = shape.size(); k-- > 0;) {
    layout.strides[k] = stride;
    stride *= shape[k];
  }
  return layout;
}

Layout dense_layout(const ir::Shape& shape, const std::vector<int>& order) {
  Layout layout{0, ir::Shape(shape.size())};
  ir::Dim stride = 1;
  for (std::size_t k = order.size(); k-- > 0;) {
    const auto dimension = static_cast<std::size_t>(order[k]);
    layout.strides[dimension] = stride;
    stride *= shape[dimension];
  }
  return layout;
}

}  // namespace o2w::schedule
