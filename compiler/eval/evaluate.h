// The reference evaluator: runs a graph on the compiler's side (xtensor, Eigen). Slow and plain; it folds
// constants and is the oracle that tests compare compiled modules with.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace o2w::eval {

// Runs the whole graph. Input tensors' dims define the input symbols (ModelError on a mismatch, by input
// name; also on failed Require nodes and out-of-range indices).
std::vector<ir::Tensor> evaluate(const ir::Graph& graph, const std::vector<ir::Tensor>& inputs);

// Evaluates one node whose inputs are given, with no symbols known: nothing if the node is not foldable
// (control flow, random, unknown symbols) or when outputs would exceed `byte_limit`.
std::optional<std::vector<ir::Tensor>> fold(const ir::Node& node, int64_t byte_limit = int64_t{1} << 31);

}  // namespace o2w::eval
