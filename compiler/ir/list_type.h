// Types of lists: what ONNX calls sequences and optionals.
//
// A value of element type `list` is a scalar that names an immutable list made while the model runs; its
// elements are tensors, or lists again. A sequence is a list, an optional a list of at most one element, an
// optional sequence an optional whose element is a sequence. Shapes of elements may differ, but code can only
// be made for reading an element whose rank is known when compiling.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/dim.h"
#include "compiler/ir/dtype.h"

namespace o2w::ir {

struct Value;

// The rank of tensors of which some may be met later: an empty sequence has elements once something is
// inserted. All types that must agree share one; it becomes known at most once.
class ElementRank {
 public:
  std::optional<int> get() const;
  void set(int rank);  // of an unknown one
  // From now on `this` and `other`, of which at least one is unknown, are one.
  void unite(const std::shared_ptr<ElementRank>& other);

 private:
  std::optional<int> rank_;
  std::shared_ptr<ElementRank> same_as_;
};

struct ListType {
  enum class Kind : uint8_t {
    sequence,
    optional,
    tensor,  // one tensor whose rank only the run knows: a model's output
  } kind = Kind::sequence;
  std::shared_ptr<const ListType> inner;  // of lists; else of tensors:
  DType element = DType::f32;
  std::shared_ptr<ElementRank> rank = std::make_shared<ElementRank>();
  bool mixed_ranks = false;  // there are elements of different ranks: `rank` means nothing
  bool empty = false;        // provably without elements
  // Sizes that all elements have, where known. They are constants or follow from the model's inputs, so that
  // they mean the same in every region. Absent: none is known.
  std::optional<std::vector<std::optional<Dim>>> dims;
  // The elements, where the list is made of values known in its region.
  std::optional<std::vector<Value*>> items;

  bool is_optional() const { return kind == Kind::optional; }
};

ListType list_of(ListType::Kind kind, DType element);
ListType list_of(ListType::Kind kind, ListType inner);
// A list of the value (a tensor or a list), and one of all of them; ModelError where they have different
// types.
ListType list_of_items(ListType::Kind kind, const std::vector<Value*>& items);
// The type of what may be either; ModelError where no list is both. Ranks that one side does not know become
// the other's.
ListType join(const ListType& a, const ListType& b);
// Whether both say the same of what they hold.
bool same_knowledge(const ListType& a, const ListType& b);
// The size of dimension `d` of all elements, where known.
std::optional<Dim> known_dim(const ListType& type, int d);
// "sequence(float32[2, ?])", "optional(sequence(int64))".
std::string to_string(const ListType& type);

}  // namespace o2w::ir
