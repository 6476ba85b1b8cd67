// The order in which the nodes of one graph are lowered.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "frontends/onnx/model.h"

namespace o2w::onnx_frontend {

// Names that a nested graph reads from the graphs around it.
std::set<std::string> captured_names(const GraphDef& graph);
// Names that a node reads: its inputs, and what its nested graphs capture. Absent inputs are left out.
std::set<std::string> names_read_by(const NodeDef& node);

struct NodeOrder {
  // Positions of the nodes that `wanted` depends on, producers first; otherwise in the order of the file.
  std::vector<std::size_t> positions;
  // Nodes of one cycle, in the direction of the data; empty when there is none. Nodes on cycles, and those
  // that depend on them, are not in `positions`.
  std::vector<std::size_t> cycle;
};

// Files list nodes in topological order, but not all exporters keep to that. Where two nodes produce one
// name, the first counts.
NodeOrder order_nodes(const std::vector<NodeDef>& nodes, const std::vector<std::string>& wanted);

}  // namespace o2w::onnx_frontend
