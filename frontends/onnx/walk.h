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

// What one attempt to import a model decides and learns for the next.
struct ImportAttempt {
  std::vector<bool> choices;         // answers of choose_branch, in order; where they end the answer is yes
  std::map<std::string, int> ranks;  // of lists' elements, by what element_rank was asked for
};

class Walk final : public SubgraphLowering, public MapKeys {
 public:
  // The graph's inputs are declared already.
  Walk(const ModelDef& model, const ImportOptions& options, ImportAttempt& attempt, ir::Graph& graph,
       Diagnostics& diagnostics);

  // Lowers the model's graph and sets the graph's outputs. Problems go to the diagnostics.
  void run();

  std::vector<ir::Value*> lower(const GraphDef& graph, ir::Region& region,
                                const std::vector<ir::Value*>& inputs) override;
  bool choose_branch() override;
  ir::Value* of_input(int i) const override;
  void set_output(int i, ir::Value* keys) override;
  void diverge(ir::Value* condition, Alternative then_branch, Alternative else_branch) override;
  std::shared_ptr<ir::ElementRank> element_rank(const std::string& name) override;

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
    const GraphDef* graph = nullptr;           // null in a function's body
    std::string prefix;                        // of node names in messages: the calls being inlined
  };
  // The same unsupported operator is reported once, however many nodes use it.
  struct Unsupported {
    Location first;
    std::string message, hint;
    int nodes = 0;
  };

  // --- divergence.cpp: nodes after a branch whose results differ in rank.
  // The nodes of one graph or function in the order they are walked in, and what must be known at their end.
  struct Block {
    std::vector<const NodeDef*> nodes;
    std::vector<std::string> wanted;
    bool is_model = false;  // the model's own graph
  };
  struct Divergence {
    ir::Value* condition = nullptr;
    Alternative then_branch, else_branch;
  };
  struct Side;
  void walk_block(const Block& block);
  std::size_t walk_from(const Block& block, std::size_t at);
  std::size_t walk_both(const Block& block, std::size_t at, Divergence divergence);
  void advance(const Block& block, Side& side);
  bool merge(const Block& block, const std::vector<std::string>& live, bool at_end, Divergence& divergence,
             Side& then_side, Side& else_side);
  void warn_of_choice(bool choice, const char* reason);
  void check(const Divergence& divergence, bool choice);
  void assume(const Divergence& divergence, bool choice, Side& side);

  const Binding* find(const std::string& name) const;
  void define(const std::string& name, Binding binding);
  void add_initializers(const GraphDef& graph);
  void add_output(const std::string& name, const Binding& binding);
  void add_lists();
  void learn_rank(const ir::Value* list, const TypeDef& declared);
  ir::Value* as_declared(ir::Value* value, const TypeDef& type);
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
  ImportAttempt* attempt_;
  std::size_t choices_made_ = 0;
  ir::Graph* graph_;
  Diagnostics* diagnostics_;
  ir::Builder builder_;
  std::map<std::string, std::shared_ptr<ir::ElementRank>> element_ranks_;
  Scope top_;
  Context context_;
  std::shared_ptr<const ir::Origin> origin_;
  std::vector<ir::Value*> input_keys_, output_keys_;  // of the node being lowered; null where no map
  std::vector<const FunctionDef*> calls_;             // being inlined, outermost first
  std::vector<std::string> unsupported_order_;
  std::map<std::string, Unsupported> unsupported_;
  int64_t lowered_ = 0;
  std::optional<Divergence> divergence_;  // of the node just lowered
  int divergence_depth_ = 0;
};

}  // namespace o2w::onnx_frontend
