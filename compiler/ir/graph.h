// The graph IR: values in static single assignment, nodes of a few kinds, regions for control flow.
//
// Every value has an element type, a shape of Dims and perhaps constant contents. Nodes of a region stand in
// topological order; a region's nodes may read values of the regions around it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/dim.h"
#include "compiler/ir/dtype.h"
#include "compiler/ir/expr.h"
#include "compiler/ir/list_type.h"
#include "compiler/ir/tensor.h"

namespace o2w::ir {

struct Node;
struct Region;

struct Value {
  int id = 0;        // unique in the graph; the text form prints %id
  std::string name;  // the ONNX tensor name where there is one; for messages only, need not be unique
  DType type = DType::f32;
  Shape shape;
  Node* producer = nullptr;  // null for parameters of a region
  int output_index = 0;      // which of the producer's outputs

  int rank() const { return static_cast<int>(shape.size()); }
  // What is known of the elements of a small integer (or bool) tensor, row-major: how the sizes that a model
  // computes from shapes become Dims while it is lowered.
  std::optional<std::vector<Dim>> contents;
  std::shared_ptr<const ListType> list;  // of values whose type is DType::list
};

enum class Combiner : uint8_t { none, sum, prod, min, max, logical_and, logical_or, arg_min, arg_max };

// ---- Node kinds. `inputs`/`outputs` are the Node's; expressions read input k as slot k.

// Contents known when compiling. No inputs, one output.
struct Constant {
  Tensor tensor;
};

// output[i0, ..] = body. Index variable k is output dimension k.
struct Tabulate {
  Expr body;
};

// output[i0, ..] = combine over r0.. of body. Index variables 0..rank-1 are the output's, rank.. the
// reduction's. Where `guard` (boolean) is given and false, the element is left out. An empty reduction gives
// the combiner's identity. arg_min/arg_max: body is compared, the output (i64) is the flattened reduction
// position; ties go to the first, with `select_last` to the last. NaN: min/max give NaN; arg_* take the first
// NaN. The body's type is the accumulator's and (but for arg_*) the output's compute type.
struct Reduce {
  Combiner combiner = Combiner::sum;
  Shape extents;  // of the reduction axes
  Expr body;
  Expr guard;  // may be null
  bool select_last = false;
};

// Sums of products, einsum form: labels name dimensions; those absent from `out` are summed over. inputs:
// lhs, rhs. MatMul is lhs "bmk", rhs "bkn", out "bmn". A dimension of size 1 on one side broadcasts only if
// labelled apart.
struct Einsum {
  std::string lhs, rhs, out;
};

// Convolution (cross-correlation), inputs: x [N, C, d0..], w [M, C/group, k0..] (transposed: [C, M/group,
// k0..]). Output [N, M, o0..]; sizes are the output's shape. pads_begin/strides/dilations one entry per
// spatial dim; padding at the end is implied by the output's size. Accumulates in the output's compute type
// (i32 for 8-bit inputs).
struct Convolution {
  std::vector<int64_t> strides, dilations;
  std::vector<Dim> pads_begin;
  int64_t group = 1;
  bool transposed = false;  // gradient of the convolution by its input: ConvTranspose
};

// Concatenation along an axis.
struct Concat {
  int axis = 0;
};

// The same elements, row-major, under the output's shape.
struct View {};

// output = inputs[0]; then for every point of `extents` (index variables 0..), in row-major order:
// output[target...] = combine(output[target...], body). Combiner none overwrites. A false `guard` skips the
// point.
struct Scatter {
  Combiner combiner = Combiner::none;
  Shape extents;
  std::vector<Expr> target;  // one per dimension of the output; use checked_index for data-dependent ones
  Expr body;
  Expr guard;  // may be null
};

// Running combination along an axis.
struct Cumulative {
  Combiner combiner = Combiner::sum;
  int axis = 0;
  bool exclusive = false, reverse = false;
};

// The k = output dim [axis] first elements in sorted order along an axis. outputs: values, indices (i64).
// Stable: ties keep the lower index first. NaN sorts as the largest.
struct Sort {
  int axis = 0;
  bool largest = true;
};

// Positions of non-zero elements: output [rank, n] i64, row-major order, n a run-time symbol (`count`).
struct Compact {
  SymbolRef count;
};

// Defines symbols from the elements of an integer tensor (inputs[0], one element per symbol; fewer symbols
// than elements is an error). No outputs. A value outside the symbol's bounds is the run-time error of the
// node.
struct Bind {
  std::vector<SymbolRef> symbols;
};

// Checks a relation between Dims at run time; the message says what was expected. No inputs or outputs.
struct Require {
  enum class Relation : uint8_t { equal, broadcastable, less_equal } relation = Relation::equal;
  Dim a, b;
  std::string message;
};

// inputs[0]: scalar bool. Results of the branch taken become the outputs. Where the branches' shapes differ,
// that output dimension is a symbol of the node (`result_symbols`), equal to the taken branch's.
struct If {
  std::unique_ptr<Region> then_region, else_region;
  std::vector<SymbolRef> result_symbols;
};

// inputs: carried tensors' initial values, preceded by a scalar bool start condition where `has_condition`.
// Body parameters: iteration number (scalar i64), then the carried tensors. Body results: a scalar bool (go
// on?) where `has_condition`, then the carried tensors' next values, then one element per scan output. Node
// outputs: final carried values, then scan outputs with a new leading dimension (iterations). `trip_count`
// bounds the iterations (absent: endless until the condition). A carried dimension that changes between
// iterations is a symbol in the body's parameter shape, listed in `carried_symbols` and rebound on each
// iteration. `iterations` is set when the count depends on data; the scan outputs' leading Dim is then that
// symbol.
struct Loop {
  std::optional<Dim> trip_count;
  bool has_condition = false;
  int carried = 0;
  std::unique_ptr<Region> body;
  SymbolRef iterations;
  std::vector<SymbolRef> carried_symbols;
  std::vector<SymbolRef>
      result_symbols;  // of final carried shapes and scan elements' shapes that depend on data
};

// Pseudo-random numbers (philox-like counter generator of the runtime library); see docs/architecture.md.
struct Random {
  enum class Distribution : uint8_t {
    uniform,
    normal,
    bernoulli,
    multinomial
  } distribution = Distribution::uniform;
  double a = 0, b = 1;  // low/high or mean/scale
  std::optional<uint64_t> seed;
};

// A call of a runtime-library routine by name, for the irregular operators. Inputs and outputs are passed as
// tensor descriptors. `counts` are symbols that the routine defines (data-dependent output sizes), each
// output then being allocated for its shape with the symbols at their upper bounds given in `capacity`.
struct Opaque {
  std::string routine;
  std::vector<int64_t> ints;
  std::vector<double> floats;
  std::vector<SymbolRef> counts;
  std::vector<Shape> capacity;  // per output, the shape to reserve
};

using Attributes = std::variant<Constant, Tabulate, Reduce, Einsum, Convolution, Concat, View, Scatter,
                                Cumulative, Sort, Compact, Bind, Require, If, Loop, Random, Opaque>;

// Which node of the user's model this came from.
struct Origin {
  std::string node;  // ONNX name, or "#12"
  std::string op;    // "Conv-11"
};

struct Node {
  Attributes attributes;
  std::vector<Value*> inputs;
  std::vector<Value*> outputs;
  std::shared_ptr<const Origin> origin;

  template <typename T>
  T* as() {
    return std::get_if<T>(&attributes);
  }
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&attributes);
  }
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(attributes);
  }
  const char* kind_name() const;
};

struct Region {
  std::vector<Value*> parameters;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<Value*> results;
};

// One end of the model. Its value is a parameter (inputs) or a result (outputs) of the graph's region.
struct Port {
  std::string name;
  Value* value = nullptr;
};

class Graph {
 public:
  Graph() = default;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  std::string name;
  std::vector<Port> inputs, outputs;
  Region region;              // parameters and results agree with inputs and outputs
  int64_t opset = 0;          // of ai.onnx, of the source model
  std::string source_sha256;  // of the source model's bytes; may be empty

  Value* new_value(DType type, Shape shape, std::string name = {});
  // The same under a given number, for the parser of the text form; the number must be free.
  Value* new_value_numbered(int id, DType type, Shape shape, std::string name = {});
  // A fresh symbol; `hint` is made unique by a suffix.
  SymbolRef new_symbol(const std::string& hint, int64_t lower, int64_t upper, bool from_input);
  // Narrows a symbol's bounds to what every run of the model needs; whoever defines the symbol checks them.
  void tighten(const std::string& symbol_name, int64_t lower, int64_t upper);
  SymbolRef find_symbol(const std::string& name) const;  // null if none
  const std::map<std::string, std::shared_ptr<Symbol>>& symbols() const { return symbols_; }
  // Removes values that no node or port refers to any more, from memory.
  void collect_garbage();
  int value_count() const { return next_id_; }

 private:
  std::vector<std::unique_ptr<Value>> values_;
  std::map<std::string, std::shared_ptr<Symbol>> symbols_;
  std::map<std::string, int> suffixes_;  // the last one given, by hint
  int next_id_ = 0;
};

// The contents if the value is made by a Constant node, else null.
const Tensor* constant_of(const Value* value);
// Calls `visit(node, region)` for all nodes in order, the nodes of nested regions right after their owner.
void for_each_node(Region& region, const std::function<void(Node&, Region&)>& visit);
void for_each_node(const Region& region, const std::function<void(const Node&)>& visit);
// Regions of a node (If, Loop), outermost first.
std::vector<Region*> regions_of(Node& node);
std::vector<const Region*> regions_of(const Node& node);
// All expressions of a node (body, guard, targets), for passes that rewrite them.
std::vector<Expr*> expressions_of(Node& node);
std::vector<const Expr*> expressions_of(const Node& node);
// All sizes that a node holds outside of its expressions: output shapes, extents, pads, checks, counts.
std::vector<Dim> dims_of(const Node& node);
// Names of all symbols that a node reads: in its sizes and expressions, regions not included.
std::vector<std::string> symbols_used_by(const Node& node);
// All symbols that a node defines.
std::vector<SymbolRef> symbols_defined_by(const Node& node);
// Number of uses of every value: node inputs in all regions, region results.
std::map<const Value*, int> count_uses(const Graph& graph);
// Replaces uses in the region and all nested ones (inputs and results); outputs of the graph keep their
// names.
void replace_uses(Graph& graph, Value* from, Value* to);

}  // namespace o2w::ir
