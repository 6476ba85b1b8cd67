// com.microsoft.DynamicTimeWarping: the cheapest path through a matrix of costs, as rows and columns.
#include <algorithm>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;

void lower_dynamic_time_warping(Lowering& l) {
  ir::Builder& b = l.b();
  ir::Value* costs = l.input(0);
  l.expect_rank(costs, 2, 3, "the costs");
  if (costs->rank() == 3) {
    require_equal(l, costs->shape[0], 1, "the number of matrices");
    costs = b.view(costs, {costs->shape[1], costs->shape[2]});
  }
  // Every step leaves a row or a column behind.
  const Dim capacity = costs->shape[0] + costs->shape[1];
  const int64_t upper = std::clamp<int64_t>(capacity.upper(), 0, INT32_MAX);
  const ir::SymbolRef length = b.graph().new_symbol("path", 0, upper, false);
  ir::Opaque routine{.routine = "time_warping", .counts = {length}, .capacity = {{2, capacity}}};
  l.output(0, b.opaque(std::move(routine), {costs}, {{DType::i32, {2, Dim::symbol(length)}}})[0]);
}
const RegisterOperator dynamic_time_warping({.domain = "com.microsoft",
                                             .name = "DynamicTimeWarping",
                                             .versions = {1},
                                             .types = {{"F", kFloat32}},
                                             .lower = lower_dynamic_time_warping});

}  // namespace
}  // namespace o2w::onnx_frontend
