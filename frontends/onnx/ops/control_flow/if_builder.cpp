#include "frontends/onnx/ops/control_flow/if_builder.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/ops/control_flow/region_symbols.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Value;

// Sizes that the branches do not agree on become symbols; one for all outputs that have the same two sizes.
class ResultShapes {
 public:
  ResultShapes(ir::Graph& graph, const Alternative& then_branch, const Alternative& else_branch)
      : graph_(graph),
        then_(symbols_defined_in(*then_branch.region)),
        else_(symbols_defined_in(*else_branch.region)) {}

  Dim of(const Dim& a, const Dim& b, const std::string& hint) {
    if (a == b && !uses_any(a, then_) && !uses_any(b, else_)) return a;
    ir::SymbolRef& symbol = symbols_[{a, b}];
    if (symbol == nullptr) {
      constexpr int64_t largest = std::numeric_limits<int32_t>::max();
      const int64_t lower = std::max<int64_t>(0, std::min(a.lower(), b.lower()));
      const int64_t upper = std::min(largest, std::max(a.upper(), b.upper()));
      symbol = graph_.new_symbol(hint, lower, std::max(lower, upper), /*from_input=*/false);
      list.push_back(symbol);
    }
    return Dim::symbol(symbol);
  }

  std::vector<ir::SymbolRef> list;

 private:
  ir::Graph& graph_;
  std::set<std::string> then_, else_;
  std::map<std::pair<Dim, Dim>, ir::SymbolRef> symbols_;
};

// Makes result `i` an optional where the other branch gives one and this one its element.
void adapt(ir::Builder& b, Alternative& branch, const Value* other, std::size_t i) {
  if (other->type != ir::DType::list || !other->list->is_optional()) return;
  ir::Region* before = b.enter(branch.region.get());
  branch.results[i] = adapted(b, branch.results[i], other->list.get());
  b.enter(before);
}

}  // namespace

bool agree_in_rank(ir::Builder& b, Alternative& then_branch, Alternative& else_branch) {
  ensure(then_branch.results.size() == else_branch.results.size(), "branches of as many results");
  bool agree = true;
  for (std::size_t i = 0; i < then_branch.results.size(); ++i) {
    adapt(b, then_branch, else_branch.results[i], i);
    adapt(b, else_branch, then_branch.results[i], i);
    const Value* from_then = then_branch.results[i];
    const Value* from_else = else_branch.results[i];
    if (from_then->type != from_else->type) {
      fail_model("output {} is {} in one branch and {} in the other", i, ir::user_name(from_then->type),
                 ir::user_name(from_else->type));
    }
    agree = agree && from_then->rank() == from_else->rank();
  }
  return agree;
}

std::vector<Value*> build_if(ir::Builder& b, Value* condition, Alternative then_branch,
                             Alternative else_branch, const std::vector<std::string>& names) {
  ir::Graph& graph = b.graph();
  ResultShapes shapes(graph, then_branch, else_branch);
  std::vector<Value*> outputs;
  for (std::size_t i = 0; i < then_branch.results.size(); ++i) {
    const Value* from_then = then_branch.results[i];
    const Value* from_else = else_branch.results[i];
    ensure(from_then->type == from_else->type && from_then->rank() == from_else->rank(),
           "branches that differ");
    ir::Shape shape;
    for (int d = 0; d < from_then->rank(); ++d) {
      shape.push_back(
          shapes.of(from_then->shape[d], from_else->shape[d], names.at(i) + "_d" + std::to_string(d)));
    }
    outputs.push_back(graph.new_value(from_then->type, std::move(shape)));
    if (from_then->type == ir::DType::list) {
      outputs.back()->list =
          std::make_shared<const ir::ListType>(ir::join(*from_then->list, *from_else->list));
    }
  }
  then_branch.region->results = std::move(then_branch.results);
  else_branch.region->results = std::move(else_branch.results);
  ir::If attributes;
  attributes.then_region = std::move(then_branch.region);
  attributes.else_region = std::move(else_branch.region);
  attributes.result_symbols = std::move(shapes.list);
  b.append(std::move(attributes), {condition}, outputs);
  return outputs;
}

}  // namespace o2w::onnx_frontend
