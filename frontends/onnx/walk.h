// The forward walk over the model's nodes: names to values, one lowering after the other.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/support/diagnostics.h"
#include "frontends/onnx/functions.h"
#include "frontends/onnx/import.h"
#include "frontends/onnx/maps.h"
#include "frontends/onnx/operator.h"

namespace o2w::onnx_frontend {

class Walk final : public SubgraphLowering, public MapKeys {
 public:
  // The graph's inputs are declared already. `choices` are the answers of choose_branch, in order; where they
  // end the answer is yes and is added.
  Walk(const ModelDef& model, const ImportOptions& options, std::vector<bool>& choices, ir::Graph& graph,
       Diagnostics& diagnostics);

  // Lowers the model's graph and sets the graph's outputs. Problems go to the diagnostics.
  void run();

  std::vector<ir::Value*> lower(const GraphDef& graph, ir::Region& region,
                                const std::vector<ir::Value*>& inputs) override;
  bool choose_branch() override;
  ir::Value* of_input(int i) const override;
  void set_output(int i, ir::Value* keys) override;

 private:
  // What a name stands for.
  struct Binding {
    enum class State : uint8_t {
      present,
      absent,    // an optional input of a function that the call leaves out
      given_up,  // its producer failed, which has been reported
    } state = State::present;
    ir::Value* value = nullptr;
    ir::Value* keys = nullptr;  // of a map, whose values `value` then holds
  };
  // Names of one graph; those of the graphs around it are visible through `outer`, up to the function's body.
  struct Scope {
    const Scope* outer = nullptr;
    std::map<std::string, Binding> names;
  };
  // Where the walk is.
  struct Context {
    Scope* scope = nullptr;
    const std::map<std::string, int64_t>* opsets = nullptr;
    const AttributeMap* attributes = nullptr;  // of the function call being inlined
    std::string prefix;                        // of node names in messages: the calls being inlined
  };
  // The same unsupported operator is reported once, however many nodes use it.
  struct Unsupported {
    Location first;
    std::string message, hint;
    int nodes = 0;
  };

  const Binding* find(const std::string& name) const;
  void define(const std::string& name, Binding binding);
  void add_initializers(const GraphDef& graph);
  void add_output(const std::string& name, const Binding& binding);
  void walk_nodes(const std::vector<NodeDef>& nodes, const std::vector<std::string>& wanted);
  void report_duplicates(const std::vector<NodeDef>& nodes);
  void walk_node(const NodeDef& node);
  bool gather_inputs(const NodeDef& node, const Location& where, std::vector<Binding>& inputs);
  void inline_function(const FunctionDef& function, const NodeDef& call, const std::vector<Binding>& inputs);
  void lower_node(const NodeDef& node, const OperatorMatch& match, const std::vector<Binding>& inputs,
                  const Location& where);
  static std::string unsuitable_types(const NodeDef& node, const std::vector<Binding>& inputs,
                                      const char* detail);
  void check_sizes(const ir::Region& region, std::size_t first_node) const;
  void give_up(const NodeDef& node);
  void unsupported(const NodeDef& node, int64_t opset, const Location& where);
  void count_node();
  int64_t opset_of(const std::string& domain) const;

  const ModelDef* model_;
  const ImportOptions* options_;
  std::vector<bool>* choices_;
  std::size_t choices_made_ = 0;
  ir::Graph* graph_;
  Diagnostics* diagnostics_;
  ir::Builder builder_;
  Scope top_;
  Context context_;
  std::shared_ptr<const ir::Origin> origin_;
  std::vector<ir::Value*> input_keys_, output_keys_;  // of the node being lowered; null where no map
  std::vector<const FunctionDef*> calls_;             // being inlined, outermost first
  std::vector<std::string> unsupported_order_;
  std::map<std::string, Unsupported> unsupported_;
  int64_t lowered_ = 0;
};

}  // namespace o2w::onnx_frontend
