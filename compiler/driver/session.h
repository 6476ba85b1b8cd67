// Runs a compiled module, or the original model in native ONNX Runtime, on given tensors. What `run` and
// `verify` share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/dim.h"
#include "compiler/ir/tensor.h"
#include "compiler/package/package.h"

namespace o2w::driver {

struct NamedTensor {
  std::string name;
  ir::Tensor tensor;
};

// A module's input or output as its metadata section tells it; a dimension is a number or a name.
struct ModulePort {
  std::string name;
  ir::DType type = ir::DType::f32;
  struct Size {
    std::optional<int64_t> value;
    std::string name;
  };
  std::vector<Size> dims;
  std::string to_string() const;  // "float32[batch, 3, 224]"
};
struct ModuleInfo {
  std::vector<ModulePort> inputs, outputs;
  std::vector<std::string> weights;  // names of the files beside the module, in order
};
// The paths of a module's files of weights.
std::vector<std::string> weights_paths(const std::string& wasm_path, const ModuleInfo& info);
// Reads the custom section "onnx2wasm"; ModelError if the bytes are no module of ours.
ModuleInfo read_module_info(const std::string& path, const std::vector<uint8_t>& wasm);

// Writes a module and what lies beside it.
void write_module(const std::string& wasm_path, const package::Package& package);

struct RunResult {
  std::vector<NamedTensor> outputs;
  double instantiate_milliseconds = 0;  // compile and instantiate (a session's making for ONNX Runtime)
  double first_milliseconds = 0;        // the first inference
};

// In this process, by libwabt's interpreter: exact and slow.
RunResult run_in_interpreter(const std::string& wasm_path, const ModuleInfo& info,
                             const std::vector<NamedTensor>& inputs);
// By the `node` on PATH. ModelError when there is none or the module reports an error.
RunResult run_in_node(const std::string& wasm_path, const ModuleInfo& info,
                      const std::vector<NamedTensor>& inputs);
// By npm's onnxruntime-node, found from the working directory, the folder of the command, or NODE_PATH;
// nothing if it is not there.
std::optional<RunResult> run_in_onnxruntime(const std::string& model_path,
                                            const std::vector<NamedTensor>& inputs);
bool have_node();

}  // namespace o2w::driver
