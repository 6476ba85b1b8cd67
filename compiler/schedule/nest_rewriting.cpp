#include "compiler/schedule/nest_rewriting.h"

#include <algorithm>

namespace o2w::schedule {
namespace {

using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

void add_symbols(const ir::Dim& dim, std::set<std::string>& names) {
  for (const ir::SymbolRef& symbol : dim.symbols()) names.insert(symbol->name);
}

void add_symbols(const ir::Shape& shape, std::set<std::string>& names) {
  for (const ir::Dim& dim : shape) add_symbols(dim, names);
}

void add_symbols(const Expr& e, std::set<std::string>& names) {
  if (e.get() == nullptr) return;
  ir::walk(e, [&](const ExprNode& node) { add_symbols(node.dim, names); });
}

std::vector<std::string> symbols_defined_by(const Operation& operation) {
  std::vector<std::string> names;
  const auto add = [&](const ir::SymbolRef& symbol) {
    if (symbol) names.push_back(symbol->name);
  };
  if (const auto* bind = operation.as<BindOp>()) {
    for (const ir::SymbolRef& symbol : bind->symbols) add(symbol);
  } else if (const auto* set = operation.as<SymbolOp>()) {
    add(set->symbol);
  } else if (const auto* routine = operation.as<RoutineOp>()) {
    for (const ir::SymbolRef& symbol : routine->routine.counts) add(symbol);
  } else if (const auto* repeat = operation.as<RepeatOp>()) {
    add(repeat->iterations);
  }
  for (const Block* block : blocks_of(operation)) {
    for (const Operation& inner : *block) {
      const std::vector<std::string> nested = symbols_defined_by(inner);
      names.insert(names.end(), nested.begin(), nested.end());
    }
  }
  return names;
}

}  // namespace

BlockUses::BlockUses(const Draft& draft, const Block& block) : draft_(draft), uses_(draft.tensors.size()) {
  for (std::size_t t = 0; t < draft.tensors.size(); ++t) {
    if (draft.tensors[t].host >= 0)
      uses_[static_cast<std::size_t>(draft.tensors[t].host)].views.push_back(static_cast<int>(t));
  }
  for (const int tensor : draft.output_tensors) uses_[static_cast<std::size_t>(tensor)].is_output = true;
  const std::function<void(const Block&)> count = [&](const Block& each) {
    const bool here = &each == &block;
    for (std::size_t k = 0; k < each.size(); ++k) {
      const Operation& operation = each[k];
      const int position = static_cast<int>(k);
      for (const int tensor : reads_of(operation)) {
        Uses& uses = uses_[static_cast<std::size_t>(tensor)];
        here ? void(uses.readers.insert(position)) : void(++uses.elsewhere);
      }
      for (const int tensor : writes_of(operation)) {
        Uses& uses = uses_[static_cast<std::size_t>(tensor)];
        here ? void(uses.writers.insert(position)) : void(++uses.elsewhere);
      }
      if (here) {
        for (const int tensor : all_writes_of(operation))
          storage_writers_[draft.root(tensor)].insert(position);
        for (const std::string& name : symbols_defined_by(operation)) symbol_definers_[name].insert(position);
      }
      for (const Block* inner : blocks_of(operation)) count(*inner);
    }
  };
  count(draft.block);
}

bool BlockUses::is_intermediate(int tensor) const {
  const DraftTensor& t = draft_.at(tensor);
  const Uses& uses = uses_[static_cast<std::size_t>(tensor)];
  return t.home == DraftTensor::Home::computed && t.port < 0 && t.host < 0 && !t.carried && !t.on_heap &&
         !t.allocated_by_op && !t.has_capacity && !uses.is_output && uses.elsewhere == 0 &&
         uses.writers.size() == 1;
}

bool BlockUses::same_at(const std::vector<int>& tensors, const std::set<std::string>& symbols, int from,
                        int to) const {
  const auto between = [&](const std::set<int>& positions) {
    const auto next = positions.upper_bound(from);
    return next != positions.end() && *next <= to;
  };
  for (const int tensor : tensors) {
    const auto found = storage_writers_.find(draft_.root(tensor));
    if (found != storage_writers_.end() && between(found->second)) return false;
  }
  for (const std::string& name : symbols) {
    const auto found = symbol_definers_.find(name);
    if (found != symbol_definers_.end() && between(found->second)) return false;
  }
  return true;
}

void BlockUses::forget(const Operation& operation, int position) {
  for (const int tensor : reads_of(operation))
    uses_[static_cast<std::size_t>(tensor)].readers.erase(position);
  for (const int tensor : writes_of(operation))
    uses_[static_cast<std::size_t>(tensor)].writers.erase(position);
}

void BlockUses::add(const Operation& operation, int position) {
  const std::size_t known = uses_.size();
  uses_.resize(draft_.tensors.size());
  for (std::size_t t = known; t < uses_.size(); ++t) {
    if (draft_.tensors[t].host >= 0)
      uses_[static_cast<std::size_t>(draft_.tensors[t].host)].views.push_back(static_cast<int>(t));
  }
  for (const int tensor : reads_of(operation))
    uses_[static_cast<std::size_t>(tensor)].readers.insert(position);
  for (const int tensor : writes_of(operation)) {
    uses_[static_cast<std::size_t>(tensor)].writers.insert(position);
    storage_writers_[draft_.root(tensor)].insert(position);
  }
}

void for_each_block(Block& block, const std::function<void(Block&)>& visit) {
  for (Operation& operation : block) {
    for (Block* inner : blocks_of(operation)) for_each_block(*inner, visit);
  }
  visit(block);
}

std::set<std::string> symbols_of(const Draft& draft, const Operation& operation) {
  std::set<std::string> names;
  if (draft.symbols.empty()) return names;
  std::vector<int> tensors = reads_of(operation);
  const std::vector<int> written = writes_of(operation);
  tensors.insert(tensors.end(), written.begin(), written.end());
  for (int tensor : tensors) {
    for (; tensor >= 0; tensor = draft.at(tensor).host) {
      const DraftTensor& t = draft.at(tensor);
      add_symbols(t.shape, names);
      add_symbols(t.layout.strides, names);
      add_symbols(t.layout.offset, names);
      add_symbols(t.host_offset, names);
    }
  }
  if (const auto* nest = operation.as<NestOp>()) {
    add_symbols(nest->nest.outer, names);
    for (const Stage& stage : nest->nest.stages) {
      add_symbols(stage.loops, names);
      for_each_expression(stage, [&](const Expr& e) { add_symbols(e, names); });
    }
  } else if (const auto* convolution = operation.as<ConvolutionOp>()) {
    add_symbols(convolution->attributes.pads_begin, names);
    add_symbols(convolution->epilogue.body, names);
  } else if (const auto* einsum = operation.as<EinsumOp>()) {
    add_symbols(einsum->epilogue.body, names);
  }
  return names;
}

const Stage* plain_stage(const Draft& draft, const NestOp& op) {
  if (op.nest.stages.size() != 1) return nullptr;
  const Stage& stage = op.nest.stages[0];
  if (!stage.loops.empty() || stage.guard.get() != nullptr || stage.combiner != ir::Combiner::none ||
      stage.combine != ir::Combiner::none || stage.sequential || stage.target < 0) {
    return nullptr;
  }
  const ir::Shape& shape = draft.at(op.tensors[static_cast<std::size_t>(stage.target)]).shape;
  if (op.nest.outer != shape || !is_identity(stage.target_indices, shape)) return nullptr;
  return &stage;
}

bool is_identity(const std::vector<Expr>& indices, const ir::Shape& shape) {
  if (indices.size() != shape.size()) return false;
  for (std::size_t k = 0; k < indices.size(); ++k) {
    if (ir::is_index(indices[k], static_cast<int>(k))) continue;
    const bool is_zero = indices[k]->op == ExprOp::literal && indices[k]->literal.integer == 0;
    if (!is_zero || !shape[k].is(1)) return false;
  }
  return true;
}

int slot_of(NestOp& op, int tensor) {
  const auto found = std::find(op.tensors.begin(), op.tensors.end(), tensor);
  if (found == op.tensors.end()) {
    op.tensors.push_back(tensor);
    return static_cast<int>(op.tensors.size()) - 1;
  }
  return static_cast<int>(found - op.tensors.begin());
}

Expr with_slots_of(const Expr& e, const NestOp& from, NestOp& to) {
  return ir::rewrite(e, [&](const Expr& node) {
    if (node->op != ExprOp::read) return node;
    return ir::read(slot_of(to, from.tensors[static_cast<std::size_t>(node->slot)]), node->type, node->args);
  });
}

void for_each_expression(Stage& stage, const std::function<void(Expr&)>& change) {
  change(stage.body);
  if (stage.guard) change(stage.guard);
  for (Expr& index : stage.target_indices) change(index);
}

void for_each_expression(const Stage& stage, const std::function<void(const Expr&)>& visit) {
  visit(stage.body);
  if (stage.guard) visit(stage.guard);
  for (const Expr& index : stage.target_indices) visit(index);
}

void merge_equal_operands(NestOp& op) {
  if (std::set<int>(op.tensors.begin(), op.tensors.end()).size() == op.tensors.size()) return;
  for (Stage& stage : op.nest.stages) {
    for_each_expression(stage, [&](Expr& e) { e = with_slots_of(e, op, op); });
    if (stage.target >= 0) stage.target = slot_of(op, op.tensors[static_cast<std::size_t>(stage.target)]);
  }
  drop_unused_operands(op);
}

void drop_unused_operands(NestOp& op) {
  std::set<int> used;
  for (const Stage& stage : op.nest.stages) {
    for_each_expression(stage, [&](const Expr& e) {
      ir::walk(e, [&](const ExprNode& node) {
        if (node.op == ExprOp::read) used.insert(node.slot);
      });
    });
    if (stage.target >= 0) used.insert(stage.target);
  }
  if (used.size() == op.tensors.size()) return;
  std::vector<int> number(op.tensors.size(), -1), kept;
  for (const int slot : used) {
    number[static_cast<std::size_t>(slot)] = static_cast<int>(kept.size());
    kept.push_back(op.tensors[static_cast<std::size_t>(slot)]);
  }
  for (Stage& stage : op.nest.stages) {
    for_each_expression(stage, [&](Expr& e) {
      e = ir::rewrite(e, [&](const Expr& node) {
        if (node->op != ExprOp::read) return node;
        return ir::read(number[static_cast<std::size_t>(node->slot)], node->type, node->args);
      });
    });
    if (stage.target >= 0) stage.target = number[static_cast<std::size_t>(stage.target)];
  }
  op.tensors = std::move(kept);
}

void erase_operations(Block& block, const std::vector<bool>& dead) {
  Block kept;
  for (std::size_t k = 0; k < block.size(); ++k) {
    if (!dead[k]) kept.push_back(std::move(block[k]));
  }
  block = std::move(kept);
}

bool has_expensive_operation(const Expr& e) {
  bool found = false;
  ir::walk(e, [&](const ExprNode& node) {
    if (node.type == ir::DType::index) return;
    switch (node.op) {
      case ExprOp::div:
      case ExprOp::floordiv:
      case ExprOp::mod:
      case ExprOp::fmod:
      case ExprOp::pow:
      case ExprOp::atan2:
      case ExprOp::sqrt:
      case ExprOp::reciprocal:
        found = true;
        break;
      case ExprOp::cast:
        found = found || ir::is_storage_only(node.type) || ir::is_storage_only(node.args[0]->type);
        break;
      default:
        found = found || (node.op >= ExprOp::exp && node.op <= ExprOp::sigmoid);
    }
  });
  return found;
}

bool has_wide_values(const Expr& e) {
  bool found = false;
  ir::walk(e, [&](const ExprNode& node) { found = found || ir::byte_size(node.type) == 8; });
  return found;
}

}  // namespace o2w::schedule
