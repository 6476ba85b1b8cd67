// The rules a graph must obey; run between passes in tests and debug builds.
#pragma once

#include <string>

#include "compiler/ir/graph.h"

namespace o2w::ir {

// Checks definitions before uses, types and shapes of every node kind, expression slots and index counts,
// symbols defined before use, ports. Throws InternalError naming `after` (the phase) and the node.
void verify(const Graph& graph, const std::string& after);

}  // namespace o2w::ir
