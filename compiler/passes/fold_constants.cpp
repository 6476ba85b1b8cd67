#include "compiler/passes/fold_constants.h"

#include <algorithm>
#include <set>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/dequantization.h"
#include "compiler/support/error.h"

namespace o2w::passes {
namespace {

using Values = std::set<const ir::Value*>;

// Kernels multiply by large quantized weights as they are.
bool multiplies_by(const ir::Node& node, std::size_t input) {
  const auto* convolution = node.as<ir::Convolution>();
  const bool is_product = (convolution != nullptr && !convolution->transposed) || node.is<ir::Einsum>();
  return is_product && input == 1 && node.inputs[0] != node.inputs[1];
}

// What is used in another way than as the weights of a product.
Values used_otherwise(const ir::Graph& graph) {
  Values values;
  const auto add_results = [&](const ir::Region& region) {
    values.insert(region.results.begin(), region.results.end());
  };
  add_results(graph.region);
  ir::for_each_node(graph.region, [&](const ir::Node& node) {
    for (const ir::Region* region : ir::regions_of(node)) add_results(*region);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!multiplies_by(node, i)) values.insert(node.inputs[i]);
    }
  });
  return values;
}

bool is_worth_folding(const ir::Node& node, const Values& otherwise) {
  if (const auto weights = ir::dequantization_of(node)) {
    return !ir::is_large(*weights) || otherwise.contains(node.outputs[0]);
  }
  return ir::worth_folding(node);
}

void fold_region(ir::Region& region, const Values& otherwise) {
  std::vector<std::unique_ptr<ir::Node>> nodes;
  for (auto& node : region.nodes) {
    for (ir::Region* inner : ir::regions_of(*node)) fold_region(*inner, otherwise);
    std::optional<std::vector<ir::Tensor>> results;
    if (is_worth_folding(*node, otherwise)) {
      try {
        results = eval::fold(*node);
      } catch (const ModelError&) {
        // It fails whenever it runs, with this message; it may never run.
      }
    }
    if (!results) {
      nodes.push_back(std::move(node));
      continue;
    }
    for (std::size_t i = 0; i < results->size(); ++i) {
      nodes.push_back(std::make_unique<ir::Node>());
      ir::Node& constant = *nodes.back();
      constant.attributes = ir::Constant{std::move((*results)[i])};
      constant.outputs = {node->outputs[i]};
      constant.origin = node->origin;
      node->outputs[i]->producer = &constant;
      node->outputs[i]->output_index = 0;
    }
  }
  region.nodes = std::move(nodes);
}

}  // namespace

void fold_constants(ir::Graph& graph) {
  fold_region(graph.region, used_otherwise(graph));
  graph.collect_garbage();
}

}  // namespace o2w::passes
