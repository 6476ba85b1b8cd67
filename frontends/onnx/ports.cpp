#include "frontends/onnx/ports.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/tensor_data.h"

namespace o2w::onnx_frontend {

using ir::Dim;

namespace {

// A dimension of an input before symbols are made: a number, or a name.
struct InputDim {
  std::optional<int64_t> value;
  std::string name;
};

struct InputShape {
  const ValueDef* def = nullptr;
  std::vector<InputDim> dims;
};

template <typename Names>
std::string listed(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text.empty() ? "none" : text;
}

class Ports {
 public:
  Ports(const ModelDef& model, const ImportOptions& options, ir::Graph& graph, Diagnostics& diagnostics)
      : model_(model), options_(options), graph_(graph), diagnostics_(diagnostics) {}

  void declare() {
    ranges_ = options_.dims;
    for (const ValueDef& input : model_.graph.inputs) {
      if (!is_port(model_.graph, input, options_)) continue;
      try {
        shapes_.push_back(shape_of(input));
      } catch (const ModelError& error) {
        diagnostics_.error({{}, {}, input.name}, error.what());
      }
    }
    name_unnamed();
    report_unknown_options();
    for (const InputShape& input : shapes_) {
      try {
        declare(input);
      } catch (const ModelError& error) {
        diagnostics_.error({{}, {}, input.def->name}, error.what());
      }
    }
  }

 private:
  InputShape shape_of(const ValueDef& input);
  void override_dims(InputShape& input, const std::vector<int64_t>& wanted);
  void fix(const std::string& name, int64_t value);
  void name_unnamed();
  void report_unknown_options();
  void declare(const InputShape& input);
  ir::Value* add(const std::string& name, ir::DType type, const ir::Shape& shape);
  ir::ListType list_type(const ValueDef& input);
  Dim dim_of(const InputDim& dim);

  const ModelDef& model_;
  const ImportOptions& options_;
  ir::Graph& graph_;
  Diagnostics& diagnostics_;
  std::vector<InputShape> shapes_;
  std::map<std::string, DimRange> ranges_;  // the options' and those that follow from --shape
  std::map<std::string, Dim> symbols_;
};

bool is_list(const TypeDef& type) {
  return type.kind == TypeDef::Kind::sequence || type.kind == TypeDef::Kind::optional;
}

void check_type(const TypeDef& type) {
  switch (type.kind) {
    case TypeDef::Kind::tensor:
    case TypeDef::Kind::map:
      break;
    case TypeDef::Kind::sequence:
    case TypeDef::Kind::optional:
      break;
    case TypeDef::Kind::sparse:
      fail_model("is a sparse tensor; sparse inputs are not supported");
    case TypeDef::Kind::unknown:
      fail_model("is declared without an element type that is known");
  }
}

InputShape Ports::shape_of(const ValueDef& input) {
  check_type(input.type);
  InputShape result;
  result.def = &input;
  if (is_list(input.type)) return result;  // a scalar
  const auto wanted = options_.shapes.find(input.name);
  if (input.type.kind == TypeDef::Kind::map) {
    result.dims.resize(1);  // the number of entries
  } else if (!input.type.shape) {
    if (wanted == options_.shapes.end()) {
      fail_model(
          "has no declared shape; give one with --shape {}=<dim>,<dim>,... (-1 for a dynamic dimension)",
          input.name);
    }
    result.dims.resize(wanted->second.size());
  } else {
    for (const DimDef& dim : *input.type.shape) result.dims.push_back({dim.value, dim.name});
  }
  const bool may_hold_sizes = result.dims.size() == 1 &&
                              (input.type.element == ir::DType::i64 || input.type.element == ir::DType::i32);
  if (options_.all_dims_dynamic && !may_hold_sizes) {
    for (InputDim& dim : result.dims) dim = {};
  }
  if (wanted != options_.shapes.end()) override_dims(result, wanted->second);
  return result;
}

void Ports::override_dims(InputShape& input, const std::vector<int64_t>& wanted) {
  const std::string& name = input.def->name;
  if (wanted.size() != input.dims.size()) {
    fail_model("has {} dimensions, but --shape gives {}", input.dims.size(), wanted.size());
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    InputDim& dim = input.dims[i];
    if (wanted[i] == -1) continue;
    if (wanted[i] < 0 || wanted[i] > max_dim)
      fail_model("--shape gives dimension {} the size {}", i, wanted[i]);
    if (dim.value && *dim.value != wanted[i]) {
      diagnostics_.warning({{}, {}, name}, fmt::format("dimension {} is declared as {}, --shape makes it {}",
                                                       i, *dim.value, wanted[i]));
    }
    // A size given to a named dimension holds for all that bear the name.
    if (!dim.name.empty()) fix(dim.name, wanted[i]);
    dim.value = wanted[i];
  }
}

void Ports::fix(const std::string& name, int64_t value) {
  const auto [range, added] = ranges_.try_emplace(name, DimRange{value, value});
  if (added) return;
  if (value < range->second.lower || value > range->second.upper) {
    fail_model("--shape makes dimension '{}' {}, but it is {}..{} elsewhere", name, value,
               range->second.lower, range->second.upper);
  }
  range->second = {value, value};
}

void Ports::name_unnamed() {
  // After all names are known, so that a made-up name never takes one of the model's.
  std::set<std::string> taken;
  for (const InputShape& input : shapes_) {
    for (const InputDim& dim : input.dims) taken.insert(dim.name);
  }
  for (InputShape& input : shapes_) {
    for (std::size_t i = 0; i < input.dims.size(); ++i) {
      InputDim& dim = input.dims[i];
      if (dim.value || !dim.name.empty()) continue;
      dim.name = fmt::format("{}_d{}", input.def->name, i);
      while (!taken.insert(dim.name).second) dim.name += '_';
    }
  }
}

void Ports::report_unknown_options() {
  std::set<std::string> inputs, dims;
  for (const ValueDef& input : model_.graph.inputs) {
    if (is_port(model_.graph, input, options_)) inputs.insert(input.name);
  }
  for (const InputShape& input : shapes_) {
    for (const InputDim& dim : input.dims) {
      if (!dim.name.empty()) dims.insert(dim.name);
    }
  }
  for (const auto& [name, shape] : options_.shapes) {
    if (!inputs.contains(name)) {
      diagnostics_.error({}, fmt::format("--shape names the input '{}', which the model does not have", name),
                         "its inputs are " + listed(inputs));
    }
  }
  for (const auto& [name, range] : options_.dims) {
    if (!dims.contains(name)) {
      diagnostics_.error({}, fmt::format("--dim names the dimension '{}', which no input has", name),
                         "the dynamic dimensions are " + listed(dims));
    } else if (range.lower < 0 || range.upper < range.lower || range.upper > max_dim) {
      diagnostics_.error(
          {}, fmt::format("--dim {}={}..{} is not a range of sizes", name, range.lower, range.upper));
      ranges_.erase(name);
    }
  }
}

Dim Ports::dim_of(const InputDim& dim) {
  if (dim.value) {
    if (*dim.value > max_dim) {
      fail_model("has a dimension of {}, the most that a module can address is {}", *dim.value, max_dim);
    }
    return Dim(*dim.value);
  }
  const auto found = symbols_.find(dim.name);
  if (found != symbols_.end()) return found->second;
  DimRange range{0, std::numeric_limits<int32_t>::max()};
  if (const auto given = ranges_.find(dim.name); given != ranges_.end()) range = given->second;
  const Dim made =
      range.lower == range.upper
          ? Dim(range.lower)
          : Dim::symbol(graph_.new_symbol(dim.name, range.lower, range.upper, /*from_input=*/true));
  return symbols_.emplace(dim.name, made).first->second;
}

// For a list, --shape tells the shape of its elements.
ir::ListType Ports::list_type(const ValueDef& input) {
  ir::ListType type = list_type_of(input.type);
  const ir::ListType* innermost = &type;
  while (innermost->inner != nullptr) innermost = innermost->inner.get();
  if (innermost->element == ir::DType::string) {
    fail_model("is {}; strings can only be given as tensors, make the list in the model",
               ir::to_string(type));
  }
  const auto wanted = options_.shapes.find(input.name);
  if (wanted == options_.shapes.end()) return type;
  if (type.inner != nullptr)
    fail_model("is a list of lists, whose elements have no shape for --shape to give");
  type.rank = std::make_shared<ir::ElementRank>();
  type.rank->set(static_cast<int>(wanted->second.size()));
  type.dims.emplace();
  for (const int64_t size : wanted->second) {
    if (size < -1 || size > max_dim) fail_model("--shape gives its elements the size {}", size);
    type.dims->push_back(size == -1 ? std::nullopt : std::optional(Dim(size)));
  }
  return type;
}

void Ports::declare(const InputShape& input) {
  ir::Shape shape;
  for (const InputDim& dim : input.dims) shape.push_back(dim_of(dim));
  if (is_list(input.def->type)) {
    ir::ListType type = list_type(*input.def);
    add(input.def->name, ir::DType::list, {})->list = std::make_shared<const ir::ListType>(std::move(type));
    return;
  }
  add(input.def->name, input.def->type.element, shape);
  // A map is two inputs.
  if (input.def->type.kind == TypeDef::Kind::map)
    add(keys_name(input.def->name), input.def->type.inner->element, shape);
}

ir::Value* Ports::add(const std::string& name, ir::DType type, const ir::Shape& shape) {
  for (const ir::Port& port : graph_.inputs) {
    if (port.name == name) fail_model("is declared twice");
  }
  ir::Value* value = graph_.new_value(type, shape, name);
  graph_.region.parameters.push_back(value);
  graph_.inputs.push_back({name, value});
  return value;
}

}  // namespace

std::string keys_name(const std::string& map) { return map + "_keys"; }

bool is_port(const GraphDef& graph, const ValueDef& input, const ImportOptions& options) {
  return options.initializers_as_inputs || !graph.initializers.contains(input.name);
}

void declare_inputs(const ModelDef& model, const ImportOptions& options, ir::Graph& graph,
                    Diagnostics& diagnostics) {
  Ports(model, options, graph, diagnostics).declare();
}

}  // namespace o2w::onnx_frontend
