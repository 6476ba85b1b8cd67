// Ensembles of decision trees: the runtime library's code itself, on the compiler's side.
#include "compiler/eval/routines.h"
#include "compiler/support/error.h"
#include "runtime-lib/tree_walk.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::Tensor;

template <typename T>
void score(const RoutineCall& call, Tensor& scores, Tensor& scored) {
  const Tensor& x = *call.inputs.at(0);
  trees::Forest<T> forest{};
  forest.nodes = call.inputs.at(1)->data<trees::Node<T>>();
  forest.roots = call.inputs.at(2)->data<int32_t>();
  forest.trees = static_cast<int32_t>(call.inputs.at(2)->count());
  forest.weight_targets = call.inputs.at(3)->data<int32_t>();
  forest.weights = call.inputs.at(4)->data<T>();
  forest.set_starts = call.inputs.at(5)->data<int32_t>();
  forest.set_members = call.inputs.at(6)->data<T>();
  trees::score_rows(forest, call.integer(1), x.data<T>(), x.dims().at(0), x.dims().at(1), scores.dims().at(1),
                    static_cast<trees::Aggregate>(call.integer(0)), scores.mutable_data<T>(),
                    scored.mutable_bytes());
}

const RegisterRoutine tree_ensemble("tree_ensemble", [](const RoutineCall& call) {
  Tensor scores(call.output_types.at(0), call.output_sizes.at(0));
  Tensor scored(call.output_types.at(1), call.output_sizes.at(1));
  if (call.inputs.at(0)->type() == DType::f64) {
    score<double>(call, scores, scored);
  } else {
    score<float>(call, scores, scored);
  }
  return std::vector<Tensor>{std::move(scores), std::move(scored)};
});

}  // namespace
}  // namespace o2w::eval
