// What the fusion steps share: who uses which tensor, what may trade places in time, and surgery on nests.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/schedule/draft.h"

namespace o2w::schedule {

// The uses of all tensors seen from one block. Operations are positions in the block.
class BlockUses {
 public:
  BlockUses(const Draft& draft, const Block& block);

  // Operations of the block itself (not of nested blocks) that read or write a tensor.
  const std::set<int>& readers(int tensor) const { return uses_[static_cast<std::size_t>(tensor)].readers; }
  const std::set<int>& writers(int tensor) const { return uses_[static_cast<std::size_t>(tensor)].writers; }
  const std::vector<int>& views(int tensor) const { return uses_[static_cast<std::size_t>(tensor)].views; }
  // Nobody reads or writes it but operations of this block itself.
  bool is_local(int tensor) const { return uses_[static_cast<std::size_t>(tensor)].elsewhere == 0; }
  bool is_output(int tensor) const { return uses_[static_cast<std::size_t>(tensor)].is_output; }
  // Computed by one operation of this block and read only by others of it; neither state nor an output, in
  // storage of its own: it may disappear. (Its views are the caller's concern.)
  bool is_intermediate(int tensor) const;
  // Whether an operation at `from` that reads `tensors` and uses `symbols` would read the same at `to`
  // (later): no operation after `from` up to and including `to` writes their storage or defines the symbols.
  bool same_at(const std::vector<int>& tensors, const std::set<std::string>& symbols, int from, int to) const;

  // Bookkeeping while the block is rewritten: what the operation at a position (without nested blocks) reads
  // and writes is gone, or new. Storage once written at a position counts as written there for good.
  void forget(const Operation& operation, int position);
  void add(const Operation& operation, int position);

 private:
  struct Uses {
    std::set<int> readers, writers;
    std::vector<int> views;
    int elsewhere = 0;  // operations of other blocks
    bool is_output = false;
  };
  const Draft& draft_;
  std::vector<Uses> uses_;
  std::map<int, std::set<int>> storage_writers_;  // by root, nested blocks included
  std::map<std::string, std::set<int>> symbol_definers_;
};

// Calls `visit` for a block and those nested in it, the inner ones first.
void for_each_block(Block& block, const std::function<void(Block&)>& visit);

// Names of the symbols that an operation's expressions, sizes and addresses depend on.
std::set<std::string> symbols_of(const Draft& draft, const Operation& operation);

// The only stage of an elementwise nest: one store at the outer loops, element k.. at loops k.., nothing
// combined or left out; null if the nest is not one.
const Stage* plain_stage(const Draft& draft, const NestOp& op);
// Indices are the loop variables 0, 1, .. (or 0 where the shape's size is 1).
bool is_identity(const std::vector<ir::Expr>& indices, const ir::Shape& shape);

// The slot of a tensor among a nest's operands, added where it is not one yet.
int slot_of(NestOp& op, int tensor);
// The expression with the slots of `from`'s operands replaced by those of `to`'s, which get what is missing.
ir::Expr with_slots_of(const ir::Expr& e, const NestOp& from, NestOp& to);
// Calls `change` for every expression of a stage (body, guard, target indices).
void for_each_expression(Stage& stage, const std::function<void(ir::Expr&)>& change);
void for_each_expression(const Stage& stage, const std::function<void(const ir::Expr&)>& visit);
// Every tensor gets one slot: nodes may list a value several times, but what replaces reads of a tensor looks
// for one slot of it (see slot_of).
void merge_equal_operands(NestOp& op);
// Operands that no expression and no store uses any more are dropped.
void drop_unused_operands(NestOp& op);
// Removes the operations marked, keeping the order of the others.
void erase_operations(Block& block, const std::vector<bool>& dead);

// Arithmetic that takes many times longer than an addition: division, roots, transcendental functions,
// conversions of narrow floats.
bool has_expensive_operation(const ir::Expr& e);
// Works on 64-bit values, which have no vector code.
bool has_wide_values(const ir::Expr& e);

}  // namespace o2w::schedule
