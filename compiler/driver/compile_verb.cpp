#include <fmt/core.h>

#include <CLI/Error.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/kernel_options.h"
#include "compiler/driver/model_options.h"
#include "compiler/driver/pipeline.h"
#include "compiler/driver/progress.h"
#include "compiler/driver/verbs.h"
#include "compiler/schedule/arena_need.h"

namespace o2w::driver {
namespace {

struct CompileVerb {
  ModelOptions model;
  std::string output;
  std::vector<std::string> emit{"wasm"};
  bool profile = false;
  KernelOptions kernels;

  bool emits(const char* what) const { return std::find(emit.begin(), emit.end(), what) != emit.end(); }
  int run() const;
};

package::Pieces bytes_of(const std::string& text) {
  package::Pieces pieces;
  pieces.add(std::vector<uint8_t>(text.begin(), text.end()));
  return pieces;
}

// The plan of a module with open sizes is an example: each of them 64, or as near to it as it may be.
void print_arena(const schedule::Program& program) {
  schedule::ArenaNeed need{program.arena_bytes, program.arena_lower_bound};
  std::string where;
  if (need.bytes == 0) {
    std::map<std::string, int64_t> sizes;
    for (const ir::SymbolRef& symbol : program.symbols) {
      if (!symbol->from_input) continue;
      sizes[symbol->name] = std::clamp<int64_t>(64, symbol->lower, symbol->upper);
      where += fmt::format("{}{} = {}", where.empty() ? " where " : ", ", symbol->name, sizes[symbol->name]);
    }
    const auto example = schedule::arena_need(program, sizes);
    if (!example) return;
    need = *example;
  }
  fmt::print("arena {:.1f} KB (lower bound {:.1f} KB{}), {} steps\n", static_cast<double>(need.bytes) / 1000,
             static_cast<double>(need.lower_bound) / 1000, where, program.steps.size());
}

int CompileVerb::run() const {
  const auto start = std::chrono::steady_clock::now();
  Progress progress(!model.quiet);
  CompileOptions options = model.compile_options();
  options.profile = profile;
  options.progress = [&](const std::string& what) { progress.stage(what); };

  std::filesystem::path wasm_path = output;
  if (wasm_path.empty()) wasm_path = std::filesystem::path(model.model).filename().replace_extension(".wasm");
  if (wasm_path.extension() != ".wasm") {
    throw CLI::ValidationError(
        "-o", fmt::format("'{}' must end in .wasm; --emit adds .wat, .mjs and .d.ts beside it",
                          wasm_path.string()));
  }

  if (!options.weights_name.empty()) {
    options.weights_name = std::filesystem::path(wasm_path).filename().replace_extension(".weights").string();
  }
  Diagnostics diagnostics;
  const auto say = [&](const std::string& text) {
    progress.clear();
    if (!model.quiet) fmt::print("{}\n", text);
  };
  Result<CompiledModel> compiled;
  if (kernels.apply(model.model, options, say, diagnostics)) {
    compiled = compile_model(model.model, options, diagnostics);
  }
  progress.clear();
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity == Severity::error || !model.quiet)
      fmt::print(stderr, "{}\n", diagnostic.to_string());
  }
  if (!compiled) {
    fmt::print(stderr, "{}: {} problem{}; nothing was written\n", model.model, diagnostics.error_count(),
               diagnostics.error_count() == 1 ? "" : "s");
    return exit_model;
  }

  const auto beside = [&](const char* extension) {
    return std::filesystem::path(wasm_path).replace_extension(extension).string();
  };
  std::vector<OutputFile> files;
  if (emits("wasm")) {
    files.push_back({wasm_path.string(), compiled->package.wasm});
    for (const package::WeightsFile& file : compiled->package.weights) {
      files.push_back({std::filesystem::path(wasm_path).replace_filename(file.name).string(), file.bytes});
    }
  }
  if (emits("wat")) {
    files.push_back({beside(".wat"), bytes_of(package::to_wat(compiled->package.wasm.joined()))});
  }
  if (emits("js")) {
    const std::string wasm_name = wasm_path.filename().string();
    files.push_back({beside(".mjs"), bytes_of(package::loader_js(compiled->package, wasm_name))});
    files.push_back({beside(".d.ts"), bytes_of(package::loader_dts(compiled->program, wasm_name))});
  }
  write_files_atomically(files);

  if (!model.quiet) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (const OutputFile& file : files)
      fmt::print("{}  {:.1f} KB\n", file.path, static_cast<double>(file.bytes.size()) / 1000);
    fmt::print("weights {:.1f} KB, code and tables {:.1f} KB, {:.2f} s\n",
               static_cast<double>(compiled->package.weight_bytes) / 1000,
               static_cast<double>(compiled->package.code_bytes) / 1000, seconds);
    if (model.verbose) print_arena(compiled->program);
  }
  return exit_ok;
}

}  // namespace

Verb add_compile_verb(CLI::App& app) {
  auto verb = std::make_shared<CompileVerb>();
  verb->model.add_to(app);
  app.add_option("-o,--output", verb->output,
                 "The module to write (default: the model's name with .wasm, here)")
      ->type_name("FILE.wasm");
  app.add_option("--emit", verb->emit,
                 "What to write: wasm, wat (text), js (loader and types); comma-separated")
      ->delimiter(',')
      ->check(CLI::IsMember({"wasm", "wat", "js"}))
      ->capture_default_str();
  verb->kernels.add_to(app);
  app.add_flag("--profile", verb->profile,
               "Make a module for profilers: function names, and every step of the plan an export");
  return [verb] { return verb->run(); };
}

}  // namespace o2w::driver
