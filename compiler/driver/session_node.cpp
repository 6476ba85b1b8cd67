// Running things in Node: the job and the tensors go through files in a temporary folder.
#include <fmt/core.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/node_process.h"
#include "compiler/driver/session.h"
#include "compiler/driver/temporary_folder.h"
#include "compiler/support/error.h"
#include "node_runner.h"

namespace o2w::driver {
namespace {

using nlohmann::json;

// Where npm packages may be: the working directory, the command's own folder, NODE_PATH's parents.
std::vector<std::string> search_folders() {
  std::vector<std::string> folders;
  std::error_code error;
  folders.push_back(std::filesystem::current_path(error).string());
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(self.parent_path().string());
  return folders;
}

std::optional<RunResult> run_job(json job, const std::vector<NamedTensor>& inputs) {
  const TemporaryFolder folder;
  job["folder"] = folder.path();
  job["search"] = search_folders();
  job["inputs"] = json::array();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ir::Tensor& tensor = inputs[i].tensor;
    const std::string file = fmt::format("{}/input_{}.raw", folder.path(), i);
    if (tensor.type() == ir::DType::string) {
      write_file_atomically(file,
                            json(tensor.strings()).dump(-1, ' ', false, json::error_handler_t::replace));
    } else {
      write_file_atomically(file, {tensor.bytes(), static_cast<std::size_t>(tensor.byte_count())});
    }
    job["inputs"].push_back({{"name", inputs[i].name},
                             {"type", ir::onnx_code(tensor.type())},
                             {"dims", tensor.dims()},
                             {"file", file}});
  }
  const json answer = run_script("node", node_runner_text, job, folder.path());
  if (answer.contains("missing")) return std::nullopt;
  RunResult result{.outputs = {},
                   .instantiate_milliseconds = answer["instantiate"],
                   .first_milliseconds = answer["first"]};
  for (const json& output : answer["outputs"]) {
    const std::optional<ir::DType> type = ir::dtype_from_onnx(output["type"].get<int>());
    if (!type) fail_internal("output type {} is unknown", output["type"].get<int>());
    const auto dims = output["dims"].get<std::vector<int64_t>>();
    std::vector<uint8_t> contents = read_file(output["file"].get<std::string>());
    if (*type == ir::DType::string) {
      const json strings = json::parse(contents.begin(), contents.end());
      result.outputs.push_back(
          {output["name"], ir::Tensor::of_strings(dims, strings.get<std::vector<std::string>>())});
    } else {
      result.outputs.push_back({output["name"], ir::Tensor(*type, dims, std::move(contents))});
    }
  }
  return result;
}

}  // namespace

bool have_node() {
  static const bool found = spawn("node", {"--version"}, "/dev/null") == 0;
  return found;
}

RunResult run_in_node(const std::string& wasm_path, const ModuleInfo& info,
                      const std::vector<NamedTensor>& inputs) {
  std::optional<RunResult> result = run_job(
      {{"wasm", std::filesystem::absolute(wasm_path).string()}, {"weights", weights_paths(wasm_path, info)}},
      inputs);
  ensure(result.has_value(), "a module always gives an answer");
  return *std::move(result);
}

std::optional<RunResult> run_in_onnxruntime(const std::string& model_path,
                                            const std::vector<NamedTensor>& inputs) {
  if (!have_node()) return std::nullopt;
  return run_job({{"onnx", std::filesystem::absolute(model_path).string()}}, inputs);
}

}  // namespace o2w::driver
