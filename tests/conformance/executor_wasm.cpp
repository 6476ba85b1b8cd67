#include "compiler/package/interpreted_model.h"
#include "compiler/package/package.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/error.h"
#include "tests/conformance/executor.h"

namespace o2w::conformance {
namespace {

class WasmExecutor : public Executor {
 public:
  explicit WasmExecutor(int level) : level_(level) {}

  std::vector<ir::Tensor> run(const onnx_frontend::ModelDef& model,
                              const onnx_frontend::ImportOptions& options,
                              const std::vector<ir::Tensor>& inputs) override {
    const ir::Graph graph = build_graph(model, options, level_);
    Diagnostics diagnostics;
    const auto program = schedule::make_program(graph, {.level = level_}, diagnostics);
    if (!program) throw ModelError(diagnostics.to_string());
    const auto package = package::make_package(*program, {.level = level_, .version = "test"}, diagnostics);
    if (!package) throw ModelError(diagnostics.to_string());
    return package::InterpretedModel(package->wasm.joined()).run(inputs);
  }

 private:
  int level_;
};

const RegisterExecutor wasm("wasm", [](int level) -> std::unique_ptr<Executor> {
  return std::make_unique<WasmExecutor>(level);
});

}  // namespace
}  // namespace o2w::conformance
