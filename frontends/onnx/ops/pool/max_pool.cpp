// MaxPool, with the positions of the maxima.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/pool/pooling.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// From the place within the window to the place in the flattened input. storage_order 1 numbers the spatial
// dimensions of one channel column-major; batch and channels stay outermost.
Value* input_positions(Lowering& l, Value* x, const Window& window, Value* in_window) {
  const bool column_major = l.int_attribute("storage_order", 0) != 0;
  const int spatial = window.rank();
  return l.b().tabulate(DType::i64, in_window->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr rest = ir::cast(DType::index, body.at(in_window, {i.begin(), i.end()}));
    std::vector<Expr> position(static_cast<std::size_t>(spatial));
    for (int d = spatial - 1; d >= 0; --d) {
      const auto k = static_cast<std::size_t>(d);
      Expr size(window.kernel[k]);
      position[k] = window.position(d, i[k + 2], d == 0 ? rest : mod(rest, size));
      rest = floordiv(rest, size);
    }
    Expr flat = Expr(0);
    for (int d = 0; d < spatial; ++d) {
      const auto k = static_cast<std::size_t>(column_major ? spatial - 1 - d : d);
      flat = flat * Expr(window.input[k]) + position[k];
    }
    Expr channel = i[0] * Expr(x->shape[1]) + i[1];
    return ir::cast(DType::i64, channel * Expr(ir::element_count(window.input)) + flat);
  });
}

void lower(Lowering& l) {
  Value* x = l.input(0);
  const Window window = pool_window(l, x);
  l.output(0, reduce_window(l, x, window, ir::Combiner::max, x->type));
  if (l.wants_output(1)) {
    Value* in_window = reduce_window(l, x, window, ir::Combiner::arg_max, DType::i64);
    l.output(1, input_positions(l, x, window, in_window));
  }
}

const RegisterOperator max_pool(
    {.name = "MaxPool", .versions = {1, 8, 10, 11, 12, 22}, .types = {{"T", kNumeric}}, .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
