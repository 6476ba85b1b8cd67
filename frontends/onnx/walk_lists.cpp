// Sequences and optionals in the walk: the model's own, and what is known of their elements.
#include <utility>

#include "frontends/onnx/ops/common/lists.h"
#include "frontends/onnx/walk.h"

namespace o2w::onnx_frontend {

using ir::Value;

// What a host gives as a list is checked before anything reads it.
void Walk::add_lists() {
  for (std::size_t i = 0; i < graph_->inputs.size(); ++i) {
    const ir::Port& port = graph_->inputs[i];
    if (port.value->type != ir::DType::list) continue;
    ir::ListType type = *port.value->list;
    ir::Opaque check{.routine = "list_input", .ints = {static_cast<int64_t>(i)}};
    for (const ir::ListType* level = &type; level != nullptr; level = level->inner.get()) {
      check.ints.push_back(level->is_optional() ? -2 : -1);
      if (level->inner == nullptr) check.ints.push_back(ir::onnx_code(level->element));
    }
    if (type.inner == nullptr && !type.rank->get()) type.rank = element_rank(port.name);
    builder_.set_origin(nullptr);
    Value* checked = list_routine(builder_, std::move(check), {port.value}, std::move(type));
    checked->name = port.name;
    top_.names[port.name] = {Binding::State::present, checked};
  }
}

std::shared_ptr<ir::ElementRank> Walk::element_rank(const std::string& name) {
  const std::string key = context_.prefix + name;
  std::shared_ptr<ir::ElementRank>& rank = element_ranks_[key];
  const auto known = attempt_->ranks.find(key);
  // A loop's body may be lowered several times: each has its own, of which any tells the rank.
  if (rank == nullptr || !rank->get()) rank = std::make_shared<ir::ElementRank>();
  if (known == attempt_->ranks.end()) return rank;
  auto result = std::make_shared<ir::ElementRank>();
  result->set(known->second);
  return result;
}

void Walk::learn_rank(const Value* list, const TypeDef& declared) {
  const ir::ListType* type = list->list.get();
  const TypeDef* declared_type = &declared;
  while (type->inner != nullptr && declared_type->inner != nullptr) {
    type = type->inner.get();
    declared_type = declared_type->inner.get();
  }
  if (type->inner != nullptr || type->mixed_ranks || type->rank->get() || declared_type->inner == nullptr)
    return;
  if (const auto& shape = declared_type->inner->shape) type->rank->set(static_cast<int>(shape->size()));
}

// An output of the model is what the model says it is, where an optional and its element may stand for each
// other.
Value* Walk::as_declared(Value* value, const TypeDef& type) {
  const bool is_list = type.kind == TypeDef::Kind::sequence || type.kind == TypeDef::Kind::optional;
  if (value->type == ir::DType::list && value->list->kind == ir::ListType::Kind::tensor) return value;
  if (value->type != ir::DType::list && !is_list) return value;
  builder_.set_origin(nullptr);
  if (is_list) {
    const ir::ListType declared = list_type_of(type);
    return adapted(builder_, value, &declared);
  }
  return type.kind == TypeDef::Kind::tensor ? adapted(builder_, value, nullptr) : value;
}

}  // namespace o2w::onnx_frontend
