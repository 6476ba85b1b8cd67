// What the parts of the evaluator share: a node about to be computed, and one function per family of node
// kinds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/eval/block_program.h"
#include "compiler/ir/graph.h"

namespace o2w::eval {

struct NodeCall {
  const ir::Node* node = nullptr;
  std::vector<const ir::Tensor*> inputs;  // aligned for their types
  const SymbolValues* symbols = nullptr;
  uint64_t stream = 0;  // of random numbers: differs from node to node and from run to run of a node

  const ir::Tensor& input(std::size_t i) const { return *inputs.at(i); }
  ir::DType output_type(std::size_t i = 0) const { return node->outputs.at(i)->type; }
  // Sizes under the run's symbol values. ModelError when a symbol is unknown or a size is negative or absurd.
  std::vector<int64_t> sizes(const ir::Shape& shape) const;
  std::vector<int64_t> output_sizes(std::size_t i = 0) const { return sizes(node->outputs.at(i)->shape); }
  // A zero-filled tensor of output i's type and shape.
  ir::Tensor new_output(std::size_t i = 0) const;
};

// "node 'conv1' (Conv-11)", for messages.
std::string describe(const ir::Node& node);

// The tensor's elements in `type`; the tensor itself when it has that type already.
ir::Tensor converted(const ir::Tensor& tensor, ir::DType type);

// loops.cpp
ir::Tensor evaluate_tabulate(const NodeCall& call, const ir::Tabulate& tabulate);
ir::Tensor evaluate_reduce(const NodeCall& call, const ir::Reduce& reduce);
ir::Tensor evaluate_scatter(const NodeCall& call, const ir::Scatter& scatter);
// einsum.cpp, convolution.cpp
ir::Tensor evaluate_einsum(const NodeCall& call, const ir::Einsum& einsum);
ir::Tensor evaluate_convolution(const NodeCall& call, const ir::Convolution& convolution);
// structured.cpp
ir::Tensor evaluate_concat(const NodeCall& call, const ir::Concat& concat);
ir::Tensor evaluate_view(const NodeCall& call);
ir::Tensor evaluate_cumulative(const NodeCall& call, const ir::Cumulative& cumulative);
std::vector<ir::Tensor> evaluate_sort(const NodeCall& call, const ir::Sort& sort);
ir::Tensor evaluate_compact(const NodeCall& call);
// random.cpp
ir::Tensor evaluate_random(const NodeCall& call, const ir::Random& random);

}  // namespace o2w::eval
