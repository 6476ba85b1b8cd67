// Optional (ONNX 15), OptionalHasElement and OptionalGetElement (15, 18).
#include <utility>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/lists.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::ListType;
using ir::Value;

bool is_optional(const Value* value) { return value->type == DType::list && value->list->is_optional(); }

void lower_optional(Lowering& l) {
  if (Value* value = l.optional_input(0)) {
    l.output(0, list_of(l.b(), ListType::Kind::optional, {value}));
    return;
  }
  const AttributeDef* type = l.attribute("type");
  if (type == nullptr || type->kind != AttributeDef::Kind::type) {
    l.fail("without an input it needs the attribute 'type'");
  }
  TypeDef declared;
  declared.kind = TypeDef::Kind::optional;
  declared.inner = std::make_shared<TypeDef>(*type->type);
  ListType list = list_type_of(declared);
  if (!list.inner && !list.rank->get()) list.rank = l.subgraphs().element_rank(l.node().outputs.at(0));
  l.output(0, empty_list(l.b(), std::move(list)));
}

// Before opset 18 the input had to be an optional; since then anything has an element but an absent input.
void lower_has_element(Lowering& l) {
  Value* value = l.optional_input(0);
  ir::Builder& b = l.b();
  if (value == nullptr || !is_optional(value)) {
    l.output(0, b.scalar(DType::boolean, value == nullptr ? 0 : 1));
    return;
  }
  Value* length = list_length(b, value);
  l.output(0, b.map(DType::boolean, {length}, [](std::span<const ir::Expr> count) {
    return ir::gt(count[0], ir::literal_of(DType::i64, 0));
  }));
}

void lower_get_element(Lowering& l) {
  Value* value = l.input(0);
  l.output(0, is_optional(value) ? optional_element(l.b(), value) : value);
}

const RegisterOperator optional(
    {.name = "Optional", .versions = {15}, .types = {{"V", kAny | kLists}}, .lower = lower_optional});
const RegisterOperator optional_has_element({.name = "OptionalHasElement",
                                             .versions = {15, 18},
                                             .types = {{"O", kAny | kLists}},
                                             .lower = lower_has_element});
const RegisterOperator optional_get_element({.name = "OptionalGetElement",
                                             .versions = {15, 18},
                                             .limits = "A tensor's rank must be known when compiling.",
                                             .types = {{"O", kAny | kLists}},
                                             .lower = lower_get_element});

}  // namespace
}  // namespace o2w::onnx_frontend
