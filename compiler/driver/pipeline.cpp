#include "compiler/driver/pipeline.h"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>

#include "compiler/driver/atomic_file.h"
#include "compiler/ir/text.h"
#include "compiler/passes/pass.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/error.h"
#include "frontends/onnx/model.h"

namespace o2w::driver {
namespace {

// Numbers the dumps in the order they are made, so that a listing of the folder reads as the pipeline.
class Dumper {
 public:
  explicit Dumper(std::string folder) : folder_(std::move(folder)) {
    if (folder_.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) fail_model("cannot make the folder '{}' for --dump-phases: {}", folder_, error.message());
  }
  bool wanted() const { return !folder_.empty(); }
  void write(const std::string& phase, const std::string& text) {
    if (wanted()) write_file_atomically(fmt::format("{}/{:02}-{}.txt", folder_, count_++, phase), text);
  }

 private:
  std::string folder_;
  int count_ = 0;
};

Result<ir::Graph> build_graph(const std::string& path, const CompileOptions& options, Dumper& dumper,
                              Diagnostics& diagnostics) {
  const auto stage = [&](const char* what) {
    if (options.progress) options.progress(what);
  };
  stage("reading the model");
  const Result<onnx_frontend::ModelDef> model = onnx_frontend::read_model(path, diagnostics);
  if (!model) return std::nullopt;
  stage("lowering operators");
  Result<ir::Graph> graph = onnx_frontend::import_model(*model, options.import, diagnostics);
  if (options.imported) options.imported(*model, graph ? &*graph : nullptr);
  if (!graph) return std::nullopt;
  if (dumper.wanted()) dumper.write("import", ir::to_text(*graph));
  stage("optimising the graph");
  passes::run_passes(*graph, {.level = options.level}, [&](const std::string& phase, const ir::Graph& now) {
    if (dumper.wanted()) dumper.write(phase, ir::to_text(now));
  });
  return graph;
}

}  // namespace

Result<ir::Graph> build_graph(const std::string& path, const CompileOptions& options,
                              Diagnostics& diagnostics) {
  Dumper dumper(options.dump_folder);
  return build_graph(path, options, dumper, diagnostics);
}

Result<schedule::Program> build_program(const std::string& path, const CompileOptions& options,
                                        Diagnostics& diagnostics) {
  Dumper dumper(options.dump_folder);
  Result<ir::Graph> graph = build_graph(path, options, dumper, diagnostics);
  if (!graph) return std::nullopt;
  if (options.progress) options.progress("scheduling");
  schedule::ScheduleOptions schedule_options{
      .level = options.level, .kernels = options.kernels, .exact = options.exact, .dump = nullptr};
  if (dumper.wanted()) {
    schedule_options.dump = [&](const std::string& phase, const std::string& text) {
      dumper.write(phase, text);
    };
  }
  // The graph's constants live on in the program; the rest is not needed any more.
  Result<schedule::Program> program = schedule::make_program(*graph, schedule_options, diagnostics);
  if (program && dumper.wanted()) dumper.write("program", schedule::to_text(*program));
  return program;
}

Result<package::Package> build_package(const schedule::Program& program, const CompileOptions& options,
                                       Diagnostics& diagnostics) {
  if (options.progress) options.progress("generating code");
  package::PackageOptions package_options{.level = options.level,
                                          .target = {.unroll = options.unroll, .small = options.small},
                                          .version = compiler_version(),
                                          .max_memory = options.max_memory,
                                          .keep_names = options.profile,
                                          .profile = options.profile,
                                          .weights_name = options.weights_name,
                                          .report_sizes = options.report_sizes};
  if (options.weights_part > 0) package_options.weights_part = options.weights_part;
  return package::make_package(program, package_options, diagnostics);
}

Result<CompiledModel> compile_model(const std::string& path, const CompileOptions& options,
                                    Diagnostics& diagnostics) {
  Result<schedule::Program> program = build_program(path, options, diagnostics);
  if (!program) return std::nullopt;
  Result<package::Package> package = build_package(*program, options, diagnostics);
  if (!package) return std::nullopt;
  return CompiledModel{std::move(*program), std::move(*package)};
}

const char* compiler_version() { return ONNX2WASM_VERSION; }

}  // namespace o2w::driver
