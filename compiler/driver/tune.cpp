#include "compiler/driver/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/node_process.h"
#include "compiler/driver/temporary_folder.h"
#include "compiler/support/error.h"
#include "tune_runner.h"

namespace o2w::driver {
namespace {

using nlohmann::json;

constexpr double kSeconds = 1.5;  // of measuring, per algorithm

// The inputs as the runner wants them. Symbols get the same size wherever they stand.
json inputs_of(const schedule::Program& program, const std::function<void(const std::string&)>& say) {
  constexpr int64_t typical = 64;
  std::map<std::string, ir::Dim> sizes;
  json inputs = json::array();
  for (const schedule::ProgramPort& port : program.inputs) {
    if (port.list) fail_model("input '{}': models that take lists cannot be tuned", port.name);
    std::vector<int64_t> dims;
    for (std::size_t d = 0; d < port.shape.size(); ++d) {
      for (const ir::SymbolRef& symbol : port.shape[d].symbols()) {
        const int64_t wanted = d == 0 ? 1 : typical, size = std::clamp(wanted, symbol->lower, symbol->upper);
        const bool is_new = sizes.try_emplace(symbol->name, ir::Dim(size)).second;
        if (is_new)
          say(fmt::format("{} = {} while measuring; fix it by --dim to measure another", symbol->name, size));
      }
      dims.push_back(port.shape[d].substitute(sizes).value());
    }
    inputs.push_back({{"type", ir::onnx_code(port.type)}, {"dims", dims}});
  }
  return inputs;
}

// The names of all algorithms that some step has which the profile will time.
std::set<std::string> algorithms_of(const schedule::Program& program) {
  std::set<std::string> names;
  for (const schedule::Step& step : program.steps) {
    const auto* call = std::get_if<schedule::Call>(&step.what);
    if (call == nullptr) continue;
    for (std::string& name : schedule::alternatives_of(call->kernel)) names.insert(std::move(name));
  }
  return names;
}

}  // namespace

Result<schedule::KernelChoices> tune(const std::string& model, const CompileOptions& options,
                                     const std::string& node,
                                     const std::function<void(const std::string&)>& say,
                                     Diagnostics& diagnostics) {
  struct Best {
    std::string algorithm;
    double milliseconds;
  };
  std::map<std::string, Best> best;
  CompileOptions candidate = options;
  candidate.profile = true;
  candidate.dump_folder.clear();
  candidate.weights_name.clear();  // the runner loads one file
  bool said = false;
  const Result<CompiledModel> untuned = compile_model(model, candidate, diagnostics);
  if (!untuned) return std::nullopt;
  for (const std::string& algorithm : algorithms_of(untuned->program)) {
    candidate.kernels = {{"*", algorithm}};
    const Result<CompiledModel> compiled = compile_model(model, candidate, diagnostics);
    if (!compiled) return std::nullopt;
    const TemporaryFolder folder;
    const std::string wasm = folder.path() + "/model.wasm";
    write_file_atomically(wasm, compiled->package.wasm);
    const json inputs = inputs_of(compiled->program, [&](const std::string& text) {
      if (!said) say(text);
    });
    said = true;
    if (options.progress) options.progress(fmt::format("measuring '{}'", algorithm));
    const json answer = run_script(
        node, tune_runner_text, {{"wasm", wasm}, {"inputs", inputs}, {"seconds", kSeconds}}, folder.path());
    // Equal sites are one choice: their times add up.
    std::map<std::string, double> times;
    for (const json& step : answer["steps"]) {
      if (step["algorithm"] == algorithm) times[step["site"]] += step["milliseconds"].get<double>();
    }
    for (const auto& [site, milliseconds] : times) {
      const auto [known, is_new] = best.try_emplace(site, Best{algorithm, milliseconds});
      if (!is_new && milliseconds < known->second.milliseconds) known->second = {algorithm, milliseconds};
    }
  }
  schedule::KernelChoices choices;
  for (const auto& [site, choice] : best) choices[site] = choice.algorithm;
  return choices;
}

schedule::KernelChoices read_kernel_choices(const std::string& path) {
  const std::vector<uint8_t> bytes = read_file(path);
  const json parsed = json::parse(bytes.begin(), bytes.end(), nullptr, false);
  schedule::KernelChoices choices;
  bool is_valid = parsed.is_object();
  for (auto entry = parsed.begin(); is_valid && entry != parsed.end(); ++entry) {
    is_valid = entry->is_string();
    if (is_valid) choices[entry.key()] = entry->get<std::string>();
  }
  if (!is_valid)
    fail_model("'{}' is no file of kernel choices: a JSON object of strings, as --tune writes it", path);
  return choices;
}

std::string kernel_choices_text(const schedule::KernelChoices& choices) {
  return json(choices).dump(2) + "\n";
}

}  // namespace o2w::driver
