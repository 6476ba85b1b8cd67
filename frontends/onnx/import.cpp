#include "frontends/onnx/import.h"

#include "frontends/onnx/ports.h"
#include "frontends/onnx/walk.h"

namespace o2w::onnx_frontend {

namespace {

// Each choice point doubles the ways to compile a model; real ones fit the first way, or one close to it.
constexpr int most_attempts = 16;

Result<ir::Graph> attempt(const ModelDef& model, const ImportOptions& options, std::vector<bool>& choices,
                          Diagnostics& diagnostics) {
  ir::Graph graph;
  graph.name = model.graph.name;
  const auto opset = model.opset_imports.find("");
  graph.opset = opset == model.opset_imports.end() ? 0 : opset->second;
  graph.source_sha256 = model.sha256;
  declare_inputs(model, options, graph, diagnostics);
  Walk(model, options, choices, graph, diagnostics).run();
  if (diagnostics.has_errors()) return {};
  graph.collect_garbage();
  return graph;
}

}  // namespace

Result<ir::Graph> import_model(const ModelDef& model, const ImportOptions& options,
                               Diagnostics& diagnostics) {
  if (model.opset_imports.empty()) {
    diagnostics.error({}, "the model does not say which operator set it uses",
                      "export it again; opset_import is empty");
    return {};
  }
  // Where branches exclude each other: all yes first, then the last yes turned into a no, and so on. The
  // first attempt's problems are the ones reported.
  std::vector<bool> choices;
  std::optional<Diagnostics> first;
  for (int i = 0; i < most_attempts; ++i) {
    Diagnostics own;
    Result<ir::Graph> graph = attempt(model, options, choices, own);
    if (graph || !first) first = own;
    if (graph) {
      for (const Diagnostic& diagnostic : first->all()) diagnostics.add(diagnostic);
      return graph;
    }
    while (!choices.empty() && !choices.back()) choices.pop_back();
    if (choices.empty()) break;
    choices.back() = false;
  }
  for (const Diagnostic& diagnostic : first->all()) diagnostics.add(diagnostic);
  return {};
}

}  // namespace o2w::onnx_frontend
