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

// import -> passes -> reference evaluator.
std::unique_ptr<Executor> evaluator_executor();

// Import and graph passes, shared by the executors.
ir::Graph build_graph(const onnx_frontend::ModelDef& model, const onnx_frontend::ImportOptions& options);

}  // namespace o2w::conformance
