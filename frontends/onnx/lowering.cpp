#include "frontends/onnx/lowering.h"

#include <algorithm>
#include <utility>

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::Tensor;
using ir::Value;
using Kind = AttributeDef::Kind;

namespace {

const char* kind_text(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "empty";
    case Kind::real:
      return "a float";
    case Kind::integer:
      return "an int";
    case Kind::text:
      return "a string";
    case Kind::tensor:
      return "a tensor";
    case Kind::graph:
      return "a graph";
    case Kind::reals:
      return "a list of floats";
    case Kind::integers:
      return "a list of ints";
    case Kind::texts:
      return "a list of strings";
    case Kind::tensors:
      return "a list of tensors";
    case Kind::graphs:
      return "a list of graphs";
    case Kind::type:
      return "a type";
    case Kind::other:
      return "of a kind that is not supported";
  }
  return "";
}

const AttributeDef& of_kind(const AttributeDef& attribute, Kind kind) {
  if (attribute.kind != kind) {
    fail_model("attribute '{}' must be {}, but is {}", attribute.name, kind_text(kind),
               kind_text(attribute.kind));
  }
  return attribute;
}

// An empty list has no kind of its own in some exporters' files: it reads as any list.
bool is_empty_list(const AttributeDef& attribute) {
  switch (attribute.kind) {
    case Kind::reals:
      return attribute.reals.empty();
    case Kind::integers:
      return attribute.integers.empty();
    case Kind::texts:
      return attribute.texts.empty();
    default:
      return attribute.kind == Kind::none;
  }
}

std::string value_name(const Value* value) { return value->name.empty() ? "(unnamed)" : value->name; }

}  // namespace

Lowering::Lowering(const NodeDef& node, int version, ir::Builder& builder, std::vector<Value*> inputs,
                   SubgraphLowering& subgraphs)
    : node_(&node),
      version_(version),
      builder_(&builder),
      inputs_(std::move(inputs)),
      outputs_(node.outputs.size(), nullptr),
      subgraphs_(&subgraphs) {}

Value* Lowering::input(int i) {
  Value* value = optional_input(i);
  if (value == nullptr) fail("input {} is missing, the operator needs it", i);
  return value;
}

Value* Lowering::optional_input(int i) { return i >= 0 && i < input_count() ? inputs_[i] : nullptr; }

const Tensor* Lowering::constant(Value* value) { return value == nullptr ? nullptr : ir::constant_of(value); }

std::optional<std::vector<Dim>> Lowering::known_sizes(Value* value) {
  ensure(value != nullptr, "known_sizes of an absent input");
  if (!ir::is_integer(value->type) && value->type != ir::DType::boolean) {
    fail("tensor '{}' must hold integers, but is {}", value_name(value), ir::user_name(value->type));
  }
  if (const Tensor* tensor = ir::constant_of(value)) {
    std::vector<Dim> dims;
    dims.reserve(tensor->count());
    for (int64_t i = 0; i < tensor->count(); ++i) dims.emplace_back(tensor->as_int(i));
    return dims;
  }
  return value->contents;
}

std::vector<Dim> Lowering::sizes(Value* value, const std::string& hint) {
  if (auto known = known_sizes(value)) return *known;
  if (value->rank() > 1)
    fail("tensor '{}' holds sizes and must have rank 0 or 1, but is {}", value_name(value),
         ir::to_string(value->shape));
  if (!ir::is_static(value->shape)) {
    fail("the number of elements of tensor '{}' decides a rank and must be known when compiling, but is {}",
         value_name(value), ir::to_string(value->shape));
  }
  return builder_->bind(value, hint);
}

std::vector<int64_t> Lowering::constant_ints(Value* value, const char* what) {
  const auto known = known_sizes(value);
  std::vector<int64_t> result;
  if (known) {
    for (const Dim& dim : *known) {
      if (!dim.is_constant()) break;
      result.push_back(dim.value());
    }
  }
  if (!known || result.size() != known->size()) {
    fail("{} (tensor '{}') must be constant, but is only known when the model runs", what, value_name(value));
  }
  return result;
}

const AttributeDef* Lowering::attribute(const char* name) const {
  const auto found = node_->attributes.find(name);
  return found == node_->attributes.end() ? nullptr : &found->second;
}

bool Lowering::has_attribute(const char* name) const { return attribute(name) != nullptr; }

namespace {

const AttributeDef& required(const AttributeDef* attribute, const char* name, Kind kind) {
  if (attribute == nullptr) fail_model("attribute '{}' is missing, the operator needs it", name);
  return of_kind(*attribute, kind);
}

}  // namespace

int64_t Lowering::int_attribute(const char* name) const {
  return required(attribute(name), name, Kind::integer).integer;
}

int64_t Lowering::int_attribute(const char* name, int64_t otherwise) const {
  const AttributeDef* found = attribute(name);
  return found == nullptr ? otherwise : of_kind(*found, Kind::integer).integer;
}

double Lowering::float_attribute(const char* name) const {
  return required(attribute(name), name, Kind::real).real;
}

double Lowering::float_attribute(const char* name, double otherwise) const {
  const AttributeDef* found = attribute(name);
  return found == nullptr ? static_cast<double>(static_cast<float>(otherwise))
                          : of_kind(*found, Kind::real).real;
}

std::string Lowering::string_attribute(const char* name, const std::string& otherwise) const {
  const AttributeDef* found = attribute(name);
  return found == nullptr ? otherwise : of_kind(*found, Kind::text).text;
}

std::vector<int64_t> Lowering::ints_attribute(const char* name, std::vector<int64_t> otherwise) const {
  const AttributeDef* found = attribute(name);
  if (found == nullptr) return otherwise;
  if (is_empty_list(*found)) return {};
  return of_kind(*found, Kind::integers).integers;
}

std::vector<double> Lowering::floats_attribute(const char* name, std::vector<double> otherwise) const {
  const AttributeDef* found = attribute(name);
  if (found == nullptr) return otherwise;
  if (is_empty_list(*found)) return {};
  return of_kind(*found, Kind::reals).reals;
}

std::vector<std::string> Lowering::strings_attribute(const char* name,
                                                     std::vector<std::string> otherwise) const {
  const AttributeDef* found = attribute(name);
  if (found == nullptr) return otherwise;
  if (is_empty_list(*found)) return {};
  return of_kind(*found, Kind::texts).texts;
}

const Tensor& Lowering::tensor_attribute(const char* name) const {
  return required(attribute(name), name, Kind::tensor).tensor;
}

const GraphDef& Lowering::graph_attribute(const char* name) const {
  return *required(attribute(name), name, Kind::graph).graph;
}

int Lowering::output_count() const { return static_cast<int>(outputs_.size()); }

bool Lowering::wants_output(int i) const {
  return i >= 0 && i < output_count() && !node_->outputs[i].empty();
}

void Lowering::output(int i, Value* value) {
  ensure(i >= 0, "negative output position");
  // A lowering may hand over outputs that the node does not list.
  if (i < output_count()) outputs_[i] = value;
}

int Lowering::axis(int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank) {
    fail("axis {} is outside of -{}..{} (the tensor has rank {})", axis, rank, rank - 1, rank);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::vector<int> Lowering::axes(const std::vector<int64_t>& axes, int rank) const {
  std::vector<int> result;
  result.reserve(axes.size());
  for (const int64_t one : axes) result.push_back(axis(one, rank));
  std::sort(result.begin(), result.end());
  const auto twice = std::adjacent_find(result.begin(), result.end());
  if (twice != result.end()) fail("axis {} is listed twice", *twice);
  return result;
}

void Lowering::expect_rank(const Value* value, int least, int most, const char* what) const {
  if (value->rank() >= least && value->rank() <= most) return;
  const std::string range = least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  fail("{} must have rank {}, but tensor '{}' has shape {}", what, range, value_name(value),
       ir::to_string(value->shape));
}

}  // namespace o2w::onnx_frontend
