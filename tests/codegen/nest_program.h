// Programs of one loop nest, for tests that compare what the code generator makes of a nest with the
// evaluator.
#pragma once

#include "compiler/ir/graph.h"
#include "compiler/schedule/program.h"

namespace o2w::test {

// All tensors row-major; operand k of the nest is input k, the last one the output.
schedule::Program program_of(schedule::LoopNest nest, int error = -1);
// The nest that a Tabulate, Reduce or Scatter node is by definition.
schedule::LoopNest nest_of(const ir::Node& node);
// Of a graph with one such node, from the graph's inputs to its output.
schedule::Program program_of(const ir::Graph& graph);
schedule::Operand row_major(ir::DType type, const ir::Shape& shape);

}  // namespace o2w::test
