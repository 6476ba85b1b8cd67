#include "tests/property/shrink.h"

#include <algorithm>
#include <cctype>
#include <chrono>

#include "tests/property/apart.h"
#include "tests/property/check_case.h"

namespace o2w::property {
namespace {

// Messages without names and numbers: two failures of one form are taken for the same.
std::string form(const std::string& problem) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(problem.size(), 160); ++i) {
    const char c = problem[i];
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == ':') text += c;
  }
  // Which output differs and by how much does not matter.
  for (const char* kind : {"output", "internalerror", "crash"}) {
    const std::size_t at = text.find(kind);
    if (at != std::string::npos && std::string(kind) == "output") return text.substr(0, at) + kind;
  }
  return text;
}

class Shrinking {
 public:
  Shrinking(Case made, int level, int seconds, std::string problem)
      : best_(std::move(made)),
        problem_(std::move(problem)),
        form_(form(problem_)),
        level_(level),
        end_(std::chrono::steady_clock::now() + std::chrono::seconds(seconds)) {}

  void run() {
    bool smaller = true;
    while (smaller && !over()) {
      smaller = false;
      for (std::size_t i = 0;
           best_.model.graph.outputs.size() > 1 && i < best_.model.graph.outputs.size() && !over();) {
        Case next = best_;
        next.model.graph.outputs.erase(next.model.graph.outputs.begin() + static_cast<std::ptrdiff_t>(i));
        if (try_case(next)) {
          smaller = true;
        } else {
          ++i;
        }
      }
      for (std::size_t i = best_.model.graph.nodes.size(); i-- > 0 && !over();) {
        if (i < best_.model.graph.nodes.size() &&
            (cut_before(i, false) || cut_before(i, true) || cut_after(i)))
          smaller = true;
      }
      for (std::size_t i = 0; i < best_.model.graph.inputs.size() && !over(); ++i) {
        if (make_static(i)) smaller = true;
      }
    }
  }

  Case best() { return std::move(best_); }
  std::string problem() const { return problem_; }

 private:
  bool over() const { return std::chrono::steady_clock::now() > end_; }

  bool try_case(Case& next) {
    prune(next);
    if (next.model.graph.outputs.empty() || next.model.graph.nodes.empty()) return false;
    const std::string problem = apart([&] { return check_case(next, level_).problem; }, 20);
    if (problem.empty() || form(problem) != form_) return false;
    best_ = std::move(next);
    problem_ = problem;
    return true;
  }

  // The node's results become inputs or constants.
  bool cut_before(std::size_t i, bool constants) {
    Case next = best_;
    const NodeDef node = next.model.graph.nodes[i];
    for (const std::string& name : node.outputs) {
      const auto contents = next.contents.find(name);
      if (contents == next.contents.end()) return false;
      std::erase_if(next.model.graph.outputs, [&](const auto& output) { return output.name == name; });
      if (constants) {
        next.model.graph.initializers[name] = contents->second;
        continue;
      }
      onnx_frontend::ValueDef def;
      def.name = name;
      def.type.kind = onnx_frontend::TypeDef::Kind::tensor;
      def.type.element = contents->second.type();
      def.type.shape.emplace();
      for (const int64_t dim : contents->second.dims()) def.type.shape->push_back({dim, {}});
      next.model.graph.inputs.push_back(def);
      // Integers may be positions or sizes, which other numbers would not be.
      const bool is_float = ir::is_float(contents->second.type());
      Recipe recipe{is_float ? Recipe::Kind::any : Recipe::Kind::fixed, next.exact[name] ? 1 : 0, 0};
      next.inputs.push_back({name, recipe, false, contents->second});
    }
    next.model.graph.nodes.erase(next.model.graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
    return try_case(next);
  }

  // The node's results become the outputs.
  bool cut_after(std::size_t i) {
    if (i + 1 == best_.model.graph.nodes.size()) return false;
    Case next = best_;
    next.model.graph.outputs.clear();
    for (const std::string& name : next.model.graph.nodes[i].outputs) {
      const auto contents = next.contents.find(name);
      if (contents == next.contents.end()) return false;
      onnx_frontend::ValueDef def;
      def.name = name;
      def.type.kind = onnx_frontend::TypeDef::Kind::tensor;
      def.type.element = contents->second.type();
      next.model.graph.outputs.push_back(def);
    }
    next.model.graph.nodes.resize(i + 1);
    return try_case(next);
  }

  bool make_static(std::size_t i) {
    Case next = best_;
    bool any = false;
    for (std::size_t d = 0; d < next.model.graph.inputs[i].type.shape->size(); ++d) {
      onnx_frontend::DimDef& dim = (*next.model.graph.inputs[i].type.shape)[d];
      if (dim.value) continue;
      dim = {next.inputs[i].tensor.dims()[d], {}};
      any = true;
    }
    return any && try_case(next);
  }

  Case best_;
  std::string problem_, form_;
  int level_;
  std::chrono::steady_clock::time_point end_;
};

}  // namespace

Case shrink(const Case& made, int level, int seconds, std::string& problem) {
  Shrinking shrinking(made, level, seconds, problem);
  shrinking.run();
  problem = shrinking.problem();
  return shrinking.best();
}

}  // namespace o2w::property
