// Makes nodes. All shapes are computed here: to build a node is to infer its shape.
//
// Value contents (small integer tensors as Dims) are propagated by the builder for every node it makes, and
// nodes whose inputs are all constant and small are folded where the caller has installed a folder.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "compiler/ir/graph.h"

namespace o2w::ir {

// The reads of the expression under construction: collects the node's inputs.
class Body {
 public:
  explicit Body(std::vector<Value*> inputs = {}) : inputs_(std::move(inputs)) {}
  // Element of `value` at the given indices, in the value's compute type.
  Expr at(Value* value, std::vector<Expr> indices);
  const std::vector<Value*>& inputs() const { return inputs_; }

 private:
  std::vector<Value*> inputs_;
};

class Builder {
 public:
  using Indices = std::span<const Expr>;
  // Called with a finished node whose inputs are all constants; returns the outputs' contents or nothing.
  using Folder = std::function<std::optional<std::vector<Tensor>>(const Node&)>;

  explicit Builder(Graph& graph) : graph_(&graph), region_(&graph.region) {}

  Graph& graph() { return *graph_; }
  Region& region() { return *region_; }
  // Nodes go to this region until further notice; returns the region before.
  Region* enter(Region* region);
  void set_origin(std::shared_ptr<const Origin> origin) { origin_ = std::move(origin); }
  void set_folder(Folder folder) { folder_ = std::move(folder); }

  Value* constant(Tensor tensor, std::string name = {});
  template <typename T>
  Value* scalar(DType type, T value) {
    return constant(Tensor::scalar(type, value));
  }
  // A 1-D (or, for one Dim, optionally scalar) integer tensor of sizes.
  Value* from_dims(const std::vector<Dim>& dims, DType type = DType::i64, bool scalar = false);

  // output[i..] = make(body, indices). The expression is cast to `type` if it is of another type.
  Value* tabulate(DType type, Shape shape, const std::function<Expr(Body&, Indices)>& make);
  // Elementwise with ONNX (numpy) broadcasting; `make` gets the elements in compute types, in order.
  // Emits Require nodes where equality of sizes can only be checked at run time.
  Value* map(DType type, std::vector<Value*> operands,
             const std::function<Expr(std::span<const Expr>)>& make);
  Value* map1(Value* x, const std::function<Expr(const Expr&)>& make);  // of x's type
  // Reduces over all `extents`; `make` gets rank(shape) + extents.size() indices.
  Value* reduce(Combiner combiner, DType type, Shape shape, Shape extents,
                const std::function<Expr(Body&, Indices)>& make,
                const std::function<Expr(Body&, Indices)>& guard = nullptr, bool select_last = false);
  // Reduces a value over axes (non-negative, any order) with an optional elementwise step before combining.
  Value* reduce_axes(Combiner combiner, Value* x, std::vector<int> axes, bool keep_dims,
                     const std::function<Expr(const Expr&)>& before = nullptr);
  Value* einsum(Value* lhs, Value* rhs, const std::string& lhs_labels, const std::string& rhs_labels,
                const std::string& out_labels, DType type);
  // numpy.matmul semantics with batch broadcasting and 1-D operands.
  Value* matmul(Value* lhs, Value* rhs, DType type);
  Value* convolution(Value* x, Value* w, Convolution attributes, Shape shape, DType type);
  Value* concat(std::vector<Value*> parts,
                int axis);             // one dtype; other dims must agree (Require where unknown)
  Value* view(Value* x, Shape shape);  // counts must agree (Require where unknown)
  Value* scatter(Value* data, Combiner combiner, Shape extents,
                 const std::function<std::vector<Expr>(Body&, Indices)>& target,
                 const std::function<Expr(Body&, Indices)>& make,
                 const std::function<Expr(Body&, Indices)>& guard = nullptr);
  Value* cumulative(Value* x, Combiner combiner, int axis, bool exclusive, bool reverse);
  std::pair<Value*, Value*> sort(Value* x, int axis, const Dim& k, bool largest);
  Value* compact(Value* mask);
  // Symbols for the elements of a 1-D or scalar integer tensor whose contents are not known.
  std::vector<Dim> bind(Value* sizes, const std::string& hint, int64_t lower = 0, int64_t upper = INT32_MAX);
  // Records a run-time check, unless it is provably true; a provably false one is a ModelError with the
  // message. Where the check amounts to bounds of an input symbol and every run makes it, it narrows those
  // bounds instead.
  void require(Require::Relation relation, const Dim& a, const Dim& b, const std::string& message);
  std::vector<Value*> opaque(Opaque attributes, std::vector<Value*> inputs,
                             std::vector<std::pair<DType, Shape>> outputs);

  // Compositions used all over.
  Value* cast(Value* x, DType type);
  Value* transpose(Value* x, const std::vector<int>& permutation);
  Value* expand(Value* x, Shape shape);  // broadcasts to exactly this shape
  // start/step per axis; sizes are the output's. output[i] = x[start + i * step].
  Value* slice(Value* x, const std::vector<Dim>& starts, const std::vector<int64_t>& steps, Shape sizes);
  Value* squeeze(Value* x, const std::vector<int>& axes);
  Value* unsqueeze(Value* x, const std::vector<int>& axes);  // positions in the output
  // Two shapes' broadcast, with Require nodes as needed.
  Shape broadcast_shapes(const Shape& a, const Shape& b, const std::string& what);
  // Index expressions that read `value` from a point of a broadcast shape of `rank` dims.
  static std::vector<Expr> broadcast_read(const Value* value, const Shape& shape, Indices indices);

  // Appends a finished node (outputs made by the caller), propagates contents, folds. Prefer the functions
  // above.
  Node* append(Attributes attributes, std::vector<Value*> inputs, std::vector<Value*> outputs);

 private:
  static std::vector<Expr> index_vars(std::size_t count);
  Value* make_node(Attributes attributes, std::vector<Value*> inputs, DType type, Shape shape);
  void propagate_contents(Node& node);
  bool narrow(Require::Relation relation, const Dim& a, const Dim& b);
  void replace_by_constants(Node& node, std::vector<Tensor> tensors);

  Graph* graph_;
  Region* region_;
  std::shared_ptr<const Origin> origin_;
  Folder folder_;
  // Checks that the graph's own region makes.
  std::set<std::tuple<Require::Relation, Dim, Dim>> required_;
};

// Whether a node computes from constants alone and its result is worth keeping: small, or not much larger
// than its inputs.
bool worth_folding(const Node& node);

}  // namespace o2w::ir
