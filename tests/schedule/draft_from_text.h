// Drafts of graphs that are written as text, for the tests of the schedule's steps.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/schedule/draft.h"
#include "compiler/support/error.h"

namespace o2w::schedule {

using DraftSteps = std::vector<void (*)(Draft&)>;

// What `print` makes of the draft of a graph with these nodes after the steps; what is wrong with the text if
// it is no graph.
template <typename Print>
std::string draft_after(const std::string& nodes, const DraftSteps& steps, Print print) {
  Diagnostics diagnostics;
  const Result<ir::Graph> graph = ir::parse_graph("graph \"g\" opset 17 {\n" + nodes + "}\n", diagnostics);
  if (!graph) return diagnostics.to_string();
  ir::verify(*graph, "parsing");
  Draft draft = draft_of(*graph);
  for (const auto step : steps) step(draft);
  return print(draft);
}

}  // namespace o2w::schedule
