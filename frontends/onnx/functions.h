// Model-local functions: found by name, their bodies' attribute references replaced. The walk inlines them.
#pragma once

#include <map>
#include <string>

#include "frontends/onnx/model.h"

namespace o2w::onnx_frontend {

using AttributeMap = std::map<std::string, AttributeDef>;

// Null if the model defines no such function.
const FunctionDef* find_function(const ModelDef& model, const NodeDef& call);

// What the function's attributes stand for in this call: the call's attributes, else the function's defaults.
// ModelError when the call gives an attribute that the function does not have.
AttributeMap bind_attributes(const FunctionDef& function, const NodeDef& call);

bool has_references(const NodeDef& node);
// The node with its attribute references (in a function body) replaced; a reference to an attribute that the
// call leaves out is dropped.
NodeDef resolve_references(const NodeDef& node, const AttributeMap& bound);

}  // namespace o2w::onnx_frontend
