// Positions that take floating-point work to find, the same in every row of a copy (resizing to the nearest
// pixel by factors that are no whole numbers): a table of them is made once, and rows read it.
#include <algorithm>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/kernel_costs.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;

// A table must be read by so many rows.
constexpr int64_t kLeastRows = 8;

// The last loop that has more than one round; -1 for none.
int innermost_of(const LoopNest& nest) {
  for (int k = static_cast<int>(nest.outer.size()); k-- > 0;) {
    if (!nest.outer[static_cast<std::size_t>(k)].is(1)) return k;
  }
  return -1;
}

// The read of a nest that only copies elements; null for any other.
const ir::ExprNode* copied_element(const NestOp& op) {
  if (op.nest.stages.size() != 1) return nullptr;
  const Stage& stage = op.nest.stages[0];
  if (!stage.loops.empty() || stage.guard.get() != nullptr || stage.combiner != ir::Combiner::none ||
      stage.combine != ir::Combiner::none || stage.sequential || stage.target < 0) {
    return nullptr;
  }
  const ir::ExprNode* e = stage.body.get();
  while (e->op == ExprOp::cast) e = e->args[0].get();
  return e->op == ExprOp::read ? e : nullptr;
}

// Depends on one loop variable alone, and is made of more than positions and sizes.
bool is_worth_a_table(const Expr& index, int variable) {
  bool alone = true, varies = false, computed = false;
  ir::walk(index, [&](const ir::ExprNode& node) {
    if (node.op == ExprOp::index) {
      varies = varies || node.slot == variable;
      alone = alone && node.slot == variable;
    }
    if (node.op == ExprOp::checked_index) alone = false;
    computed = computed || ir::is_float(node.type);
  });
  return alone && varies && computed;
}

bool fill_table(Draft& draft, Operation& operation, Operation& before) {
  auto* op = operation.as<NestOp>();
  if (op == nullptr) return false;
  const ir::ExprNode* read = copied_element(*op);
  const int variable = innermost_of(op->nest);
  if (read == nullptr || variable < 0) return false;
  int64_t rows = 1;
  for (int k = 0; k < variable && rows < kLeastRows; ++k)
    rows *= typical_size(op->nest.outer[static_cast<std::size_t>(k)]);
  if (rows < kLeastRows) return false;
  const auto found = std::find_if(read->args.begin(), read->args.end(),
                                  [&](const Expr& index) { return is_worth_a_table(index, variable); });
  if (found == read->args.end()) return false;
  const Expr position = *found;

  const int table = draft.add(DType::i32, {op->nest.outer[static_cast<std::size_t>(variable)]}, "positions");
  std::vector<Expr> values;
  for (int k = 0; k <= variable; ++k) values.push_back(ir::index_var(0));
  NestOp made = elementwise_nest(draft, table, op->tensors,
                                 ir::cast(DType::i32, ir::substitute_indices(position, values)));
  drop_unused_operands(made);
  before.what = std::move(made);
  before.origin = operation.origin;

  Stage& stage = op->nest.stages[0];
  const int slot = slot_of(*op, table);
  const Expr known = ir::cast(DType::index, ir::read(slot, DType::i32, {ir::index_var(variable)}));
  stage.body = ir::rewrite(stage.body, [&](const Expr& e) { return ir::same(e, position) ? known : e; });
  drop_unused_operands(*op);
  return true;
}

}  // namespace

void tabulate_positions(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) {
    Block result;
    for (Operation& operation : block) {
      Operation table;
      if (fill_table(draft, operation, table)) result.push_back(std::move(table));
      result.push_back(std::move(operation));
    }
    block = std::move(result);
  });
}

}  // namespace o2w::schedule
