// GlobalAveragePool and GlobalMaxPool: over all spatial dimensions.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::Value;

void lower_average(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 3, 64, "input X");
  const auto axes = axis_range(2, x->rank());
  const ir::DType compute = ir::compute_type(x->type);
  Value* sum = l.b().reduce_axes(ir::Combiner::sum, l.b().cast(x, compute), axes, true);
  const Expr count = size_as(compute, count_along(x->shape, axes));
  l.output(0, l.b().map(x->type, {sum}, [&](std::span<const Expr> e) { return e[0] / count; }));
}

void lower_max(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 3, 64, "input X");
  l.output(0, l.b().reduce_axes(ir::Combiner::max, x, axis_range(2, x->rank()), true));
}

const RegisterOperator average(
    {.name = "GlobalAveragePool", .versions = {1, 22}, .types = {{"T", kFloats}}, .lower = lower_average});
const RegisterOperator maximum(
    {.name = "GlobalMaxPool", .versions = {1, 22}, .types = {{"T", kFloats}}, .lower = lower_max});

}  // namespace
}  // namespace o2w::onnx_frontend
