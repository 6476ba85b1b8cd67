#include "frontends/onnx/import.h"

#include <deque>

#include "frontends/onnx/ports.h"
#include "frontends/onnx/walk.h"

namespace o2w::onnx_frontend {

namespace {

// Each choice point doubles the ways to compile a model; real ones fit the first way, or one close to it.
constexpr int most_attempts = 32;

Result<ir::Graph> attempt(const ModelDef& model, const ImportOptions& options, ImportAttempt& learnt,
                          Diagnostics& diagnostics) {
  ir::Graph graph;
  graph.name = model.graph.name;
  const auto opset = model.opset_imports.find("");
  graph.opset = opset == model.opset_imports.end() ? 0 : opset->second;
  graph.source_sha256 = model.sha256;
  declare_inputs(model, options, graph, diagnostics);
  Walk(model, options, learnt, graph, diagnostics).run();
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
  // Where a tensor's rank could be one or the other: all yes first, then one no, the earliest choice before
  // the later ones, whose questions may depend on it; then two, and so on. The first attempt's problems are
  // the ones reported. An attempt that found out the ranks of lists' elements is repeated with what it knows.
  std::deque<std::vector<bool>> beginnings = {{}};
  std::optional<Diagnostics> first;
  const auto report = [&](const Diagnostics& own) {
    for (const Diagnostic& diagnostic : own.all()) diagnostics.add(diagnostic);
  };
  ImportAttempt learnt;
  bool is_repeated = false;
  for (int i = 0; i < most_attempts && !beginnings.empty(); ++i) {
    learnt.choices = std::move(beginnings.front());
    beginnings.pop_front();
    const std::size_t given = learnt.choices.size();
    Diagnostics own;
    const std::size_t ranks_before = learnt.ranks.size();
    Result<ir::Graph> graph = attempt(model, options, learnt, own);
    if (graph || !first || is_repeated) first = own;
    if (graph) {
      report(*first);
      return graph;
    }
    const std::vector<bool>& choices = learnt.choices;
    is_repeated = learnt.ranks.size() > ranks_before;
    if (is_repeated) {
      beginnings.emplace_front(choices.begin(), choices.begin() + static_cast<std::ptrdiff_t>(given));
      continue;
    }
    for (std::size_t k = given; k < choices.size(); ++k) {
      std::vector<bool> other(choices.begin(), choices.begin() + static_cast<std::ptrdiff_t>(k));
      other.push_back(false);
      beginnings.push_back(std::move(other));
    }
  }
  report(*first);
  return {};
}

}  // namespace o2w::onnx_frontend
