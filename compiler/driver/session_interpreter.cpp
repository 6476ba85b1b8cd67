// Running a module by its plain interface in libwabt's interpreter.
#include <algorithm>
#include <chrono>

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/session.h"
#include "compiler/package/interpreted_model.h"
#include "compiler/support/error.h"

namespace o2w::driver {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace

RunResult run_in_interpreter(const std::string& wasm_path, const ModuleInfo& info,
                             const std::vector<NamedTensor>& inputs) {
  RunResult result;
  const Clock::time_point start = Clock::now();
  package::InterpretedModel model(read_file(wasm_path));
  for (const std::string& path : weights_paths(wasm_path, info)) model.load_weights(path, read_file(path));
  result.instantiate_milliseconds = milliseconds_since(start);

  std::vector<ir::Tensor> tensors;
  for (const ModulePort& port : info.inputs) {
    const auto found = std::find_if(inputs.begin(), inputs.end(),
                                    [&](const NamedTensor& input) { return input.name == port.name; });
    ensure(found != inputs.end(), "an input without a tensor");
    tensors.push_back(found->tensor);
  }
  model.set_inputs(tensors);
  const Clock::time_point before = Clock::now();
  model.compute();
  result.first_milliseconds = milliseconds_since(before);
  const std::vector<ir::Tensor> outputs = model.outputs();
  ensure(outputs.size() == info.outputs.size(), "the metadata tell of other outputs than there are");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result.outputs.push_back({info.outputs[i].name, outputs[i]});
  }
  return result;
}

}  // namespace o2w::driver
