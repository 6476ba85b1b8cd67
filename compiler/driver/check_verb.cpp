// `check`: one report of whether a model compiles and what stands in the way, for people and for programs.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/driver/check_report.h"
#include "compiler/driver/model_options.h"
#include "compiler/driver/progress.h"
#include "compiler/driver/verbs.h"

namespace o2w::driver {
namespace {

using nlohmann::ordered_json;
using onnx_frontend::DimSummary;
using onnx_frontend::OperatorSummary;
using onnx_frontend::PortSummary;

enum class Format : uint8_t { text, json };

std::string qualified(const OperatorSummary& op) {
  return op.domain.empty() ? op.name : op.domain + "." + op.name;
}

std::string plural(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string kilobytes(int64_t bytes) { return fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1000); }

std::string range(int64_t lower, int64_t upper) {
  return is_unbounded(upper) ? fmt::format("{} or more", lower) : fmt::format("{}..{}", lower, upper);
}

std::vector<const OperatorSummary*> unsupported(const CheckReport& report) {
  std::vector<const OperatorSummary*> list;
  for (const OperatorSummary& op : report.summary.operators) {
    if (!op.version) list.push_back(&op);
  }
  return list;
}

// Problems under the heading of their operator, in the order in which the operators first appear.
void print_problems(const CheckReport& report) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Diagnostic*>> by_operator;
  for (const Diagnostic& diagnostic : report.diagnostics.all()) {
    auto& list = by_operator[diagnostic.where.op];
    if (list.empty()) order.push_back(diagnostic.where.op);
    list.push_back(&diagnostic);
  }
  if (order.empty()) return;
  fmt::print("problems:\n");
  for (const std::string& op : order) {
    const auto& list = by_operator[op];
    fmt::print("  {}:\n", op.empty() ? "the model" : op);
    for (const Diagnostic* diagnostic : list) {
      Diagnostic under_heading = *diagnostic;
      under_heading.where.op.clear();
      fmt::print("    {}\n", under_heading.to_string());
    }
  }
}

void print_ports(const char* what, const std::vector<PortSummary>& ports) {
  if (ports.empty()) return;
  fmt::print("{}:\n", what);
  for (const PortSummary& port : ports) fmt::print("  {}: {}{}\n", port.name, port.type, port.shape);
}

void print_text(const CheckReport& report) {
  const std::size_t errors = report.diagnostics.error_count();
  const std::size_t warnings = report.diagnostics.all().size() - errors;
  fmt::print("{}: {}", report.model, report.compiles ? "compiles" : "does not compile");
  if (errors > 0) fmt::print(", {}", plural(errors, "error"));
  if (warnings > 0) fmt::print(", {}", plural(warnings, "warning"));
  fmt::print("\n");
  if (const auto missing = unsupported(report); !missing.empty()) {
    fmt::print("operators that are not supported:\n");
    for (const OperatorSummary* op : missing) {
      fmt::print("  {} x {} of opset {}\n", op->count, qualified(*op), op->opset);
    }
  }
  print_problems(report);
  print_ports("inputs", report.summary.inputs);
  print_ports("outputs", report.summary.outputs);
  if (!report.summary.dims.empty()) {
    fmt::print("dynamic dimensions (fix or bound them with --dim):\n");
    for (const DimSummary& dim : report.summary.dims) {
      fmt::print("  {}: {}\n", dim.name, range(dim.lower, dim.upper));
    }
  }
  if (!report.run_time_sizes.empty()) {
    fmt::print("sizes that depend on data:\n");
    for (const RunTimeSize& size : report.run_time_sizes) {
      fmt::print("  {}: {}", size.name, range(size.lower, size.upper));
      if (!size.node.empty()) fmt::print(", from node '{}' ({})", size.node, size.op);
      fmt::print("\n");
    }
  }
  if (report.weight_bytes) {
    fmt::print("module: weights {}", kilobytes(*report.weight_bytes));
    if (report.code_bytes) fmt::print(", code and tables {}", kilobytes(*report.code_bytes));
    fmt::print("\n");
  }
  if (report.least_tensor_bytes) {
    fmt::print("memory for tensors: {}", kilobytes(*report.least_tensor_bytes));
    if (!report.most_tensor_bytes) {
      fmt::print(" or more, as no bound is known for all sizes");
    } else if (*report.most_tensor_bytes != *report.least_tensor_bytes) {
      fmt::print(" to {}", kilobytes(*report.most_tensor_bytes));
    }
    fmt::print("\n");
  }
}

template <typename T>
ordered_json optional(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json bound(int64_t upper) { return is_unbounded(upper) ? ordered_json() : ordered_json(upper); }

ordered_json ports_json(const std::vector<PortSummary>& ports) {
  ordered_json list = ordered_json::array();
  for (const PortSummary& port : ports) {
    list.push_back({{"name", port.name}, {"type", port.type}, {"shape", port.shape}});
  }
  return list;
}

// The form is documented in docs/command-line.md; "format" counts up when a reader of an older one would
// misread it.
void print_json(const CheckReport& report) {
  const std::size_t errors = report.diagnostics.error_count();
  int64_t unsupported_nodes = 0;
  ordered_json missing = ordered_json::array();
  for (const OperatorSummary* op : unsupported(report)) {
    unsupported_nodes += op->count;
    missing.push_back({{"domain", op->domain.empty() ? "ai.onnx" : op->domain},
                       {"name", op->name},
                       {"opset", op->opset},
                       {"nodes", op->count}});
  }
  ordered_json problems = ordered_json::array();
  for (const Diagnostic& diagnostic : report.diagnostics.all()) {
    problems.push_back({{"severity", diagnostic.severity == Severity::error ? "error" : "warning"},
                        {"node", diagnostic.where.node},
                        {"operator", diagnostic.where.op},
                        {"tensor", diagnostic.where.tensor},
                        {"message", diagnostic.message},
                        {"hint", diagnostic.hint}});
  }
  ordered_json dims = ordered_json::array();
  for (const DimSummary& dim : report.summary.dims) {
    dims.push_back(
        {{"name", dim.name}, {"lower", dim.lower}, {"upper", bound(dim.upper)}, {"inputs", dim.inputs}});
  }
  ordered_json sizes = ordered_json::array();
  for (const RunTimeSize& size : report.run_time_sizes) {
    sizes.push_back({{"name", size.name},
                     {"lower", size.lower},
                     {"upper", bound(size.upper)},
                     {"node", size.node},
                     {"operator", size.op}});
  }
  const ordered_json json{
      {"format", 1},
      {"model", report.model},
      {"compiles", report.compiles},
      {"stage", report.stage},
      {"counts",
       {{"errors", errors},
        {"warnings", report.diagnostics.all().size() - errors},
        {"nodes", report.summary.nodes},
        {"unsupported_nodes", unsupported_nodes}}},
      {"unsupported", std::move(missing)},
      {"problems", std::move(problems)},
      {"inputs", ports_json(report.summary.inputs)},
      {"outputs", ports_json(report.summary.outputs)},
      {"dims", std::move(dims)},
      {"run_time_sizes", std::move(sizes)},
      {"module",
       {{"weight_bytes", optional(report.weight_bytes)},
        {"code_bytes", optional(report.code_bytes)},
        {"bytes", optional(report.module_bytes)}}},
      {"memory",
       {{"initial_bytes", optional(report.initial_memory_bytes)},
        {"least_tensor_bytes", optional(report.least_tensor_bytes)},
        {"most_tensor_bytes", optional(report.most_tensor_bytes)}}},
  };
  // Names come from the model's file: bytes that are no UTF-8 must not stop the report.
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace

Verb add_check_verb(CLI::App& app) {
  auto model = std::make_shared<ModelOptions>();
  auto format = std::make_shared<Format>(Format::text);
  auto quick = std::make_shared<bool>(false);
  model->add_to(app);
  app.add_option("--format", *format, "text or json")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Format>{{"text", Format::text}, {"json", Format::json}}));
  app.add_flag("--quick", *quick, "Stop before generating code: the module's code size is then not told");
  return [model, format, quick] {
    Progress progress(!model->quiet && *format == Format::text);
    CompileOptions options = model->compile_options();
    options.progress = [&](const std::string& what) { progress.stage(what); };
    const CheckReport report = check_model(model->model, std::move(options), *quick);
    progress.clear();
    if (*format == Format::json) {
      print_json(report);
    } else {
      print_text(report);
    }
    return report.compiles ? exit_ok : exit_model;
  };
}

}  // namespace o2w::driver
