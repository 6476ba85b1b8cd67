#include "frontends/onnx/ops/control_flow/loop_builder.h"

#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/ops/control_flow/region_symbols.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Region;
using ir::SymbolRef;
using ir::Value;

namespace {

constexpr int64_t largest = std::numeric_limits<int32_t>::max();

// One dimension of one carried value.
using Position = std::pair<std::size_t, std::size_t>;

class LoopMaker {
 public:
  LoopMaker(ir::Builder& builder, const LoopSpec& spec) : b_(builder), spec_(spec) {
    for (const Value* value : spec.carried) {
      if (value->type != DType::list) {
        list_types_.push_back(nullptr);
        continue;
      }
      // Which elements it starts with says nothing of later iterations.
      list_types_.push_back(std::make_shared<const ir::ListType>(without_items(*value->list)));
    }
  }

  std::optional<LoopResult> make() {
    do {
      make_body();
      if (changes_rank()) return {};
      check_carried();
      // Both: one more body for all that the last one told.
    } while (static_cast<int>(refine_symbols()) + static_cast<int>(refine_lists()) > 0);
    return finish();
  }

  [[noreturn]] void fail_for_rank() const;

 private:
  void make_body();
  void check_carried() const;
  bool changes_rank() const;
  bool refine_symbols();
  bool refine_lists();
  bool condition_matters() const;
  LoopResult finish();

  ir::Builder& b_;
  const LoopSpec& spec_;
  std::unique_ptr<Region> region_;
  std::vector<Value*> parameters_;
  LoopBody body_;
  std::set<std::string> inner_symbols_;
  // The symbols of the dimensions that change from one iteration to the next. Dimensions that start equal and
  // stay equal share one.
  std::map<Position, SymbolRef> changing_;
  std::vector<std::shared_ptr<const ir::ListType>> list_types_;  // of carried lists, in all iterations
};

std::string name_of(const Value* value) { return value->name.empty() ? "(unnamed)" : value->name; }

void LoopMaker::make_body() {
  region_ = std::make_unique<Region>();
  parameters_.clear();
  Value* iteration = b_.graph().new_value(DType::i64, {});
  region_->parameters.push_back(iteration);
  for (std::size_t k = 0; k < spec_.carried.size(); ++k) {
    ir::Shape shape = spec_.carried[k]->shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto found = changing_.find({k, d});
      if (found != changing_.end()) shape[d] = Dim::symbol(found->second);
    }
    parameters_.push_back(b_.graph().new_value(spec_.carried[k]->type, std::move(shape)));
    parameters_.back()->list = list_types_[k];
    region_->parameters.push_back(parameters_.back());
  }
  body_ = spec_.body(*region_, iteration, parameters_);
  ensure(body_.carried.size() == spec_.carried.size(), "a loop body must return all carried values");
  ensure((body_.condition != nullptr) || spec_.condition == nullptr, "a loop body must return its condition");
  // An optional's next value may be given as its element.
  Region* before = b_.enter(region_.get());
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    if (list_types_[k]) body_.carried[k] = adapted(b_, body_.carried[k], list_types_[k].get());
  }
  b_.enter(before);
  inner_symbols_ = symbols_defined_in(*region_);
}

void LoopMaker::check_carried() const {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const Value* before = parameters_[k];
    const Value* after = body_.carried[k];
    if (before->type != after->type) {
      fail_model("the loop's carried tensor '{}' starts as {}, but its next value '{}' is {}",
                 name_of(before), ir::user_name(before->type), name_of(after), ir::user_name(after->type));
    }
  }
}

bool LoopMaker::changes_rank() const {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    if (parameters_[k]->rank() != body_.carried[k]->rank()) return true;
  }
  return false;
}

void LoopMaker::fail_for_rank() const {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const Value* before = parameters_[k];
    const Value* after = body_.carried[k];
    if (before->rank() == after->rank()) continue;
    fail_model(
        "the loop's carried tensor '{}' has shape {}, but its next value '{}' has {}; its rank may change in "
        "the first "
        "iteration only",
        name_of(before), ir::to_string(before->shape), name_of(after), ir::to_string(after->shape));
  }
  fail_internal("a loop of constant ranks was given up");
}

// Gives symbols to the dimensions that the body just made changes; true if it has to be made again for them.
bool LoopMaker::refine_symbols() {
  // Dimensions stay together as long as they had one symbol, start equal and are equal after an iteration.
  // Keyed by the symbol's name, not its address, so that the same model gives the same symbols.
  using Key = std::tuple<std::string, Dim, Dim>;
  std::map<Key, std::vector<Position>> groups;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    for (std::size_t d = 0; d < parameters_[k]->shape.size(); ++d) {
      const Dim& before = parameters_[k]->shape[d];
      const Dim& after = body_.carried[k]->shape[d];
      const auto found = changing_.find({k, d});
      if (found == changing_.end() && before == after) continue;
      const std::string symbol = found == changing_.end() ? "" : found->second->name;
      groups[{symbol, spec_.carried[k]->shape[d], after}].emplace_back(k, d);
    }
  }
  bool changed = false;
  std::set<std::string> kept;
  for (const auto& [key, positions] : groups) {
    // The first group of a symbol keeps it.
    const std::string& symbol_before = std::get<0>(key);
    if (!symbol_before.empty() && kept.insert(symbol_before).second) continue;
    const auto [k, d] = positions.front();
    const SymbolRef symbol =
        b_.graph().new_symbol(name_of(spec_.carried[k]) + "_d" + std::to_string(d), 0, largest, false);
    for (const Position& position : positions) changing_[position] = symbol;
    changed = true;
  }
  return changed;
}

// Makes the carried lists' types those of what all iterations give; true if the body has to be made again for
// it.
bool LoopMaker::refine_lists() {
  bool changed = false;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    if (!list_types_[k]) continue;
    ir::ListType type = ir::join(*list_types_[k], *body_.carried[k]->list);
    if (ir::same_knowledge(type, *list_types_[k])) continue;
    list_types_[k] = std::make_shared<const ir::ListType>(std::move(type));
    changed = true;
  }
  return changed;
}

bool LoopMaker::condition_matters() const {
  if (spec_.condition == nullptr) return false;
  const auto always = [](const Value* value) {
    const ir::Tensor* tensor = ir::constant_of(value);
    return tensor != nullptr && tensor->count() == 1 && tensor->as_int(0) != 0;
  };
  return !always(spec_.condition) || !always(body_.condition);
}

LoopResult LoopMaker::finish() {
  ir::Graph& graph = b_.graph();
  ir::Loop loop;
  loop.trip_count = spec_.trip_count;
  loop.has_condition = condition_matters();
  loop.carried = static_cast<int>(spec_.carried.size());
  if (!loop.trip_count && !loop.has_condition) {
    fail_model("the loop has neither a trip count nor a condition that can become false: it never ends");
  }

  std::vector<Value*> inputs, outputs;
  if (loop.has_condition) {
    inputs.push_back(spec_.condition);
    region_->results.push_back(body_.condition);
  }
  // Final sizes, by the symbol that has them while the loop runs.
  std::map<SymbolRef, SymbolRef> finals;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    inputs.push_back(spec_.carried[k]);
    region_->results.push_back(body_.carried[k]);
    ir::Shape shape = parameters_[k]->shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto found = changing_.find({k, d});
      if (found == changing_.end()) continue;
      SymbolRef& final_size = finals[found->second];
      if (final_size == nullptr) {
        final_size = graph.new_symbol(found->second->name + "_final", 0, largest, false);
        loop.carried_symbols.push_back(found->second);
        loop.result_symbols.push_back(final_size);
      }
      shape[d] = Dim::symbol(final_size);
    }
    outputs.push_back(graph.new_value(parameters_[k]->type, std::move(shape)));
    outputs.back()->list = list_types_[k];
  }

  for (const SymbolRef& symbol : loop.carried_symbols) inner_symbols_.insert(symbol->name);
  if (loop.has_condition) {
    const int64_t most = loop.trip_count ? std::min(loop.trip_count->upper(), largest) : largest;
    loop.iterations = graph.new_symbol("iterations", 0, std::max<int64_t>(most, 0), false);
  }
  const Dim iterations = loop.iterations != nullptr ? Dim::symbol(loop.iterations) : *loop.trip_count;
  for (Value* element : body_.scan) {
    if (element->type == DType::list) {
      fail_model("the loop's scan output '{}' is {}; only tensors can be stacked", name_of(element),
                 ir::to_string(*element->list));
    }
    region_->results.push_back(element);
    ir::Shape shape{iterations};
    for (std::size_t d = 0; d < element->shape.size(); ++d) {
      Dim dim = element->shape[d];
      if (uses_any(dim, inner_symbols_)) {
        // Found out by the first iteration; the others must agree.
        loop.result_symbols.push_back(
            graph.new_symbol(name_of(element) + "_d" + std::to_string(d), 0, largest, false));
        dim = Dim::symbol(loop.result_symbols.back());
      }
      shape.push_back(std::move(dim));
    }
    outputs.push_back(graph.new_value(element->type, std::move(shape)));
  }
  loop.body = std::move(region_);

  LoopResult result;
  result.carried.assign(outputs.begin(), outputs.begin() + loop.carried);
  result.scan.assign(outputs.begin() + loop.carried, outputs.end());
  b_.append(std::move(loop), std::move(inputs), std::move(outputs));
  return result;
}

}  // namespace

LoopResult build_loop(ir::Builder& builder, const LoopSpec& spec) {
  LoopMaker maker(builder, spec);
  std::optional<LoopResult> result = maker.make();
  if (!result) maker.fail_for_rank();
  return std::move(*result);
}

std::optional<LoopResult> build_loop_of_constant_ranks(ir::Builder& builder, const LoopSpec& spec) {
  return LoopMaker(builder, spec).make();
}

}  // namespace o2w::onnx_frontend
