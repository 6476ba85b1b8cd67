#include "compiler/driver/check_report.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <new>

#include "compiler/support/error.h"

namespace o2w::driver {
namespace {

using schedule::Buffer;
using schedule::Storage;

// Bytes at one choice of all symbols; nothing where that is more than can be counted.
std::optional<int64_t> bytes_at(const ir::Dim& bytes, const std::map<std::string, ir::Dim>& sizes) {
  const ir::Dim at = sizes.empty() ? bytes : bytes.substitute(sizes);
  if (!at.is_constant()) return std::nullopt;
  return std::max<int64_t>(at.value(), 0);
}

// The most bytes of tensors that live at one time. Buffers of the arena live from their first to their last
// use, all others during the whole run.
std::optional<int64_t> peak(const schedule::Program& program, const std::map<std::string, ir::Dim>& sizes) {
  int64_t always = 0;
  std::map<int, int64_t> changes;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.storage == Storage::weights) continue;
    const std::optional<int64_t> bytes = bytes_at(buffer.bytes, sizes);
    if (!bytes) return std::nullopt;
    if (buffer.storage == Storage::arena) {
      changes[buffer.first_use] += *bytes;
      changes[buffer.last_use + 1] -= *bytes;
    } else if (__builtin_add_overflow(always, *bytes, &always)) {
      return std::nullopt;
    }
  }
  int64_t now = 0, most = 0;
  for (const auto& [step, change] : changes) {
    if (__builtin_add_overflow(now, change, &now)) return std::nullopt;
    most = std::max(most, now);
  }
  if (__builtin_add_overflow(always, most, &most)) return std::nullopt;
  return most;
}

void measure_memory(const schedule::Program& program, CheckReport& report) {
  int64_t weights = 0;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.storage == Storage::weights) weights += buffer.contents.byte_count();
  }
  report.weight_bytes = weights;
  std::map<std::string, ir::Dim> least, most;
  bool bounded = true;
  for (const ir::SymbolRef& symbol : program.symbols) {
    least[symbol->name] = ir::Dim(symbol->lower);
    most[symbol->name] = ir::Dim(symbol->upper);
    bounded = bounded && !is_unbounded(symbol->upper);
  }
  report.least_tensor_bytes = peak(program, least);
  if (bounded) report.most_tensor_bytes = peak(program, most);
}

using Origins = std::map<std::string, std::shared_ptr<const ir::Origin>>;

Origins origins_of(const ir::Graph& graph) {
  Origins origins;
  ir::for_each_node(graph.region, [&](const ir::Node& node) {
    for (const ir::SymbolRef& symbol : ir::symbols_defined_by(node)) origins[symbol->name] = node.origin;
  });
  return origins;
}

void run_pipeline(const std::string& path, CompileOptions& options, bool quick, CheckReport& report) {
  Origins origins;
  options.imported = [&](const onnx_frontend::ModelDef& model, const ir::Graph* graph) {
    report.stage = "lower";
    report.summary = onnx_frontend::summarize(model, options.import, graph);
    if (graph == nullptr) return;
    origins = origins_of(*graph);
    report.stage = "schedule";
  };
  const Result<schedule::Program> program = build_program(path, options, report.diagnostics);
  if (!program) return;
  for (const ir::SymbolRef& symbol : program->symbols) {
    if (symbol->from_input) continue;
    RunTimeSize& size = report.run_time_sizes.emplace_back();
    size.name = symbol->name;
    size.lower = symbol->lower;
    size.upper = symbol->upper;
    if (const auto origin = origins.find(symbol->name); origin != origins.end() && origin->second) {
      size.node = origin->second->node;
      size.op = origin->second->op;
    }
  }
  measure_memory(*program, report);
  report.stage = "code";
  if (!quick) {
    const Result<package::Package> package = build_package(*program, options, report.diagnostics);
    if (!package) return;
    report.code_bytes = package->code_bytes;
    report.module_bytes = package->wasm.size();
    report.initial_memory_bytes = package->memory_bytes;
  }
  report.stage = "done";
  report.compiles = true;
}

}  // namespace

bool is_unbounded(int64_t upper) { return upper >= std::numeric_limits<int32_t>::max(); }

CheckReport check_model(const std::string& path, CompileOptions options, bool quick) {
  CheckReport report;
  report.model = path;
  try {
    run_pipeline(path, options, quick, report);
  } catch (const ModelError& error) {
    report.diagnostics.error({}, error.what());
  } catch (const std::bad_alloc&) {
    report.diagnostics.error({}, "compiling the model takes more memory than this machine has");
  }
  return report;
}

}  // namespace o2w::driver
