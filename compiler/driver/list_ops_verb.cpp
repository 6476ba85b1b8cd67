#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <variant>

#include "compiler/driver/verbs.h"
#include "compiler/ir/graph.h"
#include "compiler/schedule/program.h"
#include "frontends/onnx/operator.h"

namespace o2w::driver {
namespace {

enum class Format : uint8_t { text, json, markdown };

std::string versions_of(const onnx_frontend::Operator& op) {
  std::string text;
  for (const int version : op.versions) text += (text.empty() ? "" : ", ") + std::to_string(version);
  return text;
}

std::string domain_of(const onnx_frontend::Operator& op) {
  return *op.domain == '\0' ? "ai.onnx" : op.domain;
}

// "T: floats (inputs 0, 1); ..."; a parameter of all inputs needs no positions.
std::string types_of(const onnx_frontend::Operator& op) {
  std::string text;
  for (const onnx_frontend::TypeParameter& parameter : op.types) {
    if (!text.empty()) text += "; ";
    const std::string at = parameter.at.to_text();
    text += fmt::format("{}: {}", parameter.name, parameter.types.to_short_text());
    if (at != "inputs all") text += fmt::format(" ({})", at);
  }
  return text;
}

nlohmann::ordered_json types_as_json(const onnx_frontend::Operator& op) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const onnx_frontend::TypeParameter& parameter : op.types) {
    nlohmann::ordered_json types = nlohmann::ordered_json::array();
    for (const ir::DType type : parameter.types.list()) types.push_back(ir::user_name(type));
    list.push_back({{"name", parameter.name},
                    {"at", parameter.at.to_text()},
                    {"same", !parameter.mixed},
                    {"types", std::move(types)}});
  }
  return list;
}

// What the names of sets in the table stand for.
std::string legend() {
  std::string text;
  for (const onnx_frontend::NamedTypeSet& named : onnx_frontend::named_type_sets()) {
    text += fmt::format("- {}: {}\n", named.name, named.set.to_text());
  }
  return text;
}

// docs/architecture.md has this sentence too; a test compares.
std::string statistics() {
  return fmt::format("{} operators are served by {} kinds of nodes and {} kinds of kernels.",
                     onnx_frontend::all_operators().size(), std::variant_size_v<ir::Attributes>,
                     std::variant_size_v<schedule::Kernel>);
}

void print_json() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const onnx_frontend::Operator& op : onnx_frontend::all_operators()) {
    list.push_back({{"domain", domain_of(op)},
                    {"name", op.name},
                    {"versions", op.versions},
                    {"types", types_as_json(op)},
                    {"limits", op.limits}});
  }
  fmt::print("{}\n", list.dump(2));
}

// The contents of docs/operators.md; a test compares the file with this.
void print_markdown() {
  fmt::print(
      "# Operators\n\nMade by `onnx2wasm list-ops --format markdown`; do not edit.\n\n"
      "{}\n\n"
      "A version is the opset in which ONNX last changed the operator. Element types are those that inputs "
      "take, over all versions; outputs are listed where an attribute chooses their type.\n\n"
      "{}\n"
      "| domain | operator | versions | element types | limits |\n|---|---|---|---|---|\n",
      statistics(), legend());
  for (const onnx_frontend::Operator& op : onnx_frontend::all_operators()) {
    fmt::print("| {} | {} | {} | {} | {} |\n", domain_of(op), op.name, versions_of(op), types_of(op),
               op.limits);
  }
}

void print_text() {
  for (const onnx_frontend::Operator& op : onnx_frontend::all_operators()) {
    fmt::print("{}.{} {}; {}{}{}\n", domain_of(op), op.name, versions_of(op), types_of(op),
               *op.limits == '\0' ? "" : "; ", op.limits);
  }
}

}  // namespace

Verb add_list_ops_verb(CLI::App& app) {
  auto format = std::make_shared<Format>(Format::text);
  app.add_option("--format", *format, "text, json or markdown")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Format>{
          {"text", Format::text}, {"json", Format::json}, {"markdown", Format::markdown}}));
  return [format] {
    switch (*format) {
      case Format::text:
        print_text();
        break;
      case Format::json:
        print_json();
        break;
      case Format::markdown:
        print_markdown();
        break;
    }
    return exit_ok;
  };
}

}  // namespace o2w::driver
