// If (ONNX 1, 11, 13, 16 and the later versions that only add element types).
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frontends/onnx/invalid_branch.h"
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

// Makes one branch part of the module, with a check of the condition.
void take(Lowering& lowering, Value* condition, Alternative& branch, bool truth) {
  if (branch.results.size() < static_cast<std::size_t>(lowering.output_count())) {
    lowering.fail("a branch has {} outputs, but the node lists {}", branch.results.size(),
                  lowering.output_count());
  }
  ir::Builder& b = lowering.b();
  const ir::Dim actual =
      b.bind(b.cast(condition, ir::DType::i64), lowering.node().name + "_condition", 0, 1).front();
  b.require(
      ir::Require::Relation::equal, actual, ir::Dim(truth ? 1 : 0),
      "the module was made for the other branch: this one is not valid for the shapes it was compiled for");
  for (auto& node : branch.region->nodes) b.region().nodes.push_back(std::move(node));
  for (int i = 0; i < lowering.output_count(); ++i) lowering.output(i, branch.results[i]);
}

// Lowers both branches. One that is not valid for the shapes at hand is left out; that must not be both.
std::pair<std::optional<Alternative>, std::optional<Alternative>> lower_branches(Lowering& lowering) {
  std::optional<InvalidBranch> invalid;
  const auto lowered = [&](const char* attribute) -> std::optional<Alternative> {
    try {
      return lower_branch(lowering, attribute);
    } catch (const InvalidBranch& branch) {
      if (!invalid) {
        invalid = branch;
        return std::nullopt;
      }
      for (const Diagnostic& problem : branch.problems.all()) invalid->problems.add(problem);
    }
    throw InvalidBranch(*invalid);
  };
  std::optional<Alternative> then_branch = lowered("then_branch");
  std::optional<Alternative> else_branch = lowered("else_branch");
  return {std::move(then_branch), std::move(else_branch)};
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

  auto [valid_then, valid_else] = lower_branches(lowering);
  if (!valid_then || !valid_else) {
    take(lowering, condition, valid_then ? *valid_then : *valid_else, valid_then.has_value());
    return;
  }
  Alternative& then_branch = *valid_then;
  Alternative& else_branch = *valid_else;
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
