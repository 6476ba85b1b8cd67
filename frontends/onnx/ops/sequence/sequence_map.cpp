// SequenceMap (ONNX 17): a loop that inserts into its outputs.
#include <algorithm>
#include <utility>
#include <vector>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/ops/control_flow/loop_builder.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::ListType;
using ir::Value;

// The body is made once per element for lists that are known and as short as this.
constexpr std::size_t most_unrolled = 16;

Value* appended(ir::Builder& b, Value* list, Value* item) {
  ListType type = ir::join(*list->list, ir::list_of_items(ListType::Kind::sequence, {item}));
  return list_routine(b, {.routine = "list_insert"}, {list, item}, std::move(type));
}

void lower_map(Lowering& l) {
  const GraphDef& body = l.graph_attribute("body");
  ir::Builder& b = l.b();
  std::vector<Value*> inputs;
  std::vector<bool> mapped;
  bool all_known = true;
  for (int i = 0; i < l.input_count(); ++i) {
    mapped.push_back(l.input(i)->type == DType::list);
    inputs.push_back(mapped.back() ? sequence_input(l, i) : l.input(i));
    if (mapped.back()) all_known = all_known && inputs.back()->list->items;
  }
  if (inputs.empty() || !mapped.front()) l.fail("its first input must be a sequence");
  if (body.outputs.empty() || static_cast<int>(body.outputs.size()) < l.output_count()) {
    l.fail("the node lists {} outputs, but the body gives {}", l.output_count(), body.outputs.size());
  }

  const std::size_t known_count = all_known ? inputs.front()->list->items->size() : 0;
  if (known_count > 0 && known_count <= most_unrolled) {
    std::vector<std::vector<Value*>> results(body.outputs.size());
    for (std::size_t k = 0; k < known_count; ++k) {
      std::vector<Value*> elements;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (mapped[i] && inputs[i]->list->items->size() != known_count) {
          l.fail("its sequences have {} and {} elements, but must have as many", known_count,
                 inputs[i]->list->items->size());
        }
        elements.push_back(mapped[i] ? (*inputs[i]->list->items)[k] : inputs[i]);
      }
      const std::vector<Value*> made = l.subgraphs().lower(body, b.region(), elements);
      for (std::size_t o = 0; o < made.size(); ++o) results[o].push_back(made[o]);
    }
    for (int o = 0; o < l.output_count(); ++o) {
      l.output(o, list_of(b, ListType::Kind::sequence, results[static_cast<std::size_t>(o)]));
    }
    return;
  }

  LoopSpec spec;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!mapped[i]) continue;
    const ir::Dim length = l.sizes(list_length(b, inputs[i]), "sequence_length").front();
    if (!spec.trip_count) {
      spec.trip_count = length;
    } else {
      b.require(ir::Require::Relation::equal, *spec.trip_count, length, "the sequences must have one length");
    }
  }
  for (std::size_t o = 0; o < body.outputs.size(); ++o) {
    const TypeDef& declared = body.outputs[o].type;
    if (declared.kind != TypeDef::Kind::tensor)
      l.fail("the body's output '{}' must be a tensor", body.outputs[o].name);
    ListType type = ir::list_of(ListType::Kind::sequence, declared.element);
    const auto at = static_cast<int>(o);
    type.rank = l.subgraphs().element_rank(l.wants_output(at) ? l.node().outputs[o] : body.outputs[o].name);
    spec.carried.push_back(empty_list(b, std::move(type)));
  }
  spec.body = [&](ir::Region& region, Value* iteration, const std::vector<Value*>& lists) {
    ir::Region* before = b.enter(&region);
    std::vector<Value*> elements;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      elements.push_back(mapped[i] ? list_element(b, inputs[i], iteration) : inputs[i]);
    }
    b.enter(before);
    const std::vector<Value*> results = l.subgraphs().lower(body, region, elements);
    LoopBody made;
    before = b.enter(&region);
    for (std::size_t o = 0; o < lists.size(); ++o) made.carried.push_back(appended(b, lists[o], results[o]));
    b.enter(before);
    return made;
  };
  const LoopResult result = build_loop(b, spec);
  for (int o = 0; o < l.output_count(); ++o) l.output(o, result.carried[static_cast<std::size_t>(o)]);
}

const RegisterOperator sequence_map({.name = "SequenceMap",
                                     .versions = {17},
                                     .limits = "The elements' rank must be known when compiling.",
                                     .types = {{"S", kLists, inputs(0)},
                                               {"V", kAny | kLists, inputs_from(1), kMixed}},
                                     .lower = lower_map});

}  // namespace
}  // namespace o2w::onnx_frontend
