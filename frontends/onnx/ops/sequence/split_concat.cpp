// SplitToSequence (ONNX 11, 24) and ConcatFromSequence (11).
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::ListType;
using ir::Shape;
using ir::Value;

// More parts than this are not followed one by one when compiling.
constexpr int64_t most_parts = 64;

// The sizes of the parts, where their number is known and small.
std::optional<std::vector<Dim>> known_parts(Lowering& l, const Dim& length, Value* split) {
  if (split != nullptr && split->rank() == 1) {
    if (!split->shape[0].is_constant() || split->shape[0].value() > most_parts) return {};
    return l.known_sizes(split);
  }
  if (!length.is_constant()) return {};
  int64_t chunk = 1;
  if (split != nullptr) {
    const auto known = l.known_sizes(split);
    if (!known || !known->front().is_constant() || known->front().value() < 1) return {};
    chunk = known->front().value();
  }
  if ((length.value() + chunk - 1) / chunk > most_parts) return {};
  std::vector<Dim> sizes;
  for (int64_t start = 0; start < length.value(); start += chunk) {
    sizes.emplace_back(std::min(chunk, length.value() - start));
  }
  return sizes;
}

void lower_split(Lowering& l) {
  Value* x = l.input(0);
  Value* split = l.optional_input(1);
  ir::Builder& b = l.b();
  if (split != nullptr && split->rank() > 1) l.fail("the sizes to split into must be a scalar or a vector");
  const int axis = l.axis(l.int_attribute("axis", 0), x->rank());
  const auto at = static_cast<std::size_t>(axis);
  const bool keeps_axis = split != nullptr || l.int_attribute("keepdims", 1) != 0;
  const Dim length = x->shape[at];

  if (const auto sizes = known_parts(l, length, split); sizes && !sizes->empty()) {
    std::vector<Value*> parts;
    Dim start = 0;
    for (const Dim& size : *sizes) {
      b.require(ir::Require::Relation::less_equal, 0, size, "the sizes to split into must not be negative");
      std::vector<Dim> starts(x->shape.size(), Dim(0));
      starts[at] = start;
      Shape shape = x->shape;
      shape[at] = size;
      Value* part = b.slice(x, starts, std::vector<int64_t>(x->shape.size(), 1), shape);
      parts.push_back(keeps_axis ? part : b.squeeze(part, {axis}));
      start += size;
    }
    b.require(ir::Require::Relation::equal, start, length,
              "the sizes to split into must add up to the size of the axis");
    l.output(0, list_of(b, ListType::Kind::sequence, parts));
    return;
  }

  ListType type = ir::list_of(ListType::Kind::sequence, x->type);
  type.rank->set(x->rank() - (keeps_axis ? 0 : 1));
  type.dims.emplace();
  for (int d = 0; d < x->rank(); ++d) {
    const Dim& dim = x->shape[static_cast<std::size_t>(d)];
    if (d != axis) {
      type.dims->push_back(dim.from_inputs() ? std::optional(dim) : std::nullopt);
    } else if (keeps_axis) {
      type.dims->push_back(split == nullptr ? std::optional(Dim(1)) : std::nullopt);
    }
  }
  std::vector<Value*> inputs{x};
  if (split != nullptr) inputs.push_back(split);
  l.output(0, list_routine(b, {.routine = "list_split", .ints = {axis, keeps_axis ? 1 : 0}},
                           std::move(inputs), std::move(type)));
}

void lower_concat(Lowering& l) {
  Value* list = sequence_input(l, 0);
  ir::Builder& b = l.b();
  const ListType& type = *list->list;
  const bool new_axis = l.int_attribute("new_axis", 0) != 0;
  const int rank = known_element_rank(list) + (new_axis ? 1 : 0);
  const int axis = l.axis(l.int_attribute("axis"), rank);
  if (type.items && !type.items->empty()) {
    std::vector<Value*> parts;
    for (Value* item : *type.items) parts.push_back(new_axis ? b.unsqueeze(item, {axis}) : item);
    l.output(0, b.concat(std::move(parts), axis));
    return;
  }
  const std::vector<int64_t> ints{axis, new_axis ? 1 : 0};
  Value* sizes =
      b.opaque({.routine = "list_concat_dims", .ints = ints}, {list}, {{DType::i64, {Dim(rank)}}}).front();
  Shape shape;
  for (const Dim& dim : b.bind(sizes, l.node().outputs.at(0))) shape.push_back(dim);
  for (int d = 0, from = 0; d < rank; ++d) {
    if (new_axis && d == axis) continue;
    const std::optional<Dim> known = ir::known_dim(type, from++);
    if (known && d != axis) shape[static_cast<std::size_t>(d)] = *known;
  }
  l.output(
      0,
      b.opaque({.routine = "list_concat", .ints = ints}, {list}, {{type.element, std::move(shape)}}).front());
}

const RegisterOperator split_to_sequence({.name = "SplitToSequence",
                                          .versions = {11, 24},
                                          .types = {{"T", kAny, inputs(0)}, {"I", kIndices, inputs(1)}},
                                          .lower = lower_split});
const RegisterOperator concat_from_sequence(
    {.name = "ConcatFromSequence",
     .versions = {11},
     .limits =
         "The elements' rank must be known when compiling: from what is inserted, or declared in the model.",
     .types = {{"S", kLists, inputs(0)}},
     .lower = lower_concat});

}  // namespace
}  // namespace o2w::onnx_frontend
