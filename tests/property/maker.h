// Makes a random model node by node. Every node is evaluated as soon as it is added, so that the next one can
// be drawn with the shapes and contents of what is there.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "frontends/onnx/model.h"
#include "frontends/onnx/type_set.h"
#include "tests/property/random.h"

namespace o2w::property {

using onnx_frontend::AttributeDef;
using onnx_frontend::GraphDef;
using onnx_frontend::ModelDef;
using onnx_frontend::NodeDef;
using onnx_frontend::TypeSet;
using Dims = std::vector<int64_t>;

// A value of the model with its contents for the first inputs.
struct Known {
  std::string name;
  ir::Tensor tensor;
  bool constant = false;
  // Its elements are small multiples of a power of two that every order of computing gives alike. Only such
  // floats go where a rounding error would grow to another answer: into comparisons, roundings, arg-max.
  bool exact = true;

  ir::DType type() const { return tensor.type(); }
  const Dims& dims() const { return tensor.dims(); }
  int rank() const { return static_cast<int>(tensor.rank()); }
};

// What an operator does to exactness: keeps the elements; computes what is exact as long as it fits the grid;
// or rounds.
enum class Exactness : uint8_t { moved, computed, rounded };

// How the contents of an input are drawn, again for every run.
struct Recipe {
  enum class Kind : uint8_t { any, range, fixed } kind = Kind::any;
  int64_t low = 0, high = 0;
};

struct Input {
  std::string name;
  Recipe recipe;
  bool resizable = true;  // its sizes may be dynamic
  ir::Tensor tensor;
};

struct Case {
  uint64_t seed = 0;
  ModelDef model;
  std::vector<Input> inputs;                   // those of model.graph, in order
  std::map<std::string, bool> exact;           // of the main graph's values
  std::map<std::string, ir::Tensor> contents;  // the same, for the inputs' contents
  bool specials = false;                       // inputs hold infinities, NaN and the like
  bool bounded = false;                        // dynamic dimensions are compiled for 1..64 only
  double scale = 1;                            // of the largest rounded number
  double precision = 1e-4;                     // relative to the scale; of the coarsest type
  std::string rejected;                        // why the last node could not be added: a finding
};

using AttributeMap = std::map<std::string, AttributeDef>;
AttributeDef ints(Dims values);
AttributeDef integer(int64_t value);
AttributeDef real(double value);
AttributeDef text(std::string value);
AttributeDef subgraph(GraphDef graph);

struct Rejected : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Wanted {
  int least_rank = 0, most_rank = 4;
  bool exact = false;
  std::function<bool(const Known&)> holds = nullptr;
  double reuse = 0.85;  // probability of taking a value that is there
};

class Maker {
 public:
  Maker(uint64_t seed, int64_t opset);

  Random& random() { return random_; }
  int64_t opset() const { return opset_; }
  int depth() const { return static_cast<int>(graphs_.size()) - 1; }

  // The types that the operator table allows for an input; ModelError if there is no such operator.
  TypeSet types(const std::string& op, int input = 0, const std::string& domain = {}) const;
  bool has(const std::string& op, const std::string& domain = {}) const;
  ir::DType draw_type(TypeSet types);
  Dims draw_dims(int least_rank, int most_rank);

  // A value of one of the types: one that is there, or a new input or initializer. `dims` fixes the shape.
  Known value(TypeSet types, const Wanted& wanted = {});
  // A new one. Without a recipe its contents are drawn by its type.
  Known fresh(ir::DType type, const Dims& dims, bool exact = false, bool plain = false);
  // Without infinities and NaN, for weights of convolutions: the padding that meets them counts as nothing in
  // kernels and as zeros, which make NaN of them, in the definition.
  Known fresh_weights(ir::DType type, const Dims& dims) { return fresh(type, dims, false, true); }
  // Integers from `low` to `high`.
  Known fresh_in(ir::DType type, const Dims& dims, int64_t low, int64_t high, bool resizable = true);
  Known constant(ir::Tensor tensor);
  Known constant_ints(const Dims& values, ir::DType type = ir::DType::i64);
  // The same as an input whose contents stay; for shapes, axes and the like.
  Known shape_like(const Dims& values, ir::DType type = ir::DType::i64);
  // A shape that broadcasts with `dims`.
  Dims broadcastable(const Dims& dims);

  // Adds a node and gives its outputs. Empty names are absent inputs. Nothing when the result is of no use
  // (too large, not a number). Throws Rejected when the compiler refuses the node.
  std::optional<std::vector<Known>> add(const std::string& op, const std::vector<Known>& inputs,
                                        AttributeMap attributes = {}, Exactness exactness = Exactness::moved,
                                        int outputs = 1, const std::string& domain = {});
  static Known absent() { return {}; }

  // Subgraphs: nodes are added to the innermost open one.
  void open();
  // Declares a parameter of the open subgraph with the contents it has in the first round. ONNX Runtime wants
  // to be told that a loop's number of iterations and condition are scalars.
  Known parameter(const Known& like, bool scalar = false);
  GraphDef close(const std::vector<std::string>& results);
  const std::vector<Known>& values() const { return values_; }

  Case finish();

 private:
  struct OpenGraph {
    GraphDef graph;
    std::size_t first_value = 0;
  };
  Known declare(ir::Tensor tensor, Recipe recipe, bool resizable, bool constant);
  std::vector<ir::Tensor> evaluate(const NodeDef& node) const;
  ModelDef single_node(const NodeDef& node) const;
  std::string new_name() { return "v" + std::to_string(next_++); }

  Random random_;
  int64_t opset_;
  Case case_;
  std::vector<OpenGraph> graphs_;
  std::vector<Known> values_;
  int next_ = 0;
  std::size_t nodes_ = 0;
};

// Contents by recipe and type.
ir::Tensor fill(Random& random, ir::DType type, const Dims& dims, const Recipe& recipe, bool exact,
                bool specials);
// Whether all elements lie on the coarse grid where sums and products of few are exact.
bool on_grid(const ir::Tensor& tensor);
// The largest finite magnitude; infinity when there is an element that is not finite.
double magnitude(const ir::Tensor& tensor);
double precision_of(ir::DType type);
// Takes away what the outputs do not need: nodes, inputs, initializers.
void prune(Case& made);

}  // namespace o2w::property
