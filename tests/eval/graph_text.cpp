#include "tests/eval/graph_text.h"

#include <random>
#include <stdexcept>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"

namespace o2w::test {

ir::Graph graph_of(const std::string& text) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph = ir::parse_graph(text, diagnostics);
  if (!graph) throw std::runtime_error(diagnostics.to_string());
  ir::verify(*graph, "parsing");
  return std::move(*graph);
}

std::vector<ir::Tensor> run(const std::string& body, const std::vector<ir::Tensor>& inputs) {
  return eval::evaluate(graph_of("graph \"t\" opset 17 {\n" + body + "\n}"), inputs);
}

ir::Tensor small_numbers(ir::DType type, const std::vector<int64_t>& dims, uint32_t seed) {
  std::mt19937 engine(seed);
  ir::Tensor tensor(type, dims);
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set_int(i, static_cast<int64_t>(engine() % 17) - 8);
  return tensor;
}

ir::Tensor integers(ir::DType type, const std::vector<int64_t>& dims, const std::vector<int64_t>& values) {
  ir::Tensor tensor(type, dims);
  for (std::size_t i = 0; i < values.size(); ++i) tensor.set_int(static_cast<int64_t>(i), values[i]);
  return tensor;
}

std::vector<int64_t> elements(const ir::Tensor& tensor) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < tensor.count(); ++i) values.push_back(tensor.as_int(i));
  return values;
}

}  // namespace o2w::test
