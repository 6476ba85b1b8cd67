#include "frontends/onnx/ops/common/lists.h"

#include <memory>
#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::ListType;
using ir::Value;

namespace {

std::string name_of(const Value* value) { return value->name.empty() ? "(unnamed)" : value->name; }

const ListType& type_of(const Value* list) {
  ensure(list->type == DType::list && list->list != nullptr, "a list without a type");
  return *list->list;
}

// The item at a constant position, where items are known.
Value* known_item(const ListType& type, Value* position) {
  const ir::Tensor* constant = ir::constant_of(position);
  if (!type.items || constant == nullptr || constant->count() != 1) return nullptr;
  const auto count = static_cast<int64_t>(type.items->size());
  const int64_t given = constant->as_int(0);
  const int64_t at = given < 0 ? given + count : given;
  return at >= 0 && at < count ? (*type.items)[static_cast<std::size_t>(at)] : nullptr;
}

}  // namespace

ListType list_type_of(const TypeDef& type) {
  const auto kind =
      type.kind == TypeDef::Kind::optional ? ListType::Kind::optional : ListType::Kind::sequence;
  if (type.inner == nullptr) fail_model("is a list of elements of no declared type");
  const TypeDef& inner = *type.inner;
  switch (inner.kind) {
    case TypeDef::Kind::tensor: {
      ListType result = ir::list_of(kind, inner.element);
      if (inner.shape) result.rank->set(static_cast<int>(inner.shape->size()));
      return result;
    }
    case TypeDef::Kind::sequence:
    case TypeDef::Kind::optional:
      return ir::list_of(kind, list_type_of(inner));
    case TypeDef::Kind::map:
      fail_model("holds maps, which are not supported");
    case TypeDef::Kind::sparse:
      fail_model("holds sparse tensors, which are not supported");
    case TypeDef::Kind::unknown:
      break;
  }
  fail_model("holds elements of a type that is not known");
}

ListType with_items(const ListType& type, std::vector<Value*> items) {
  ListType result = type;
  result.items = std::move(items);
  return result;
}

ListType without_items(const ListType& type) {
  ListType result = type;
  result.items.reset();
  return result;
}

Value* empty_list(ir::Builder& b, ListType type) {
  type.empty = true;
  type.items.emplace();
  Value* list = b.constant(ir::Tensor(DType::list, {}));
  list->list = std::make_shared<const ListType>(std::move(type));
  return list;
}

Value* list_of(ir::Builder& b, ListType::Kind kind, const std::vector<Value*>& items) {
  return list_routine(b, {.routine = "list_construct"}, items, ir::list_of_items(kind, items));
}

Value* list_routine(ir::Builder& b, ir::Opaque attributes, std::vector<Value*> inputs, ListType type) {
  Value* list = b.opaque(std::move(attributes), std::move(inputs), {{DType::list, {}}}).front();
  list->list = std::make_shared<const ListType>(std::move(type));
  return list;
}

Value* list_length(ir::Builder& b, Value* list) {
  const ListType& type = type_of(list);
  if (type.items)
    return b.from_dims({Dim(static_cast<int64_t>(type.items->size()))}, DType::i64, /*scalar=*/true);
  return b.opaque({.routine = "list_length"}, {list}, {{DType::i64, {}}}).front();
}

int known_element_rank(const Value* list) {
  const ListType& type = type_of(list);
  if (type.mixed_ranks) {
    fail_model(
        "the elements of '{}' have different ranks, so that it is not known when compiling which rank the "
        "one that "
        "is read has; only elements at constant positions of a list made in the same graph can be read",
        name_of(list));
  }
  const std::optional<int> rank = type.rank->get();
  if (!rank) {
    fail_model(
        "the rank of the elements of '{}' is not known when compiling: nothing is ever inserted that tells "
        "it. "
        "Declare it: give the model's input, or the value in value_info, the type {}(tensor({}, shape)); the "
        "sizes may stay open. For an input, --shape {}=-1,-1,... does",
        name_of(list), type.is_optional() ? "optional" : "sequence", ir::user_name(type.element),
        name_of(list));
  }
  return *rank;
}

Value* list_element(ir::Builder& b, Value* list, Value* position) {
  const ListType& type = type_of(list);
  if (Value* item = known_item(type, position)) return item;
  const int64_t is_optional = type.is_optional() ? 1 : 0;
  ir::Opaque get{.routine = "list_get", .ints = {is_optional}};
  if (type.inner) return list_routine(b, std::move(get), {list, position}, *type.inner);
  const int rank = known_element_rank(list);
  ir::Shape shape;
  bool all_known = true;
  for (int d = 0; d < rank; ++d) {
    const std::optional<Dim> known = ir::known_dim(type, d);
    all_known = all_known && known;
    shape.push_back(known.value_or(Dim(0)));
  }
  if (!all_known) {
    ir::Opaque dims{.routine = "list_dims", .ints = {is_optional}};
    Value* sizes = b.opaque(std::move(dims), {list, position}, {{DType::i64, {Dim(rank)}}}).front();
    const std::vector<Dim> bound = b.bind(sizes, list->name.empty() ? "element" : list->name + "_element");
    for (int d = 0; d < rank; ++d) {
      const auto at = static_cast<std::size_t>(d);
      if (!ir::known_dim(type, d)) shape[at] = bound[at];
    }
  }
  return b.opaque(std::move(get), {list, position}, {{type.element, std::move(shape)}}).front();
}

Value* optional_element(ir::Builder& b, Value* optional) {
  return list_element(b, optional, b.scalar(DType::i64, 0));
}

Value* adapted(ir::Builder& b, Value* value, const ListType* like) {
  const ListType* own = value->type == DType::list ? &type_of(value) : nullptr;
  const bool is_optional = own != nullptr && own->is_optional();
  const bool wants_optional = like != nullptr && like->is_optional();
  if (wants_optional && !is_optional && (like->inner == nullptr) == (own == nullptr)) {
    return list_of(b, ListType::Kind::optional, {value});
  }
  if (!wants_optional && is_optional && (like == nullptr) == (own->inner == nullptr))
    return optional_element(b, value);
  return value;
}

Value* sequence_input(Lowering& lowering, int i) {
  Value* value = lowering.input(i);
  if (value->type == DType::list && type_of(value).is_optional() && type_of(value).inner != nullptr) {
    value = optional_element(lowering.b(), value);
  }
  if (value->type != DType::list || type_of(value).is_optional() || type_of(value).inner != nullptr) {
    lowering.fail("input {} ('{}') must be a sequence of tensors, but is {}", i, name_of(value),
                  value->type == DType::list ? ir::to_string(type_of(value)) : "a tensor");
  }
  return value;
}

}  // namespace o2w::onnx_frontend
