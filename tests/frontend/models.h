// Small models as ModelDef, and their files.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "frontends/onnx/model.h"

namespace o2w::onnx_frontend::testing {

inline ValueDef tensor_value(const std::string& name, ir::DType type, std::vector<DimDef> dims) {
  ValueDef def;
  def.name = name;
  def.type.kind = TypeDef::Kind::tensor;
  def.type.element = type;
  def.type.shape = std::move(dims);
  return def;
}

inline DimDef fixed(int64_t value) { return {value, {}}; }
inline DimDef named(const std::string& name) { return {{}, name}; }

inline NodeDef node(const std::string& op_type, std::vector<std::string> inputs,
                    std::vector<std::string> outputs, const std::string& name = {},
                    const std::string& domain = {}) {
  NodeDef def;
  def.op_type = op_type;
  def.inputs = std::move(inputs);
  def.outputs = std::move(outputs);
  def.name = name.empty() ? op_type + "_of_" + def.outputs.front() : name;
  def.domain = domain;
  return def;
}

inline void set_graph(NodeDef& target, const std::string& name, GraphDef graph) {
  AttributeDef attribute;
  attribute.name = name;
  attribute.kind = AttributeDef::Kind::graph;
  attribute.graph = std::make_shared<GraphDef>(std::move(graph));
  target.attributes[name] = std::move(attribute);
}

inline AttributeDef integer_attribute(const std::string& name, int64_t value) {
  AttributeDef attribute;
  attribute.name = name;
  attribute.kind = AttributeDef::Kind::integer;
  attribute.integer = value;
  return attribute;
}

// Inputs x: f32 [n, 4] and y: f32 [n, 4], output z; no nodes yet.
inline ModelDef two_inputs() {
  ModelDef model;
  model.ir_version = 8;
  model.opset_imports[""] = 17;
  model.graph.name = "test";
  model.graph.inputs = {tensor_value("x", ir::DType::f32, {named("n"), fixed(4)}),
                        tensor_value("y", ir::DType::f32, {named("n"), fixed(4)})};
  model.graph.outputs = {tensor_value("z", ir::DType::f32, {})};
  return model;
}

}  // namespace o2w::onnx_frontend::testing
