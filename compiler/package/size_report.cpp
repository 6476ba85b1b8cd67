#include "compiler/package/size_report.h"

#include <algorithm>
#include <set>

#include "compiler/package/validate.h"
#include "compiler/package/wasm_binary.h"
#include "compiler/schedule/step_work.h"
#include "compiler/support/error.h"

namespace o2w::package {

namespace {

using schedule::Call;
using schedule::Program;

std::map<uint64_t, std::string> function_names(std::span<const uint8_t> names) {
  constexpr uint8_t kFunctions = 1;
  std::map<uint64_t, std::string> result;
  for (std::size_t at = 0; at < names.size();) {
    const uint8_t part = names[at++];
    const uint64_t size = read_leb(names, at);
    const std::size_t end = at + size;
    if (part == kFunctions) {
      for (uint64_t left = read_leb(names, at); left > 0; --left) {
        const uint64_t index = read_leb(names, at), length = read_leb(names, at);
        ensure(length <= names.size() - at, "a function's name ends behind its section");
        result[index] = {reinterpret_cast<const char*>(names.data()) + at, length};
        at += length;
      }
    }
    at = end;
  }
  return result;
}

std::string describe(const std::shared_ptr<const ir::Origin>& origin) {
  return origin ? origin->node + " (" + origin->op + ")" : "the model";
}

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

class Attribution {
 public:
  Attribution(const Program& program, const std::function<std::string(const Call&)>& kernel_of)
      : program_(program), kernel_of_(kernel_of) {
    visit(program.steps);
  }

  std::map<std::string, std::vector<std::string>> nodes_of_kernel;
  std::vector<SizeReport::Node> nodes;
  std::vector<SizeReport::Weights> weights;

 private:
  void visit(const schedule::Steps& steps) {
    schedule::for_each_step(steps, [&](const schedule::Step& step) {
      if (const auto* call = std::get_if<Call>(&step.what)) visit(*call, describe(step.origin));
    });
  }

  void visit(const Call& call, const std::string& name) {
    const auto [place, is_new] = numbers_.try_emplace(name, nodes.size());
    if (is_new) nodes.push_back({.name = name, .kernels = {}});
    SizeReport::Node& node = nodes[place->second];
    if (const std::string kernel = kernel_of_(call); !kernel.empty()) {
      add_once(node.kernels, kernel);
      add_once(nodes_of_kernel[kernel], name);
    }
    for (const schedule::Address& pointer : call.pointers) {
      const schedule::Buffer& buffer = program_.buffers.at(static_cast<std::size_t>(pointer.buffer));
      if (buffer.storage != schedule::Storage::weights) continue;
      const auto [known, is_first] = weights_.try_emplace(buffer.contents.bytes(), weights.size());
      if (is_first) weights.push_back({buffer.name, buffer.contents.byte_count(), {}});
      SizeReport::Weights& tensor = weights[known->second];
      if (tensor.nodes.empty()) node.weight_bytes += tensor.bytes;  // the first that reads it
      add_once(tensor.nodes, name);
    }
  }

  const Program& program_;
  const std::function<std::string(const Call&)>& kernel_of_;
  std::map<std::string, std::size_t> numbers_;
  std::map<const uint8_t*, std::size_t> weights_;  // by their bytes, which buffers may share
};

}  // namespace

namespace {

struct CodeFunction {
  uint32_t index = 0;
  std::string name;
  int64_t bytes = 0;
};

std::vector<CodeFunction> functions_of(const std::vector<uint8_t>& wasm) {
  std::span<const uint8_t> code, names;
  uint32_t index = 0;
  for (const Section& section : read_sections(wasm)) {
    if (section.id == SectionId::import) index = count_imported_functions(section.contents);
    if (section.id == SectionId::code) code = section.contents;
    if (section.id == SectionId::custom && section.name == "name") names = section.contents;
  }
  const std::map<uint64_t, std::string> by_index = function_names(names);
  std::vector<CodeFunction> functions;
  std::size_t at = 0;
  for (uint64_t left = read_leb(code, at); left > 0; --left, ++index) {
    const std::size_t start = at;
    const uint64_t size = read_leb(code, at);
    at += size;
    const auto name = by_index.find(index);
    functions.push_back({index, name == by_index.end() ? "#" + std::to_string(index) : name->second,
                         static_cast<int64_t>(at - start)});
  }
  return functions;
}

}  // namespace

SizeReport make_size_report(const Program& program, const std::vector<uint8_t>& code,
                            const std::function<std::string(const Call&)>& kernel_of,
                            const std::set<std::string>& generated) {
  SizeReport report;
  Attribution attribution(program, kernel_of);
  const std::vector<CodeFunction> functions = functions_of(code);
  const std::map<uint32_t, std::set<uint32_t>> calls = call_graph(code);

  // A kernel's nodes need what it calls, too.
  std::map<uint32_t, std::set<std::string>> nodes_of;
  for (const CodeFunction& kernel : functions) {
    const auto nodes = attribution.nodes_of_kernel.find(kernel.name);
    if (nodes == attribution.nodes_of_kernel.end()) continue;
    std::set<uint32_t> reached;
    const std::function<void(uint32_t)> reach = [&](uint32_t function) {
      if (!reached.insert(function).second) return;
      for (const uint32_t callee : calls.at(function)) reach(callee);
    };
    reach(kernel.index);
    for (const uint32_t function : reached) {
      nodes_of[function].insert(nodes->second.begin(), nodes->second.end());
    }
  }

  std::map<std::string, double> code_bytes;
  for (const CodeFunction& function : functions) {
    const std::set<std::string>& nodes = nodes_of[function.index];
    const auto kind = !generated.contains(function.name) ? SizeReport::Kind::runtime
                      : nodes.empty()                    ? SizeReport::Kind::plan
                                                         : SizeReport::Kind::kernel;
    report.functions.push_back({function.name, kind, function.bytes, {}});
    for (const std::string& node : nodes) {
      code_bytes[node] += static_cast<double>(function.bytes) / static_cast<double>(nodes.size());
    }
    for (const SizeReport::Node& node : attribution.nodes) {
      if (nodes.contains(node.name)) report.functions.back().nodes.push_back(node.name);
    }
  }
  std::stable_sort(report.functions.begin(), report.functions.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  report.nodes = std::move(attribution.nodes);
  for (SizeReport::Node& node : report.nodes) node.code_bytes = code_bytes[node.name];
  report.weights = std::move(attribution.weights);
  std::stable_sort(report.weights.begin(), report.weights.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  return report;
}

}  // namespace o2w::package
