// What the parts of draft_of() share: one for nodes that are plain work, one for control flow.
#pragma once

#include <map>

#include "compiler/schedule/draft.h"

namespace o2w::schedule {

class Drafting {
 public:
  explicit Drafting(Draft& draft) : draft_(&draft) {}

  // Appends the nodes of a region to a block.
  void add_nodes(const ir::Region& region, Block& block);
  int tensor_of(const ir::Value* value) const;
  void define(const ir::Value* value, int tensor) { tensors_[value] = tensor; }

 private:
  void add_node(const ir::Node& node, Block& block);
  int declare(const ir::Value* value);
  int declare_view(const ir::Value* value, int host, const ir::Dim& byte_offset);

  void add_constant(const ir::Node& node);
  NestOp tabulate(const ir::Node& node);
  NestOp reduce(const ir::Node& node);
  void add_concat(const ir::Node& node, Block& block);
  void add_scatter(const ir::Node& node, Block& block);
  NestOp cumulative(const ir::Node& node);
  RoutineOp routine(const ir::Node& node);

  // control_flow.cpp
  void add_if(const ir::Node& node, Block& block);
  void add_loop(const ir::Node& node, Block& block);
  void add_branch(const ir::Node& node, const ir::Region& region, const std::vector<int>& outputs,
                  const std::vector<ir::SymbolRef>& result_symbols, Block& block);
  void add_scan_output(const ir::Node& node, const ir::Value* element, int output,
                       const ir::SymbolRef& iteration, const ir::SymbolRef& capacity, int iteration_tensor,
                       Block& block);
  void emit_into(Block& block, decltype(Operation::what) what);

  std::vector<int> tensors_of(const std::vector<ir::Value*>& values) const;

  Draft* draft_;
  std::map<const ir::Value*, int> tensors_;
  std::shared_ptr<const ir::Origin> origin_;  // of the node being drafted
};

// "node 'x' (Gather-13)", or "the model" for nodes of unknown origin.
std::string describe(const std::shared_ptr<const ir::Origin>& origin);

}  // namespace o2w::schedule
