#include <fmt/core.h>

#include <CLI/Error.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/input_options.h"
#include "compiler/driver/progress.h"
#include "compiler/driver/session.h"
#include "compiler/driver/temporary_folder.h"
#include "compiler/driver/tensor_files.h"
#include "compiler/driver/verbs.h"
#include "compiler/support/error.h"

namespace o2w::driver {
namespace {

enum class Engine : uint8_t { automatic, node, interpreter };

struct RunVerb {
  ModelOptions model;
  InputOptions input;
  std::string output_folder;
  Engine engine = Engine::automatic;
  int run() const;
};

// The first few elements, for a look.
std::string preview(const ir::Tensor& tensor) {
  std::string text;
  const int64_t shown = std::min<int64_t>(tensor.count(), 8);
  for (int64_t i = 0; i < shown; ++i) {
    text += i == 0 ? "" : ", ";
    if (tensor.type() == ir::DType::string) {
      text +=
          nlohmann::json(tensor.string_at(i)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      continue;
    }
    text += ir::is_float(tensor.type()) || ir::is_opaque(tensor.type())
                ? fmt::format("{:.6g}", tensor.as_double(i))
                : std::to_string(tensor.as_int(i));
  }
  return text + (shown < tensor.count() ? ", ..." : "");
}

std::string dims_text(const ir::Tensor& tensor) {
  std::string text;
  for (const int64_t dim : tensor.dims()) text += (text.empty() ? "" : ", ") + std::to_string(dim);
  return "[" + text + "]";
}

int RunVerb::run() const {
  const CompileOptions sizes = model.compile_options();
  const TemporaryFolder folder;
  std::string wasm_path = model.model;
  if (!model.model.ends_with(".wasm")) {
    Progress progress(!model.quiet);
    CompileOptions options = sizes;
    options.import.shapes
        .clear();  // the module keeps its dynamic dims; --shape and --dim say what to run it with
    options.import.dims.clear();
    options.progress = [&](const std::string& what) { progress.stage(what); };
    Diagnostics diagnostics;
    const Result<CompiledModel> compiled = compile_model(model.model, options, diagnostics);
    progress.clear();
    if (!compiled) {
      fmt::print(stderr, "{}", diagnostics.to_string());
      return exit_model;
    }
    wasm_path = folder.path() + "/model.wasm";
    write_module(wasm_path, compiled->package);
  }
  const ModuleInfo info = read_module_info(model.model, read_file(wasm_path));
  const std::vector<NamedTensor> tensors = input.tensors(info, sizes, false);
  const bool in_node = engine == Engine::node || (engine == Engine::automatic && have_node());
  const RunResult result =
      in_node ? run_in_node(wasm_path, info, tensors) : run_in_interpreter(wasm_path, info, tensors);

  if (!output_folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(output_folder, error);
    if (error) fail_model("cannot make the folder '{}': {}", output_folder, error.message());
  }
  for (const NamedTensor& output : result.outputs) {
    if (!model.quiet) {
      fmt::print("{}: {}{} {}\n", output.name, ir::user_name(output.tensor.type()), dims_text(output.tensor),
                 preview(output.tensor));
    }
    if (!output_folder.empty()) {
      const std::string path = write_tensor(output_folder, output.name, output.tensor);
      if (!model.quiet) fmt::print("  written to {}\n", path);
    }
  }
  if (model.verbose) {
    fmt::print("instantiated in {:.2f} ms, ran in {:.2f} ms ({})\n", result.instantiate_milliseconds,
               result.first_milliseconds, in_node ? "Node" : "interpreter");
  }
  return exit_ok;
}

}  // namespace

Verb add_run_verb(CLI::App& app) {
  auto verb = std::make_shared<RunVerb>();
  verb->model.add_to(app);
  app.get_option("model")->description("A module (.wasm) or a model (.onnx)");
  verb->input.add_to(app);
  app.add_option("--output-dir", verb->output_folder, "Write every output into this folder as .npy")
      ->type_name("DIR");
  app.add_option("--engine", verb->engine,
                 "auto (Node if there is one), node, interpreter (libwabt's, in process: slow)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Engine>{
          {"auto", Engine::automatic}, {"node", Engine::node}, {"interpreter", Engine::interpreter}}));
  return [verb] { return verb->run(); };
}

}  // namespace o2w::driver
