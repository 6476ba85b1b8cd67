// What an operator's lowering sees: the node, its inputs as IR values, its attributes, and a Builder to say
// what it computes.
#pragma once

#include <fmt/core.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/support/error.h"
#include "frontends/onnx/model.h"

namespace o2w::onnx_frontend {

// One of the ways that a node may compute its outputs: nodes, and the values that they give.
struct Alternative {
  std::unique_ptr<ir::Region> region;
  std::vector<ir::Value*> results;
};

// Lowers graphs nested in a node (If, Loop, Scan); implemented by the import walk.
class SubgraphLowering {
 public:
  virtual ~SubgraphLowering() = default;
  // Lowers `graph` into `region` (already holding its parameters, which stand for the graph's inputs in
  // order) and returns the values of the graph's outputs. Names of the outer graphs are visible.
  virtual std::vector<ir::Value*> lower(const GraphDef& graph, ir::Region& region,
                                        const std::vector<ir::Value*>& inputs) = 0;
  // For a node whose two branches give results that differ in rank: what follows it is lowered for both, as
  // far as it takes until nothing differs any more, and the node's outputs are the walk's concern. Where that
  // is out of reach, one of the branches becomes part of the module, with a check of the condition when it
  // runs.
  virtual void diverge(ir::Value* condition, Alternative then_branch, Alternative else_branch) = 0;
  // For a node whose outputs' rank depends on what only the run knows, where no divergence tells its cases
  // apart: whether the module is made for the first of two cases, with a check in it. The import tries the
  // answers in turn until the rest of the model fits, and warns.
  virtual bool choose_branch() = 0;
  // The rank of the elements of a list that begins without any, made for output `name` of the node at hand.
  // What the walk finds out about it later, the import's next attempt knows from the start.
  virtual std::shared_ptr<ir::ElementRank> element_rank(const std::string& name) = 0;
};

class Lowering {
 public:
  Lowering(const NodeDef& node, int version, ir::Builder& builder, std::vector<ir::Value*> inputs,
           SubgraphLowering& subgraphs);

  const NodeDef& node() const { return *node_; }
  int version() const { return version_; }  // the matched entry of Operator::versions
  ir::Builder& b() { return *builder_; }
  SubgraphLowering& subgraphs() { return *subgraphs_; }

  // --- Inputs. An absent optional input is null.
  int input_count() const { return static_cast<int>(inputs_.size()); }
  ir::Value* input(int i);           // ModelError if absent
  ir::Value* optional_input(int i);  // null if absent
  // Contents when compiling: a constant's tensor, or null.
  const ir::Tensor* constant(ir::Value* value);
  // Elements of an integer tensor: constant ones, symbolic ones, or - where the value is only known at run
  // time - symbols bound by a new node. `hint` names such symbols.
  std::vector<ir::Dim> sizes(ir::Value* value, const std::string& hint);
  // The same, but nothing where the value is only known at run time.
  std::optional<std::vector<ir::Dim>> known_sizes(ir::Value* value);
  // Constant integers from a constant input (axes, ...): ModelError naming the input when it is not constant.
  std::vector<int64_t> constant_ints(ir::Value* value, const char* what);

  // --- Attributes. A wrong kind is a ModelError; required ones are those without a default.
  bool has_attribute(const char* name) const;
  int64_t int_attribute(const char* name) const;
  int64_t int_attribute(const char* name, int64_t otherwise) const;
  double float_attribute(const char* name) const;
  double float_attribute(const char* name,
                         double otherwise) const;  // the value rounded to f32, as ONNX stores it
  std::string string_attribute(const char* name, const std::string& otherwise) const;
  std::vector<int64_t> ints_attribute(const char* name, std::vector<int64_t> otherwise) const;
  std::vector<double> floats_attribute(const char* name, std::vector<double> otherwise) const;
  std::vector<std::string> strings_attribute(const char* name, std::vector<std::string> otherwise) const;
  const ir::Tensor& tensor_attribute(const char* name) const;
  const GraphDef& graph_attribute(const char* name) const;
  const AttributeDef* attribute(const char* name) const;  // null if absent

  // --- Outputs.
  int output_count() const;        // as listed by the node, trailing absent ones included
  bool wants_output(int i) const;  // listed and named
  void output(int i, ir::Value* value);
  const std::vector<ir::Value*>& outputs() const { return outputs_; }

  // --- Checks. All throw ModelError, which the walk turns into a diagnostic with the node, and goes on with
  // the next node.
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw ModelError(fmt::format(format, std::forward<Args>(args)...));
  }
  // -rank..rank-1 -> 0..rank-1.
  int axis(int64_t axis, int rank) const;
  std::vector<int> axes(const std::vector<int64_t>& axes, int rank) const;  // sorted, no duplicates
  void expect_rank(const ir::Value* value, int least, int most, const char* what) const;

 private:
  const NodeDef* node_;
  int version_;
  ir::Builder* builder_;
  std::vector<ir::Value*> inputs_, outputs_;
  SubgraphLowering* subgraphs_;
};

}  // namespace o2w::onnx_frontend
