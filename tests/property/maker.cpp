#include "tests/property/maker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "compiler/eval/evaluate.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import.h"
#include "frontends/onnx/operator.h"

namespace o2w::property {

using ir::DType;
using ir::Tensor;
using Kind = AttributeDef::Kind;

namespace {

constexpr int64_t most_elements = 700;
constexpr double most_magnitude = 200;

// Names that a subgraph reads from outside.
void collect_captures(const GraphDef& graph, std::set<std::string> known, std::set<std::string>& captured) {
  for (const auto& input : graph.inputs) known.insert(input.name);
  for (const auto& [name, tensor] : graph.initializers) known.insert(name);
  const auto read = [&](const std::string& name) {
    if (!name.empty() && !known.contains(name)) captured.insert(name);
  };
  for (const NodeDef& node : graph.nodes) {
    for (const std::string& name : node.inputs) read(name);
    for (const auto& [key, attribute] : node.attributes) {
      if (attribute.graph) collect_captures(*attribute.graph, known, captured);
    }
    known.insert(node.outputs.begin(), node.outputs.end());
  }
  for (const auto& output : graph.outputs) read(output.name);
}

onnx_frontend::ValueDef declared(const std::string& name, const Tensor& tensor) {
  onnx_frontend::ValueDef def;
  def.name = name;
  def.type.kind = onnx_frontend::TypeDef::Kind::tensor;
  def.type.element = tensor.type();
  def.type.shape.emplace();
  for (const int64_t dim : tensor.dims()) def.type.shape->push_back({dim, {}});
  return def;
}

onnx_frontend::ValueDef of_any_shape(const std::string& name, DType type) {
  onnx_frontend::ValueDef def;
  def.name = name;
  def.type.kind = onnx_frontend::TypeDef::Kind::tensor;
  def.type.element = type;
  return def;
}

}  // namespace

AttributeDef ints(Dims values) {
  AttributeDef attribute;
  attribute.kind = Kind::integers;
  attribute.integers = std::move(values);
  return attribute;
}
AttributeDef integer(int64_t value) {
  AttributeDef attribute;
  attribute.kind = Kind::integer;
  attribute.integer = value;
  return attribute;
}
AttributeDef real(double value) {
  AttributeDef attribute;
  attribute.kind = Kind::real;
  attribute.real = static_cast<double>(static_cast<float>(value));
  return attribute;
}
AttributeDef text(std::string value) {
  AttributeDef attribute;
  attribute.kind = Kind::text;
  attribute.text = std::move(value);
  return attribute;
}
AttributeDef subgraph(GraphDef graph) {
  AttributeDef attribute;
  attribute.kind = Kind::graph;
  attribute.graph = std::make_shared<GraphDef>(std::move(graph));
  return attribute;
}

Maker::Maker(uint64_t seed, int64_t opset) : random_(seed), opset_(opset) {
  case_.seed = seed;
  case_.specials = random_.chance(0.06);
  graphs_.emplace_back();
  graphs_.front().graph.name = "random";
}

TypeSet Maker::types(const std::string& op, int input, const std::string& domain) const {
  const onnx_frontend::OperatorMatch match =
      onnx_frontend::find_operator(domain, op, domain.empty() ? opset_ : 1);
  if (match.op == nullptr) fail_model("the table has no {}", op);
  for (const onnx_frontend::TypeParameter& parameter : match.op->types) {
    if (parameter.at.has_input(input)) return parameter.types;
  }
  fail_model("the table says nothing of input {} of {}", input, op);
}

bool Maker::has(const std::string& op, const std::string& domain) const {
  return onnx_frontend::find_operator(domain, op, domain.empty() ? opset_ : 1).op != nullptr;
}

DType Maker::draw_type(TypeSet types) {
  // The usual ones more often.
  static const std::pair<DType, int> weights[] = {{DType::f32, 24},    {DType::i64, 8}, {DType::i32, 6},
                                                  {DType::boolean, 3}, {DType::f64, 3}, {DType::f16, 2},
                                                  {DType::u8, 2},      {DType::i8, 2}};
  std::vector<DType> list;
  for (const DType type : types.list()) {
    if (type == DType::string || type == DType::c64 || type == DType::c128) continue;
    int weight = 1;
    for (const auto& [usual, often] : weights) {
      if (usual == type) weight = often;
    }
    list.insert(list.end(), static_cast<std::size_t>(weight), type);
  }
  ensure(!list.empty(), "no type to draw");
  return random_.pick(list);
}

Dims Maker::draw_dims(int least_rank, int most_rank) {
  const auto rank = random_.between(least_rank, most_rank);
  Dims dims;
  int64_t count = 1;
  for (int64_t d = 0; d < rank; ++d) {
    int64_t dim = random_.chance(0.02)   ? 0
                  : random_.chance(0.15) ? 1
                  : random_.chance(0.15) ? random_.pick({8, 9, 12, 16, 17})
                                         : random_.between(2, 7);
    while (dim > 1 && count * dim > most_elements) dim /= 2;
    dims.push_back(dim);
    count *= std::max<int64_t>(dim, 1);
  }
  return dims;
}

Known Maker::value(TypeSet types, const Wanted& wanted) {
  const auto suits = [&](const Known& known) {
    return types.contains(known.type()) && known.rank() >= wanted.least_rank &&
           known.rank() <= wanted.most_rank && (!wanted.exact || known.exact) &&
           (!wanted.holds || wanted.holds(known));
  };
  if (random_.chance(wanted.reuse)) {
    std::vector<const Known*> candidates;
    for (const Known& known : values_) {
      if (suits(known)) candidates.push_back(&known);
    }
    // Late ones more often, so that graphs grow deep rather than wide.
    if (!candidates.empty()) {
      std::size_t at = 0;
      for (int i = 0; i < 3; ++i) at = std::max(at, random_.below(candidates.size()));
      return *candidates[at];
    }
  }
  for (int i = 0; i < 20; ++i) {
    const Dims dims = draw_dims(wanted.least_rank, wanted.most_rank);
    const DType type = draw_type(types);
    if (!wanted.holds) return fresh(type, dims, wanted.exact);
    Known probe;
    probe.tensor = Tensor(type, dims);
    if (wanted.holds(probe)) return fresh(type, dims, wanted.exact);
  }
  throw std::runtime_error("nothing suits");
}

Known Maker::declare(Tensor tensor, Recipe recipe, bool resizable, bool is_constant) {
  GraphDef& graph = graphs_.front().graph;
  Known known;
  known.name = new_name();
  known.constant = is_constant;
  known.exact = !ir::is_float(tensor.type()) || on_grid(tensor);
  if (!known.exact) case_.precision = std::max(case_.precision, precision_of(tensor.type()));
  if (is_constant) {
    graph.initializers[known.name] = tensor;
  } else {
    graph.inputs.push_back(declared(known.name, tensor));
    case_.inputs.push_back({known.name, recipe, resizable, tensor});
  }
  known.tensor = std::move(tensor);
  case_.exact[known.name] = known.exact;
  // Visible everywhere: it stands before all that the innermost graph has.
  values_.push_back(known);
  return known;
}

Known Maker::fresh(DType type, const Dims& dims, bool exact, bool plain) {
  const bool is_constant = random_.chance(0.35);
  Recipe recipe;
  const bool grid = exact || random_.chance(0.6);
  // Of Kind::any: whether on the grid, and without infinities and NaN.
  recipe.low = grid ? 1 : 0;
  recipe.high = plain ? 1 : 0;
  Tensor tensor = fill(random_, type, dims, recipe, grid, case_.specials && !is_constant);
  return declare(std::move(tensor), recipe, true, is_constant);
}

Known Maker::fresh_in(DType type, const Dims& dims, int64_t low, int64_t high, bool resizable) {
  const Recipe recipe{Recipe::Kind::range, low, high};
  return declare(fill(random_, type, dims, recipe, true, false), recipe, resizable, random_.chance(0.4));
}

Known Maker::constant(Tensor tensor) { return declare(std::move(tensor), {}, false, true); }

namespace {

Tensor vector_of(const Dims& values, DType type) {
  Tensor tensor(type, {static_cast<int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) tensor.set_int(static_cast<int64_t>(i), values[i]);
  return tensor;
}

}  // namespace

Known Maker::constant_ints(const Dims& values, DType type) { return constant(vector_of(values, type)); }

Known Maker::shape_like(const Dims& values, DType type) {
  if (random_.chance(0.6)) return constant_ints(values, type);
  return declare(vector_of(values, type), {Recipe::Kind::fixed}, false, false);
}

Dims Maker::broadcastable(const Dims& dims) {
  Dims result = dims;
  for (int64_t& dim : result) {
    if (random_.chance(0.25)) dim = 1;
  }
  if (random_.chance(0.05) && result.size() < 4) {
    result.insert(result.begin(), random_.between(1, 2));
  } else if (random_.chance(0.3) && !result.empty()) {
    result.erase(result.begin(), result.begin() + random_.between(0, static_cast<int64_t>(result.size())));
  }
  return result;
}

ModelDef Maker::single_node(const NodeDef& node) const {
  ModelDef model;
  model.ir_version = 10;
  model.opset_imports[""] = opset_;
  model.opset_imports["com.microsoft"] = 1;
  model.graph.name = "one";
  std::set<std::string> names;
  GraphDef around;
  around.nodes = {node};
  collect_captures(around, {}, names);
  for (const std::string& name : names) {
    const auto found = std::find_if(values_.rbegin(), values_.rend(),
                                    [&](const Known& known) { return known.name == name; });
    ensure(found != values_.rend(), "a node reads what there is not");
    if (found->constant) {
      model.graph.initializers[name] = found->tensor;
    } else {
      model.graph.inputs.push_back(declared(name, found->tensor));
    }
  }
  model.graph.nodes = {node};
  for (const std::string& name : node.outputs) model.graph.outputs.push_back(of_any_shape(name, DType::f32));
  return model;
}

std::vector<Tensor> Maker::evaluate(const NodeDef& node) const {
  ModelDef model = single_node(node);
  std::vector<Tensor> inputs;
  for (const auto& input : model.graph.inputs) {
    const auto found = std::find_if(values_.rbegin(), values_.rend(),
                                    [&](const Known& known) { return known.name == input.name; });
    inputs.push_back(found->tensor);
  }
  Diagnostics diagnostics;
  const auto graph = onnx_frontend::import_model(model, {}, diagnostics);
  if (!graph) throw Rejected(diagnostics.to_string());
  try {
    return eval::evaluate(*graph, inputs);
  } catch (const ModelError& error) {
    throw Rejected(node.name + ": " + error.what());
  }
}

std::optional<std::vector<Known>> Maker::add(const std::string& op, const std::vector<Known>& inputs,
                                             AttributeMap attributes, Exactness exactness, int outputs,
                                             const std::string& domain) {
  NodeDef node;
  node.op_type = op;
  node.domain = domain;
  node.name = op + "_" + std::to_string(nodes_);
  for (auto& [name, attribute] : attributes) attribute.name = name;
  node.attributes = std::move(attributes);
  bool exact = exactness != Exactness::rounded;
  for (const Known& input : inputs) {
    node.inputs.push_back(input.name);
    exact = exact && (input.name.empty() || input.exact);
  }
  while (!node.inputs.empty() && node.inputs.back().empty()) node.inputs.pop_back();
  for (int i = 0; i < outputs; ++i) node.outputs.push_back(new_name());
  std::vector<Tensor> tensors = evaluate(node);

  std::vector<Known> results;
  for (int i = 0; i < outputs; ++i) {
    Known& known = results.emplace_back();
    known.name = node.outputs[static_cast<std::size_t>(i)];
    known.tensor = tensors[static_cast<std::size_t>(i)];
    if (known.tensor.count() > 4 * most_elements) return std::nullopt;
    if (!ir::is_float(known.type())) continue;
    known.exact = exact && (exactness == Exactness::moved || on_grid(known.tensor));
    if (known.exact || case_.specials) continue;
    if (magnitude(known.tensor) > most_magnitude) return std::nullopt;
  }
  for (const Known& known : results) {
    if (graphs_.size() == 1) {
      case_.exact[known.name] = known.exact;
      case_.contents[known.name] = known.tensor;
    }
    if (ir::is_float(known.type()) && !known.exact) {
      case_.precision = std::max(case_.precision, precision_of(known.type()));
      const double size = magnitude(known.tensor);
      if (std::isfinite(size)) case_.scale = std::max(case_.scale, size);
    }
    values_.push_back(known);
  }
  graphs_.back().graph.nodes.push_back(std::move(node));
  ++nodes_;
  return results;
}

void Maker::open() {
  OpenGraph& opened = graphs_.emplace_back();
  opened.first_value = values_.size();
  opened.graph.name = "body" + std::to_string(next_++);
}

Known Maker::parameter(const Known& like, bool scalar) {
  Known known = like;
  known.name = new_name();
  known.constant = false;
  values_.push_back(known);
  graphs_.back().graph.inputs.push_back(of_any_shape(known.name, known.type()));
  if (scalar) graphs_.back().graph.inputs.back().type.shape.emplace();
  return known;
}

GraphDef Maker::close(const std::vector<std::string>& results) {
  OpenGraph closed = std::move(graphs_.back());
  graphs_.pop_back();
  for (const std::string& name : results) {
    const auto found = std::find_if(values_.rbegin(), values_.rend(),
                                    [&](const Known& known) { return known.name == name; });
    closed.graph.outputs.push_back(of_any_shape(name, found->type()));
  }
  // What was declared inside but belongs to the main graph stays visible.
  const GraphDef& main = graphs_.front().graph;
  std::vector<Known> kept(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(closed.first_value));
  for (std::size_t i = closed.first_value; i < values_.size(); ++i) {
    const std::string& name = values_[i].name;
    const bool is_input = std::any_of(main.inputs.begin(), main.inputs.end(),
                                      [&](const auto& input) { return input.name == name; });
    if (is_input || main.initializers.contains(name)) kept.push_back(values_[i]);
  }
  values_ = std::move(kept);
  return std::move(closed.graph);
}

Case Maker::finish() {
  GraphDef& graph = graphs_.front().graph;
  // Outputs: what no node reads, and now and then something in between.
  std::set<std::string> read;
  for (const NodeDef& node : graph.nodes) {
    GraphDef around;
    around.nodes = {node};
    collect_captures(around, {}, read);
  }
  for (const NodeDef& node : graph.nodes) {
    for (const std::string& name : node.outputs) {
      if (read.contains(name) && !random_.chance(0.08)) continue;
      const auto found = std::find_if(values_.begin(), values_.end(),
                                      [&](const Known& known) { return known.name == name; });
      if (found == values_.end()) continue;
      graph.outputs.push_back(of_any_shape(name, found->type()));
    }
  }
  if (random_.chance(0.5)) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      if (!case_.inputs[i].resizable) continue;
      for (onnx_frontend::DimDef& dim : *graph.inputs[i].type.shape) {
        if (!random_.chance(0.5)) continue;
        // Equal sizes are mostly meant to be equal.
        const int64_t size = *dim.value;
        dim.value.reset();
        dim.name = random_.chance(0.85) ? "n" + std::to_string(size) : "d" + std::to_string(next_++);
      }
    }
  }
  case_.model.ir_version = 10;
  case_.model.opset_imports[""] = opset_;
  case_.model.opset_imports["com.microsoft"] = 1;
  case_.model.producer = "onnx2wasm property test";
  case_.model.graph = std::move(graph);
  prune(case_);
  return std::move(case_);
}

void prune(Case& made) {
  GraphDef& graph = made.model.graph;
  std::set<std::string> read;
  for (const auto& output : graph.outputs) read.insert(output.name);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const NodeDef& node = graph.nodes[i];
    const bool needed = std::any_of(node.outputs.begin(), node.outputs.end(),
                                    [&](const std::string& name) { return read.contains(name); });
    if (!needed) {
      graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    GraphDef around;
    around.nodes = {node};
    collect_captures(around, {}, read);
  }
  for (std::size_t i = graph.inputs.size(); i-- > 0;) {
    if (read.contains(graph.inputs[i].name)) continue;
    graph.inputs.erase(graph.inputs.begin() + static_cast<std::ptrdiff_t>(i));
    made.inputs.erase(made.inputs.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::erase_if(graph.initializers, [&](const auto& entry) { return !read.contains(entry.first); });
}

Tensor fill(Random& random, DType type, const Dims& dims, const Recipe& recipe, bool exact, bool specials) {
  Tensor tensor(type, dims);
  const bool is_signed = ir::is_signed(type);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    if (recipe.kind == Recipe::Kind::range) {
      const int64_t number = random.between(recipe.low, recipe.high);
      if (ir::is_float(type)) {
        tensor.set_double(i, static_cast<double>(number));
      } else {
        tensor.set_int(i, number);
      }
    } else if (ir::is_float(type)) {
      double number = 0.25 * static_cast<double>(random.between(-16, 16));
      if (!exact) number = 6 * random.real() - 3;
      if (specials && recipe.high == 0 && random.chance(0.15)) {
        // No large finite numbers: what is left of a sum where they cancel depends on the order of additions.
        number =
            random.pick({std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN(), -0.0, 0.0, 0x1p-140});
      }
      tensor.set_double(i, number);
    } else if (type == DType::boolean) {
      tensor.set_int(i, random.between(0, 1));
    } else {
      const int bits = ir::is_storage_only(type) ? 1 : 3;
      tensor.set_int(i, random.between(is_signed ? -(1 << bits) : 0, (1 << bits) - 1));
    }
  }
  return tensor;
}

bool on_grid(const Tensor& tensor) {
  if (!ir::is_float(tensor.type())) return true;
  double unit = 1.0 / 64, most = 64;
  if (tensor.type() == DType::f16) {
    unit = 1.0 / 16;
    most = 32;
  } else if (tensor.type() != DType::f32 && tensor.type() != DType::f64) {
    unit = 1.0 / 4;
    most = 4;
  }
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double x = tensor.as_double(i);
    if (!std::isfinite(x)) continue;
    if (std::abs(x) > most || std::floor(x / unit) != x / unit) return false;
  }
  return true;
}

double magnitude(const Tensor& tensor) {
  double most = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double x = std::abs(tensor.as_double(i));
    if (!std::isfinite(x)) return std::numeric_limits<double>::infinity();
    most = std::max(most, x);
  }
  return most;
}

double precision_of(DType type) {
  switch (type) {
    case DType::f64:
    case DType::f32:
      return 1e-4;
    case DType::f16:
      return 1e-2;
    case DType::bf16:
      return 8e-2;
    default:
      return 0.5;
  }
}

}  // namespace o2w::property
