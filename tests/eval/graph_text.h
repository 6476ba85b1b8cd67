// Graphs of these tests are written in the text form (compiler/ir/text.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace o2w::test {

// The parsed and verified graph; std::runtime_error with the parser's message.
ir::Graph graph_of(const std::string& text);
// Evaluates the graph "t" with the given body.
std::vector<ir::Tensor> run(const std::string& body, const std::vector<ir::Tensor>& inputs);

// Small whole numbers, the same for the same seed: sums of their products are exact in f32.
ir::Tensor small_numbers(ir::DType type, const std::vector<int64_t>& dims, uint32_t seed);
ir::Tensor integers(ir::DType type, const std::vector<int64_t>& dims, const std::vector<int64_t>& values);
std::vector<int64_t> elements(const ir::Tensor& tensor);

}  // namespace o2w::test
