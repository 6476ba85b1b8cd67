#include "tests/conformance/executor.h"

#include <map>
#include <stdexcept>

#include "compiler/ir/graph.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/pass.h"
#include "compiler/support/error.h"

namespace o2w::conformance {
namespace {

// A function's static: executors register from other files' initialisers.
std::map<std::string, RegisterExecutor::Make>& table() {
  static std::map<std::string, RegisterExecutor::Make> executors;
  return executors;
}

}  // namespace

RegisterExecutor::RegisterExecutor(const char* name, Make make) {
  ensure(table().emplace(name, make).second, "two executors have one name");
}

std::unique_ptr<Executor> make_executor(const std::string& name, int level) {
  const auto found = table().find(name);
  if (found != table().end()) return found->second(level);
  std::string known;
  for (const auto& [other, make] : table()) known += " " + other;
  throw std::runtime_error("unknown executor " + name + "; there are:" + known);
}

ir::Graph build_graph(const onnx_frontend::ModelDef& model, const onnx_frontend::ImportOptions& options,
                      int level) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph = onnx_frontend::import_model(model, options, diagnostics);
  if (!graph) throw ModelError(diagnostics.to_string());
  ir::verify(*graph, "import");
  passes::run_passes(*graph, {.level = level},
                     [](const std::string& phase, const ir::Graph& now) { ir::verify(now, phase); });
  return std::move(*graph);
}

}  // namespace o2w::conformance
