// SequenceEmpty, SequenceConstruct, SequenceInsert, SequenceErase, SequenceAt, SequenceLength (ONNX 11).
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::ListType;
using ir::Value;

// Longer lists are not followed element by element when compiling.
constexpr std::size_t most_items = 256;

Value* position_input(Lowering& l, int i) {
  return l.optional_input(i) == nullptr ? nullptr : as_scalar(l, integer_input(l, i), "the position");
}

// The place in the known items that a constant position (absent: `otherwise`) names.
std::optional<std::ptrdiff_t> known_position(Lowering& l, Value* position, std::size_t count,
                                             std::size_t limit, std::ptrdiff_t otherwise) {
  std::ptrdiff_t at = otherwise;
  if (position != nullptr) {
    const ir::Tensor* constant = l.constant(position);
    if (constant == nullptr) return {};
    at = static_cast<std::ptrdiff_t>(constant->as_int(0));
    if (at < 0) at += static_cast<std::ptrdiff_t>(count);
  }
  if (at < 0 || at >= static_cast<std::ptrdiff_t>(limit)) return {};
  return at;
}

void lower_empty(Lowering& l) {
  ListType type =
      ir::list_of(ListType::Kind::sequence, element_type(l, l.int_attribute("dtype", 1), "dtype"));
  type.rank = l.subgraphs().element_rank(l.node().outputs.at(0));
  l.output(0, empty_list(l.b(), std::move(type)));
}

void lower_construct(Lowering& l) {
  std::vector<Value*> items;
  for (int i = 0; i < l.input_count(); ++i) items.push_back(l.input(i));
  if (items.empty()) l.fail("it needs at least one input");
  l.output(0, list_of(l.b(), ListType::Kind::sequence, items));
}

void lower_insert(Lowering& l) {
  Value* list = sequence_input(l, 0);
  Value* item = l.input(1);
  Value* position = position_input(l, 2);
  ListType type = ir::join(*list->list, ir::list_of_items(ListType::Kind::sequence, {item}));
  if (const auto& items = list->list->items; items && items->size() < most_items) {
    const std::size_t count = items->size();
    if (const auto at = known_position(l, position, count, count + 1, static_cast<std::ptrdiff_t>(count))) {
      std::vector<Value*> longer = *items;
      longer.insert(longer.begin() + *at, item);
      type = with_items(type, std::move(longer));
    }
  }
  std::vector<Value*> inputs{list, item};
  if (position != nullptr) inputs.push_back(position);
  l.output(0, list_routine(l.b(), {.routine = "list_insert"}, std::move(inputs), std::move(type)));
}

void lower_erase(Lowering& l) {
  Value* list = sequence_input(l, 0);
  Value* position = position_input(l, 1);
  ListType type = without_items(*list->list);
  if (const auto& items = list->list->items) {
    const std::size_t count = items->size();
    if (const auto at = known_position(l, position, count, count, static_cast<std::ptrdiff_t>(count) - 1)) {
      std::vector<Value*> shorter = *items;
      shorter.erase(shorter.begin() + *at);
      type = with_items(type, std::move(shorter));
    }
  }
  std::vector<Value*> inputs{list};
  if (position != nullptr) inputs.push_back(position);
  l.output(0, list_routine(l.b(), {.routine = "list_erase"}, std::move(inputs), std::move(type)));
}

void lower_at(Lowering& l) {
  Value* list = sequence_input(l, 0);
  l.input(1);
  l.output(0, list_element(l.b(), list, position_input(l, 1)));
}

void lower_length(Lowering& l) { l.output(0, list_length(l.b(), sequence_input(l, 0))); }

constexpr TypeParameter kSequence{"S", kLists, inputs(0)};

const RegisterOperator sequence_empty(
    {.name = "SequenceEmpty", .versions = {11}, .types = {{"S", kLists, outputs(0)}}, .lower = lower_empty});
const RegisterOperator sequence_construct(
    {.name = "SequenceConstruct", .versions = {11}, .types = {{"T", kAny}}, .lower = lower_construct});
const RegisterOperator sequence_insert(
    {.name = "SequenceInsert",
     .versions = {11},
     .types = {kSequence, {"T", kAny, inputs(1)}, {"I", kIndices, inputs(2)}},
     .lower = lower_insert});
const RegisterOperator sequence_erase({.name = "SequenceErase",
                                       .versions = {11},
                                       .types = {kSequence, {"I", kIndices, inputs(1)}},
                                       .lower = lower_erase});
const RegisterOperator sequence_at(
    {.name = "SequenceAt",
     .versions = {11},
     .limits =
         "The elements' rank must be known when compiling: from what is inserted, or declared in the model.",
     .types = {kSequence, {"I", kIndices, inputs(1)}},
     .lower = lower_at});
const RegisterOperator sequence_length(
    {.name = "SequenceLength", .versions = {11}, .types = {kSequence}, .lower = lower_length});

}  // namespace
}  // namespace o2w::onnx_frontend
