#include "compiler/eval/evaluate.h"
#include "compiler/ir/graph.h"
#include "compiler/support/error.h"
#include "tests/conformance/executor.h"

namespace o2w::conformance {
namespace {

class EvaluatorExecutor : public Executor {
 public:
  std::vector<ir::Tensor> run(const onnx_frontend::ModelDef& model,
                              const onnx_frontend::ImportOptions& options,
                              const std::vector<ir::Tensor>& inputs) override {
    return eval::evaluate(build_graph(model, options), inputs);
  }
};

}  // namespace

std::unique_ptr<Executor> evaluator_executor() { return std::make_unique<EvaluatorExecutor>(); }

ir::Graph build_graph(const onnx_frontend::ModelDef& model, const onnx_frontend::ImportOptions& options) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph = onnx_frontend::import_model(model, options, diagnostics);
  if (!graph) throw ModelError(diagnostics.to_string());
  return std::move(*graph);
}

}  // namespace o2w::conformance
