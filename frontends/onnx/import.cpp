#include "frontends/onnx/import.h"

#include "frontends/onnx/ports.h"
#include "frontends/onnx/walk.h"

namespace o2w::onnx_frontend {

Result<ir::Graph> import_model(const ModelDef& model, const ImportOptions& options,
                               Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.error_count();
  if (model.opset_imports.empty()) {
    diagnostics.error({}, "the model does not say which operator set it uses",
                      "export it again; opset_import is empty");
    return {};
  }
  ir::Graph graph;
  graph.name = model.graph.name;
  const auto opset = model.opset_imports.find("");
  graph.opset = opset == model.opset_imports.end() ? 0 : opset->second;
  graph.source_sha256 = model.sha256;

  declare_inputs(model, options, graph, diagnostics);
  Walk(model, options, graph, diagnostics).run();
  if (diagnostics.error_count() != errors_before) return {};
  graph.collect_garbage();
  return graph;
}

}  // namespace o2w::onnx_frontend
