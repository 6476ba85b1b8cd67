#include "compiler/eval/evaluate.h"
#include "compiler/ir/graph.h"
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

const RegisterExecutor evaluator("evaluator", [](int level) -> std::unique_ptr<Executor> {
  return std::make_unique<EvaluatorExecutor>(level);
});

}  // namespace
}  // namespace o2w::conformance
