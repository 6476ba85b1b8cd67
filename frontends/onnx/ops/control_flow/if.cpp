// If (ONNX 1, 11, 13, 16 and the later versions that only add element types).
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/control_flow/region_symbols.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Value;

struct Branch {
  std::unique_ptr<ir::Region> region = std::make_unique<ir::Region>();
  std::set<std::string> symbols;  // defined inside
};

Branch lower_branch(Lowering& lowering, const char* attribute) {
  Branch branch;
  branch.region->results =
      lowering.subgraphs().lower(lowering.graph_attribute(attribute), *branch.region, {});
  branch.symbols = symbols_defined_in(*branch.region);
  return branch;
}

// Sizes that the branches do not agree on become symbols; one for all outputs that have the same two sizes.
class ResultShapes {
 public:
  ResultShapes(ir::Graph& graph, const Branch& then_branch, const Branch& else_branch)
      : graph_(graph), then_(then_branch), else_(else_branch) {}

  Dim of(const Dim& a, const Dim& b, const std::string& hint) {
    if (a == b && !uses_any(a, then_.symbols) && !uses_any(b, else_.symbols)) return a;
    ir::SymbolRef& symbol = symbols_[{a, b}];
    if (symbol == nullptr) {
      constexpr int64_t largest = std::numeric_limits<int32_t>::max();
      const int64_t lower = std::max<int64_t>(0, std::min(a.lower(), b.lower()));
      const int64_t upper = std::min(largest, std::max(a.upper(), b.upper()));
      symbol = graph_.new_symbol(hint, lower, std::max(lower, upper), /*from_input=*/false);
      list.push_back(symbol);
    }
    return Dim::symbol(symbol);
  }

  std::vector<ir::SymbolRef> list;

 private:
  ir::Graph& graph_;
  const Branch& then_;
  const Branch& else_;
  std::map<std::pair<Dim, Dim>, ir::SymbolRef> symbols_;
};

// A tensor's rank is part of the compiled code. Exporters of scripted PyTorch modules write conditions on
// shapes like "squeeze if there is one step", where the branches differ in rank: one of them becomes part of
// the module, with a check of the condition.
void assume(Lowering& lowering, Value* condition, Branch& then_branch, Branch& else_branch) {
  ir::Builder& b = lowering.b();
  const bool choice = lowering.subgraphs().choose_branch();
  const Dim truth =
      b.bind(b.cast(condition, ir::DType::i64), lowering.node().name + "_condition", 0, 1).front();
  b.require(ir::Require::Relation::equal, truth, Dim(choice ? 1 : 0),
            "the module was made for the other branch, which gives tensors of another rank");
  ir::Region& taken = choice ? *then_branch.region : *else_branch.region;
  for (auto& node : taken.nodes) b.region().nodes.push_back(std::move(node));
  for (int i = 0; i < lowering.output_count(); ++i) lowering.output(i, taken.results[i]);
}

void lower_if(Lowering& lowering) {
  Value* condition = lowering.input(0);
  if (condition->type != ir::DType::boolean) {
    lowering.fail("the condition must be bool, but is {}", ir::user_name(condition->type));
  }
  condition = as_scalar(lowering, condition, "the condition");

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

  Branch then_branch = lower_branch(lowering, "then_branch");
  Branch else_branch = lower_branch(lowering, "else_branch");
  const std::vector<Value*>& then_results = then_branch.region->results;
  const std::vector<Value*>& else_results = else_branch.region->results;
  if (then_results.size() != else_results.size() ||
      then_results.size() < static_cast<std::size_t>(lowering.output_count())) {
    lowering.fail("the branches have {} and {} outputs, but the node lists {}", then_results.size(),
                  else_results.size(), lowering.output_count());
  }
  const auto same_rank = [](const Value* a, const Value* b) { return a->rank() == b->rank(); };
  if (!std::equal(then_results.begin(), then_results.end(), else_results.begin(), same_rank)) {
    assume(lowering, condition, then_branch, else_branch);
    return;
  }
  ir::Graph& graph = lowering.b().graph();
  ResultShapes shapes(graph, then_branch, else_branch);
  std::vector<Value*> outputs;
  for (std::size_t i = 0; i < then_results.size(); ++i) {
    const Value* a = then_results[i];
    const Value* b = else_results[i];
    if (a->type != b->type) {
      lowering.fail("output {} is {} in one branch and {} in the other", i, ir::user_name(a->type),
                    ir::user_name(b->type));
    }
    ensure(a->rank() == b->rank(), "branches of different rank");
    const auto at = static_cast<int>(i);
    const std::string hint = lowering.wants_output(at) ? lowering.node().outputs[i] : lowering.node().name;
    ir::Shape shape;
    for (int d = 0; d < a->rank(); ++d) {
      shape.push_back(shapes.of(a->shape[d], b->shape[d], hint + "_d" + std::to_string(d)));
    }
    outputs.push_back(graph.new_value(a->type, std::move(shape)));
  }
  ir::If attributes;
  attributes.then_region = std::move(then_branch.region);
  attributes.else_region = std::move(else_branch.region);
  attributes.result_symbols = std::move(shapes.list);
  lowering.b().append(std::move(attributes), {condition}, outputs);
  for (int i = 0; i < lowering.output_count(); ++i) lowering.output(i, outputs[i]);
}

const RegisterOperator op_if(
    {.name = "If",
     .versions = {1, 11, 13, 16, 19, 21, 23, 24, 25},
     .limits = "Tensors only; the branches' results must agree in rank unless the condition "
               "is known when compiling.",
     .types = {{"B", kBool, inputs(0)}},
     .lower = lower_if});

}  // namespace
}  // namespace o2w::onnx_frontend
