#include "compiler/eval/evaluate.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/pass.h"
#include "compiler/support/error.h"
#include "tests/conformance/executor.h"

namespace o2w::conformance {
namespace {

class EvaluatorExecutor : public Executor {
 public:
  explicit EvaluatorExecutor(int level) : level_(level) {}

  std::vector<ir::Tensor> run(const onnx_frontend::ModelDef& model,
                              const onnx_frontend::ImportOptions& options,
                              const std::vector<ir::Tensor>& inputs) override {
    return eval::evaluate(build_graph(model, options, level_), inputs);
  }

 private:
  int level_;
};

}  // namespace

std::unique_ptr<Executor> evaluator_executor(int level) { return std::make_unique<EvaluatorExecutor>(level); }

ir::Graph build_graph(const onnx_frontend::ModelDef& model, const onnx_frontend::ImportOptions& options, int level) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph = onnx_frontend::import_model(model, options, diagnostics);
  if (!graph) throw ModelError(diagnostics.to_string());
  ir::verify(*graph, "import");
  passes::run_passes(*graph, {.level = level},
                     [](const std::string& phase, const ir::Graph& now) { ir::verify(now, phase); });
  return std::move(*graph);
}

}  // namespace o2w::conformance
