#include "frontends/onnx/functions.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace o2w::onnx_frontend {

const FunctionDef* find_function(const ModelDef& model, const NodeDef& call) {
  const auto found =
      std::find_if(model.functions.begin(), model.functions.end(), [&](const FunctionDef& function) {
        return function.name == call.op_type && function.domain == call.domain &&
               function.overload == call.overload;
      });
  return found == model.functions.end() ? nullptr : &*found;
}

AttributeMap bind_attributes(const FunctionDef& function, const NodeDef& call) {
  AttributeMap bound = function.attribute_defaults;
  for (const auto& [name, attribute] : call.attributes) {
    const bool declared =
        function.attribute_defaults.contains(name) ||
        std::find(function.attributes.begin(), function.attributes.end(), name) != function.attributes.end();
    if (!declared) fail_model("function '{}' has no attribute '{}'", function.name, name);
    bound.insert_or_assign(name, attribute);
  }
  return bound;
}

bool has_references(const NodeDef& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(),
                     [](const auto& entry) { return !entry.second.reference.empty(); });
}

NodeDef resolve_references(const NodeDef& node, const AttributeMap& bound) {
  NodeDef result = node;
  for (auto it = result.attributes.begin(); it != result.attributes.end();) {
    const std::string reference = it->second.reference;
    if (reference.empty()) {
      ++it;
      continue;
    }
    const auto value = bound.find(reference);
    if (value == bound.end()) {
      it = result.attributes.erase(it);
      continue;
    }
    const std::string name = it->first;
    it->second = value->second;
    it->second.name = name;
    it->second.reference.clear();
    ++it;
  }
  return result;
}

}  // namespace o2w::onnx_frontend
