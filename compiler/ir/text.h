// The graph's text form: printed after any phase, parsed back by tests and `--dump-phases` readers.
//
//   graph "name" opset 17 {
//     symbol seq 1..512 input
//     input "x" %0: f32[seq, 3]
//     %1: f32[3] = constant <f32[3] 1, 2, 3>          // small ones in full, large as  <f32[1000] #hash>
//     %2: f32[seq, 3] = tabulate (%0, %1) { max(add(read0(i0, i1), read1(i1)), 0.0:f32) }  from "relu1"
//     Relu-14
//     ...
//     output "y" %2
//   }
#pragma once

#include <string>

#include "compiler/ir/graph.h"
#include "compiler/support/diagnostics.h"

namespace o2w::ir {

struct PrintOptions {
  // Elements of a constant printed in full up to this many; larger ones as a hash (then the text does not
  // parse back to the same contents but to zeros of that shape).
  int64_t constant_limit = 64;
};

std::string to_text(const Graph& graph, const PrintOptions& options = {});
std::string to_text(const Expr& expression);
// Errors carry line and column of the text.
Result<Graph> parse_graph(const std::string& text, Diagnostics& diagnostics);
Result<Expr> parse_expr(const std::string& text, Graph& graph_for_symbols, Diagnostics& diagnostics);

}  // namespace o2w::ir
