#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/driver/verbs.h"
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

void print_json() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const onnx_frontend::Operator& op : onnx_frontend::all_operators()) {
    list.push_back(
        {{"domain", domain_of(op)}, {"name", op.name}, {"versions", op.versions}, {"limits", op.limits}});
  }
  fmt::print("{}\n", list.dump(2));
}

// The contents of docs/operators.md; a test compares the file with this.
void print_markdown() {
  fmt::print(
      "# Operators\n\nMade by `onnx2wasm list-ops --format markdown`; do not edit.\n\n"
      "A version is the opset in which ONNX last changed the operator.\n\n"
      "| domain | operator | versions | limits |\n|---|---|---|---|\n");
  for (const onnx_frontend::Operator& op : onnx_frontend::all_operators()) {
    fmt::print("| {} | {} | {} | {} |\n", domain_of(op), op.name, versions_of(op), op.limits);
  }
}

void print_text() {
  for (const onnx_frontend::Operator& op : onnx_frontend::all_operators()) {
    fmt::print("{}.{} {}{}{}\n", domain_of(op), op.name, versions_of(op), *op.limits == '\0' ? "" : "; ",
               op.limits);
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
