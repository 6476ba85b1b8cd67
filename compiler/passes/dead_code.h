// Removes what nothing needs.
#pragma once

#include "compiler/ir/graph.h"

namespace o2w::passes {

// Keeps what the results and the run-time checks (Require) depend on, through values and through symbols: a
// Bind lives while a size that is used mentions its symbols. A node that could only fail is not kept for
// that.
void remove_dead_code(ir::Graph& graph);

}  // namespace o2w::passes
