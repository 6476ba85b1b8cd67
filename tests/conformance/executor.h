// Ways to run a model on given inputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "frontends/onnx/import.h"

namespace o2w::conformance {

class Executor {
 public:
  virtual ~Executor() = default;
  // Throws an exception whose text is the reason when the model cannot be imported, compiled or run.
  virtual std::vector<ir::Tensor> run(const onnx_frontend::ModelDef& model,
                                      const onnx_frontend::ImportOptions& options,
                                      const std::vector<ir::Tensor>& inputs) = 0;
};

// "evaluator": import -> graph passes -> reference evaluator.
// "wasm", the real thing: import -> graph passes -> schedule -> package -> the emitted module in libwabt's
// interpreter. `level` is the -O of all stages. Throws std::runtime_error for another name.
std::unique_ptr<Executor> make_executor(const std::string& name, int level);

// Executors register themselves by name.
class RegisterExecutor {
 public:
  using Make = std::unique_ptr<Executor> (*)(int level);
  RegisterExecutor(const char* name, Make make);
};

// Import and graph passes, shared by the executors.
ir::Graph build_graph(const onnx_frontend::ModelDef& model, const onnx_frontend::ImportOptions& options,
                      int level);

}  // namespace o2w::conformance
