#include "frontends/onnx/ops/pool/pooling.h"

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Expr;
using ir::Value;

Window pool_window(Lowering& l, Value* x) {
  l.expect_rank(x, 3, 64, "input X");
  return window_of(l, trailing(x->shape, 2), WindowUse::pool);
}

ir::Shape pooled_shape(const Value* x, const Window& window) {
  ir::Shape shape = leading(x->shape, 2);
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  return shape;
}

Value* reduce_window(Lowering& l, Value* x, const Window& window, ir::Combiner combiner, ir::DType type,
                     const std::function<Expr(const Expr&)>& element) {
  const int spatial = window.rank();
  // Indices: n, c, outputs.., window positions..
  const auto position = [&](ir::Builder::Indices i, int d) {
    return window.position(d, i[static_cast<std::size_t>(2 + d)],
                           i[static_cast<std::size_t>(2 + spatial + d)]);
  };
  const auto make = [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> indices = {i[0], i[1]};
    for (int d = 0; d < spatial; ++d) indices.push_back(position(i, d));
    Expr value = body.at(x, std::move(indices));
    return element ? element(value) : value;
  };
  bool guarded = false;
  for (int d = 0; d < spatial; ++d) {
    if (window.inside(d, ir::index_var(0))) guarded = true;
  }
  const auto guard = [&](ir::Body&, ir::Builder::Indices i) {
    Expr all;
    for (int d = 0; d < spatial; ++d) {
      Expr one = window.inside(d, position(i, d));
      if (one) all = all ? all && one : one;
    }
    return all;
  };
  return l.b().reduce(combiner, type, pooled_shape(x, window), window.kernel, make,
                      guarded ? std::function<Expr(ir::Body&, ir::Builder::Indices)>(guard) : nullptr);
}

}  // namespace o2w::onnx_frontend
