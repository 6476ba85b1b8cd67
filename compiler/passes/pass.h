// Graph-to-graph passes: one .h with one function, one .cpp and one text test each. pipeline.cpp lists them
// in order.
#pragma once

#include <functional>
#include <string>

#include "compiler/ir/graph.h"
#include "compiler/support/diagnostics.h"

namespace o2w::passes {

struct PassOptions {
  int level = 2;  // -O0..-O3
};

// Runs the pipeline; `after` is called with the phase's number_and_name after every pass (dumps,
// verification).
void run_passes(ir::Graph& graph, const PassOptions& options,
                const std::function<void(const std::string&, const ir::Graph&)>& after);

}  // namespace o2w::passes
