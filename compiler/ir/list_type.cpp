#include "compiler/ir/list_type.h"

#include <fmt/core.h>

#include "compiler/ir/graph.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

// What holds in every region and every iteration.
std::optional<Dim> lasting(const Dim& dim) { return dim.from_inputs() ? std::optional(dim) : std::nullopt; }

ListType of_item(ListType::Kind kind, const Value* item) {
  ListType type;
  type.kind = kind;
  if (item->type == DType::list) {
    ensure(item->list != nullptr, "a list without a type");
    ListType inner = *item->list;
    inner.items.reset();
    type.inner = std::make_shared<const ListType>(std::move(inner));
    return type;
  }
  type.element = item->type;
  type.rank->set(item->rank());
  type.dims.emplace();
  for (const Dim& dim : item->shape) type.dims->push_back(lasting(dim));
  return type;
}

std::string element_text(const ListType& type) {
  if (type.inner) return to_string(*type.inner);
  std::string text(user_name(type.element));
  const std::optional<int> rank = type.mixed_ranks ? std::nullopt : type.rank->get();
  if (!rank) return text;
  text += "[";
  for (int d = 0; d < *rank; ++d) {
    const std::optional<Dim> dim = known_dim(type, d);
    text += (d == 0 ? "" : ", ") + (dim ? dim->to_string() : "?");
  }
  return text + "]";
}

}  // namespace

std::optional<int> ElementRank::get() const {
  const ElementRank* last = this;
  while (last->same_as_) last = last->same_as_.get();
  return last->rank_;
}

void ElementRank::set(int rank) {
  ElementRank* last = this;
  while (last->same_as_) last = last->same_as_.get();
  ensure(!last->rank_ || *last->rank_ == rank, "the rank of a list's elements is set twice");
  last->rank_ = rank;
}

void ElementRank::unite(const std::shared_ptr<ElementRank>& other) {
  ElementRank* mine = this;
  while (mine->same_as_) mine = mine->same_as_.get();
  std::shared_ptr<ElementRank> theirs = other;
  while (theirs->same_as_) theirs = theirs->same_as_;
  if (mine == theirs.get()) return;
  ensure(!mine->rank_ || !theirs->rank_, "two known ranks cannot become one");
  if (mine->rank_) theirs->rank_ = mine->rank_;
  mine->same_as_ = std::move(theirs);
}

ListType list_of(ListType::Kind kind, DType element) {
  ListType type;
  type.kind = kind;
  type.element = element;
  return type;
}

ListType list_of(ListType::Kind kind, ListType inner) {
  ListType type;
  type.kind = kind;
  type.inner = std::make_shared<const ListType>(std::move(inner));
  return type;
}

ListType list_of_items(ListType::Kind kind, const std::vector<Value*>& items) {
  ensure(!items.empty(), "the type of no items");
  ListType type = of_item(kind, items.front());
  for (std::size_t i = 1; i < items.size(); ++i) type = join(type, of_item(kind, items[i]));
  type.items = items;
  return type;
}

ListType join(const ListType& a, const ListType& b) {
  const bool comparable = a.kind == b.kind && (a.inner == nullptr) == (b.inner == nullptr);
  if (!comparable || (!a.inner && a.element != b.element)) {
    fail_model("{} and {} cannot be one value: they differ in type", to_string(a), to_string(b));
  }
  ListType type;
  type.kind = a.kind;
  type.element = a.element;
  type.empty = a.empty && b.empty;
  if (a.inner) {
    type.inner = std::make_shared<const ListType>(join(*a.inner, *b.inner));
    return type;
  }
  type.mixed_ranks = a.mixed_ranks || b.mixed_ranks;
  if (!type.mixed_ranks) {
    const std::optional<int> rank_a = a.rank->get(), rank_b = b.rank->get();
    if (rank_a && rank_b) {
      // A rank that was only declared gives way to that of the elements.
      if (*rank_a != *rank_b && a.empty != b.empty) {
        ListType only = a.empty ? b : a;
        only.items.reset();
        return only;
      }
      type.mixed_ranks = *rank_a != *rank_b;
    } else {
      a.rank->unite(b.rank);
    }
    if (!type.mixed_ranks) type.rank = a.rank;
  }
  if (type.mixed_ranks) return type;
  if (a.empty || b.empty) {
    type.dims = a.empty ? b.dims : a.dims;
  } else if (a.dims && b.dims) {
    type.dims.emplace();
    for (std::size_t d = 0; d < a.dims->size(); ++d) {
      const bool same = (*a.dims)[d] && (*b.dims)[d] && *(*a.dims)[d] == *(*b.dims)[d];
      type.dims->push_back(same ? (*a.dims)[d] : std::nullopt);
    }
  }
  return type;
}

bool same_knowledge(const ListType& a, const ListType& b) {
  if (a.kind != b.kind || a.empty != b.empty || (a.inner == nullptr) != (b.inner == nullptr)) return false;
  if (a.inner) return same_knowledge(*a.inner, *b.inner);
  if (a.element != b.element || a.mixed_ranks != b.mixed_ranks) return false;
  if (a.mixed_ranks) return true;
  if (a.rank->get() != b.rank->get()) return false;
  for (int d = 0; d < a.rank->get().value_or(0); ++d) {
    if (known_dim(a, d) != known_dim(b, d)) return false;
  }
  return true;
}

std::optional<Dim> known_dim(const ListType& type, int d) {
  if (!type.dims || d < 0 || static_cast<std::size_t>(d) >= type.dims->size()) return std::nullopt;
  return (*type.dims)[static_cast<std::size_t>(d)];
}

std::string to_string(const ListType& type) {
  switch (type.kind) {
    case ListType::Kind::sequence:
      return fmt::format("sequence({})", element_text(type));
    case ListType::Kind::optional:
      return fmt::format("optional({})", element_text(type));
    case ListType::Kind::tensor:
      break;
  }
  return element_text(type);
}

}  // namespace o2w::ir
