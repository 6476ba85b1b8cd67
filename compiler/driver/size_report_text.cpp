#include "compiler/driver/size_report_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace o2w::driver {
namespace {

using package::SizeReport;

const char* kind_name(SizeReport::Kind kind) {
  switch (kind) {
    case SizeReport::Kind::kernel:
      return "kernel";
    case SizeReport::Kind::plan:
      return "plan";
    case SizeReport::Kind::runtime:
      return "runtime";
  }
  return "";
}

// "conv1 (Conv-11) and 3 more"
std::string some_of(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  return names.size() == 1 ? names[0] : fmt::format("{} and {} more", names[0], names.size() - 1);
}

}  // namespace

std::string size_report_text(const SizeReport& report) {
  std::string text = "module:\n";
  int64_t total = 0;
  for (const SizeReport::Part& part : report.parts) {
    text += fmt::format("{:>12}  {}\n", part.bytes, part.name);
    total += part.bytes;
  }
  text += fmt::format("{:>12}  in all\nfunctions:\n", total);
  for (const SizeReport::Function& function : report.functions) {
    const std::string nodes = some_of(function.nodes);
    text += fmt::format("{:>12}  {} {}{}{}\n", function.bytes, kind_name(function.kind), function.name,
                        nodes.empty() ? "" : ": ", nodes);
  }
  text += "nodes (code, with an equal share of kernels that several nodes call; weights):\n";
  for (const SizeReport::Node& node : report.nodes) {
    text += fmt::format("{:>12.0f} {:>12}  {}\n", node.code_bytes, node.weight_bytes, node.name);
  }
  text += "weights:\n";
  for (const SizeReport::Weights& tensor : report.weights) {
    text += fmt::format("{:>12}  {}: {}\n", tensor.bytes, tensor.name, some_of(tensor.nodes));
  }
  return text;
}

std::string size_report_json(const SizeReport& report) {
  using nlohmann::ordered_json;
  ordered_json json = {{"parts", ordered_json::array()},
                       {"functions", ordered_json::array()},
                       {"nodes", ordered_json::array()},
                       {"weights", ordered_json::array()}};
  for (const SizeReport::Part& part : report.parts) {
    json["parts"].push_back({{"name", part.name}, {"bytes", part.bytes}});
  }
  for (const SizeReport::Function& function : report.functions) {
    json["functions"].push_back({{"name", function.name},
                                 {"kind", kind_name(function.kind)},
                                 {"bytes", function.bytes},
                                 {"nodes", function.nodes}});
  }
  for (const SizeReport::Node& node : report.nodes) {
    json["nodes"].push_back({{"name", node.name},
                             {"code_bytes", node.code_bytes},
                             {"weight_bytes", node.weight_bytes},
                             {"kernels", node.kernels}});
  }
  for (const SizeReport::Weights& tensor : report.weights) {
    json["weights"].push_back({{"name", tensor.name}, {"bytes", tensor.bytes}, {"nodes", tensor.nodes}});
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace o2w::driver
