#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/input_options.h"
#include "compiler/driver/progress.h"
#include "compiler/driver/session.h"
#include "compiler/driver/temporary_folder.h"
#include "compiler/driver/verbs.h"
#include "compiler/eval/evaluate.h"
#include "compiler/support/error.h"

namespace o2w::driver {
namespace {

struct VerifyVerb {
  ModelOptions model;
  InputOptions input;
  double rtol = 1e-3, atol = 1e-4;
  int run() const;
};

struct Difference {
  double absolute = 0, relative = 0;
  int64_t outside = 0;  // elements further apart than atol + rtol * |reference|
};

Difference compare(const ir::Tensor& ours, const ir::Tensor& reference, double rtol, double atol) {
  Difference worst;
  for (int64_t i = 0; i < reference.count(); ++i) {
    if (reference.type() == ir::DType::string) {
      const bool differs = ours.string_at(i) != reference.string_at(i);
      worst.outside += differs ? 1 : 0;
      if (differs) worst.absolute = worst.relative = INFINITY;
      continue;
    }
    const double a = ours.as_double(i), b = reference.as_double(i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double absolute = std::abs(a - b);
    const bool apart = !(absolute <= atol + rtol * std::abs(b));  // NaN on one side is apart
    worst.outside += apart ? 1 : 0;
    worst.absolute = std::isnan(absolute) ? INFINITY : std::max(worst.absolute, absolute);
    worst.relative =
        std::isnan(absolute) ? INFINITY : std::max(worst.relative, absolute / std::max(std::abs(b), 1e-30));
  }
  return worst;
}

// Outputs of the reference: native ONNX Runtime where it is installed, else the compiler's own evaluator.
std::vector<NamedTensor> reference_outputs(const std::string& path, const ModuleInfo& info,
                                           const CompileOptions& options,
                                           const std::vector<NamedTensor>& inputs, std::string& name) {
  if (const std::optional<RunResult> native = run_in_onnxruntime(path, inputs)) {
    name = fmt::format("native ONNX Runtime, {:.2f} ms", native->first_milliseconds);
    return native->outputs;
  }
  name = "the reference evaluator (npm's onnxruntime-node is not installed)";
  Diagnostics diagnostics;
  const Result<ir::Graph> graph = build_graph(path, options, diagnostics);
  if (!graph) fail_model("{}", diagnostics.to_string());
  std::vector<ir::Tensor> tensors;
  for (const NamedTensor& input : inputs) tensors.push_back(input.tensor);
  std::vector<ir::Tensor> results = eval::evaluate(*graph, tensors);
  std::vector<NamedTensor> outputs;
  for (std::size_t i = 0; i < results.size(); ++i)
    outputs.push_back({info.outputs[i].name, std::move(results[i])});
  return outputs;
}

int VerifyVerb::run() const {
  const CompileOptions sizes = model.compile_options();
  CompileOptions options = sizes;
  options.import.shapes.clear();
  options.import.dims.clear();
  Diagnostics diagnostics;
  Result<CompiledModel> compiled;
  {
    Progress progress(!model.quiet);
    options.progress = [&](const std::string& what) { progress.stage(what); };
    compiled = compile_model(model.model, options, diagnostics);
  }
  if (!compiled) {
    fmt::print(stderr, "{}", diagnostics.to_string());
    return exit_model;
  }
  const TemporaryFolder folder;
  const std::string wasm_path = folder.path() + "/model.wasm";
  write_module(wasm_path, compiled->package);
  const ModuleInfo info = read_module_info(model.model, read_file(wasm_path));
  const std::vector<NamedTensor> inputs = input.tensors(info, sizes, true);

  std::string reference_name;
  options.progress = nullptr;
  const std::vector<NamedTensor> reference =
      reference_outputs(model.model, info, options, inputs, reference_name);
  const RunResult ours =
      have_node() ? run_in_node(wasm_path, info, inputs) : run_in_interpreter(wasm_path, info, inputs);

  fmt::print("reference: {}\nmodule: first answer {:.2f} ms\n", reference_name, ours.first_milliseconds);
  bool agree = true;
  for (const NamedTensor& output : ours.outputs) {
    const auto found = std::find_if(reference.begin(), reference.end(),
                                    [&](const NamedTensor& r) { return r.name == output.name; });
    if (found == reference.end()) fail_internal("the reference has no output '{}'", output.name);
    if (found->tensor.dims() != output.tensor.dims() || found->tensor.type() != output.tensor.type()) {
      fmt::print("{}: DIFFERENT type or shape\n", output.name);
      agree = false;
      continue;
    }
    const Difference worst = compare(output.tensor, found->tensor, rtol, atol);
    fmt::print(
        "{}: largest absolute difference {:.3g}, relative {:.3g}; {} of {} elements outside rtol {:g} / atol "
        "{:g}{}\n",
        output.name, worst.absolute, worst.relative, worst.outside, output.tensor.count(), rtol, atol,
        worst.outside == 0 ? "" : "  DIFFERENT");
    agree = agree && worst.outside == 0;
  }
  return agree ? exit_ok : exit_model;
}

}  // namespace

Verb add_verify_verb(CLI::App& app) {
  auto verb = std::make_shared<VerifyVerb>();
  verb->model.add_to(app);
  verb->input.add_to(app);
  app.add_option("--rtol", verb->rtol, "Relative tolerance")->capture_default_str();
  app.add_option("--atol", verb->atol, "Absolute tolerance")->capture_default_str();
  return [verb] { return verb->run(); };
}

}  // namespace o2w::driver
