// If (ONNX 1, 11, 13, 16 and the later versions that only add element types).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/control_flow/if_builder.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Value;

Alternative lower_branch(Lowering& lowering, const char* attribute) {
  Alternative branch{std::make_unique<ir::Region>(), {}};
  branch.results = lowering.subgraphs().lower(lowering.graph_attribute(attribute), *branch.region, {});
  return branch;
}

void lower_if(Lowering& lowering) {
  Value* condition = as_scalar(lowering, lowering.input(0), "the condition");

  // Only the branch taken is part of the model when that is known already; the other need not even be valid
  // for these shapes.
  const auto known = lowering.known_sizes(condition);
  if (known && known->size() == 1 && known->front().is_constant()) {
    const char* taken = known->front().value() != 0 ? "then_branch" : "else_branch";
    const auto results =
        lowering.subgraphs().lower(lowering.graph_attribute(taken), lowering.b().region(), {});
    if (static_cast<int>(results.size()) < lowering.output_count()) {
      lowering.fail("{} has {} outputs, but the node lists {}", taken, results.size(),
                    lowering.output_count());
    }
    for (int i = 0; i < lowering.output_count(); ++i) lowering.output(i, results[i]);
    return;
  }

  Alternative then_branch = lower_branch(lowering, "then_branch");
  Alternative else_branch = lower_branch(lowering, "else_branch");
  const std::size_t count = then_branch.results.size();
  if (count != else_branch.results.size() || count < static_cast<std::size_t>(lowering.output_count())) {
    lowering.fail("the branches have {} and {} outputs, but the node lists {}", count,
                  else_branch.results.size(), lowering.output_count());
  }
  if (!agree_in_rank(lowering.b(), then_branch, else_branch)) {
    lowering.subgraphs().diverge(condition, std::move(then_branch), std::move(else_branch));
    return;
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const bool named = lowering.wants_output(static_cast<int>(i));
    names.push_back(named ? lowering.node().outputs[i] : lowering.node().name);
  }
  const std::vector<Value*> outputs =
      build_if(lowering.b(), condition, std::move(then_branch), std::move(else_branch), names);
  for (int i = 0; i < lowering.output_count(); ++i) lowering.output(i, outputs[i]);
}

const RegisterOperator op_if(
    {.name = "If",
     .versions = {1, 11, 13, 16, 19, 21, 23, 24, 25},
     .limits = "Results of different ranks may reach the model's outputs, but not those of a loop's body or "
               "another "
               "branch; there the module is made for one of the branches, and checks the condition.",
     .types = {{"B", kBool, inputs(0)}},
     .lower = lower_if});

}  // namespace
}  // namespace o2w::onnx_frontend
