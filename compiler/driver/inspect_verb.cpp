#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/driver/model_options.h"
#include "compiler/driver/pipeline.h"
#include "compiler/driver/size_report_text.h"
#include "compiler/driver/verbs.h"
#include "frontends/onnx/summary.h"

namespace o2w::driver {
namespace {

using onnx_frontend::ModelSummary;
using onnx_frontend::OperatorSummary;
using onnx_frontend::PortSummary;

std::string qualified(const OperatorSummary& op) {
  return op.domain.empty() ? op.name : op.domain + "." + op.name;
}

void print_text(const ModelSummary& summary) {
  fmt::print("IR version {}{}{}, {} nodes, {} parameters ({:.1f} KB)\n", summary.ir_version,
             summary.producer.empty() ? "" : ", made by ", summary.producer, summary.nodes,
             summary.parameters, static_cast<double>(summary.parameter_bytes) / 1000);
  if (summary.macs) fmt::print("multiply-accumulates: {}\n", summary.macs->to_string());
  const auto ports = [](const char* what, const std::vector<PortSummary>& list) {
    fmt::print("{}:\n", what);
    for (const PortSummary& port : list) fmt::print("  {}: {}{}\n", port.name, port.type, port.shape);
  };
  ports("inputs", summary.inputs);
  ports("outputs", summary.outputs);
  if (!summary.dims.empty()) {
    fmt::print("dynamic dimensions (fix or bound them with --dim):\n");
    for (const auto& dim : summary.dims) fmt::print("  {}: {}..{}\n", dim.name, dim.lower, dim.upper);
  }
  fmt::print("operators:\n");
  for (const OperatorSummary& op : summary.operators) {
    fmt::print("  {} x {}: {}\n", op.count, qualified(op),
               op.version ? fmt::format("version {}", *op.version) : "NOT SUPPORTED");
  }
}

void print_json(const ModelSummary& summary, const Diagnostics& diagnostics) {
  using nlohmann::ordered_json;
  const auto ports = [](const std::vector<PortSummary>& list) {
    ordered_json array = ordered_json::array();
    for (const PortSummary& port : list)
      array.push_back({{"name", port.name}, {"type", port.type}, {"shape", port.shape}});
    return array;
  };
  ordered_json json{{"ir_version", summary.ir_version},
                    {"producer", summary.producer},
                    {"inputs", ports(summary.inputs)},
                    {"outputs", ports(summary.outputs)},
                    {"nodes", summary.nodes},
                    {"parameters", summary.parameters},
                    {"parameter_bytes", summary.parameter_bytes}};
  json["macs"] = summary.macs ? ordered_json(summary.macs->to_string()) : ordered_json();
  json["dims"] = ordered_json::array();
  for (const auto& dim : summary.dims) {
    json["dims"].push_back(
        {{"name", dim.name}, {"lower", dim.lower}, {"upper", dim.upper}, {"inputs", dim.inputs}});
  }
  json["operators"] = ordered_json::array();
  for (const OperatorSummary& op : summary.operators) {
    json["operators"].push_back({{"name", qualified(op)},
                                 {"opset", op.opset},
                                 {"version", op.version ? ordered_json(*op.version) : ordered_json()},
                                 {"count", op.count},
                                 {"supported", op.version.has_value()}});
  }
  json["problems"] = ordered_json::array();
  for (const Diagnostic& diagnostic : diagnostics.all()) json["problems"].push_back(diagnostic.to_string());
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

// What the module's bytes are: compiles the model.
int print_sizes(const ModelOptions& model, bool as_json) {
  CompileOptions options = model.compile_options();
  options.report_sizes = true;
  Diagnostics diagnostics;
  const Result<CompiledModel> compiled = compile_model(model.model, options, diagnostics);
  fmt::print(stderr, "{}", diagnostics.to_string());
  if (!compiled) return exit_model;
  const package::SizeReport& sizes = compiled->package.sizes;
  fmt::print("{}", as_json ? size_report_json(sizes) : size_report_text(sizes));
  return exit_ok;
}

}  // namespace

Verb add_inspect_verb(CLI::App& app) {
  auto model = std::make_shared<ModelOptions>();
  auto as_json = std::make_shared<bool>(false);
  model->add_to(app);
  auto sizes = std::make_shared<bool>(false);
  app.add_flag("--json", *as_json, "Print JSON");
  app.add_flag("--sizes", *sizes,
               "Compile, and show what each function, node, table and weight costs in bytes instead");
  return [model, as_json, sizes]() -> int {
    if (*sizes) return print_sizes(*model, *as_json);
    const CompileOptions options = model->compile_options();
    Diagnostics diagnostics;
    const auto definition = onnx_frontend::read_model(model->model, diagnostics);
    if (!definition) {
      fmt::print(stderr, "{}", diagnostics.to_string());
      return exit_model;
    }
    const auto graph = onnx_frontend::import_model(*definition, options.import, diagnostics);
    const ModelSummary summary =
        onnx_frontend::summarize(*definition, options.import, graph ? &*graph : nullptr);
    if (*as_json) {
      print_json(summary, diagnostics);
    } else {
      print_text(summary);
      fmt::print(stderr, "{}", diagnostics.to_string());
    }
    return diagnostics.has_errors() ? exit_model : exit_ok;
  };
}

}  // namespace o2w::driver
