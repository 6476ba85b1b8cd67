#include "compiler/passes/fold_constants.h"

#include <algorithm>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"
#include "compiler/support/error.h"

namespace o2w::passes {
namespace {

void fold_region(ir::Region& region) {
  std::vector<std::unique_ptr<ir::Node>> nodes;
  for (auto& node : region.nodes) {
    for (ir::Region* inner : ir::regions_of(*node)) fold_region(*inner);
    std::optional<std::vector<ir::Tensor>> results;
    if (ir::worth_folding(*node)) {
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
  fold_region(graph.region);
  graph.collect_garbage();
}

}  // namespace o2w::passes
