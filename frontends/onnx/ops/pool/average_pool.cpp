// AveragePool.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/pool/pooling.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::Value;

// How many window positions along dimension `d` count at output position `out`: those at input positions in
// [-before, size + after).
Expr counted(const Window& window, int d, const Expr& out, const Dim& before, const Dim& after) {
  const auto k = static_cast<std::size_t>(d);
  const Expr start = out * Expr(window.strides[k]) - Expr(window.pads_begin[k]);
  const int64_t step = window.dilations[k];
  const auto steps_to =
      [&](const Expr& position) {  // the first window position at or after an input position
        Expr distance = position - start;
        return step == 1 ? distance : floordiv(distance + Expr(step - 1), Expr(step));
      };
  const Expr first = max(steps_to(Expr(Dim(0) - before)), Expr(0));
  const Expr end = min(steps_to(Expr(window.input[k] + after)), Expr(window.kernel[k]));
  return end - first;
}

}  // namespace

Value* average_pool(Lowering& l, Value* x) {
  const Window window = pool_window(l, x);
  const ir::DType compute = ir::compute_type(x->type);
  const bool count_padding = l.int_attribute("count_include_pad", 0) != 0;
  Value* sum = reduce_window(l, x, window, ir::Combiner::sum, compute);
  return l.b().tabulate(x->type, sum->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr divisor = Expr(1);
    Dim full = 1;  // product over the dimensions whose windows always count in full
    for (int d = 0; d < window.rank(); ++d) {
      const auto k = static_cast<std::size_t>(d);
      const Dim before = count_padding ? window.pads_begin[k] : Dim(0);
      const Dim after = count_padding ? window.pads_end[k] : Dim(0);
      const bool padded = !window.pads_begin[k].is(0) || !window.pads_end[k].is(0);
      if (!window.overhangs[k] && (count_padding || !padded)) {
        full *= window.kernel[k];
      } else {
        divisor = divisor * counted(window, d, i[k + 2], before, after);
      }
    }
    divisor = is_literal(divisor) ? Expr(full) : max(divisor * Expr(full), Expr(1));
    return body.at(sum, {i.begin(), i.end()}) / ir::cast(compute, divisor);
  });
}

namespace {

void lower(Lowering& l) { l.output(0, average_pool(l, l.input(0))); }

const RegisterOperator average_pool_operator(
    {.name = "AveragePool", .versions = {1, 7, 10, 11, 19, 22}, .types = {{"T", kFloats}}, .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
