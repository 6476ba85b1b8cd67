// Elementwise producers into their consumers.
#include <algorithm>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

// Bounds of what one nest may become: its code must stay small, its operands' addresses in registers.
constexpr int kMostOperations = 64;
constexpr std::size_t kMostOperands = 12;
// What may be computed by several consumers each, instead of once.
constexpr int kMostRepeatedOperations = 1;

// Operations on values; index arithmetic and conversions between types of at most 32 bits are not counted.
int value_operations(const Expr& e) {
  int count = 0;
  ir::walk(e, [&](const ExprNode& node) {
    if (node.type == ir::DType::index || ir::arity(node.op) <= 0 || node.op == ExprOp::cast) return;
    ++count;
  });
  return count;
}

// Reads of an element of its own for every point of the loops, not of one that many points share (a row's
// mean).
int count_full_reads(const Expr& e, const ir::Shape& loops) {
  int count = 0;
  ir::walk(e, [&](const ExprNode& node) {
    if (node.op != ExprOp::read) return;
    bool full = true;
    for (std::size_t k = 0; k < loops.size(); ++k) {
      const bool used = std::any_of(node.args.begin(), node.args.end(), [&](const Expr& index) {
        return ir::uses_index(index, static_cast<int>(k));
      });
      full = full && (used || loops[k].is(1));
    }
    count += full ? 1 : 0;
  });
  return count;
}

// One read that walks along with the last of `loops` variables, so that neighbours stay neighbours (or does
// not depend on it at all).
bool keeps_rows(const Expr& e, int loops) {
  bool good = true;
  ir::walk(e, [&](const ExprNode& node) {
    if (node.op != ExprOp::read) return;
    for (std::size_t k = 0; k < node.args.size(); ++k) {
      const std::optional<ir::Affine> affine = ir::as_affine(node.args[k]);
      if (!affine) {
        good = false;
        return;
      }
      const auto step = affine->coefficients.find(loops - 1);
      if (step != affine->coefficients.end() && (k + 1 != node.args.size() || !step->second.is(1)))
        good = false;
    }
  });
  return good;
}

class Inlining {
 public:
  Inlining(Draft& draft, Block& block)
      : draft_(draft), block_(block), uses_(draft, block), dead_(block.size(), false) {}

  void run() {
    for (std::size_t k = 0; k < block_.size(); ++k) {
      const NestOp* producer = block_[k].as<NestOp>();
      if (producer != nullptr && may_inline(*producer, static_cast<int>(k))) {
        inline_everywhere(static_cast<int>(k));
      }
    }
    erase_operations(block_, dead_);
  }

 private:
  Operation& at(int position) { return block_[static_cast<std::size_t>(position)]; }

  bool may_inline(const NestOp& producer, int position) {
    const Stage* stage = plain_stage(draft_, producer);
    // An error must be raised where the model says, whether or not the element is read.
    if (stage == nullptr || ir::may_fail(stage->body)) return false;
    const int result = producer.tensors[static_cast<std::size_t>(stage->target)];
    if (!uses_.is_intermediate(result) || !uses_.views(result).empty() || uses_.readers(result).empty())
      return false;
    const std::vector<int> operands = reads_of(at(position));
    const std::set<std::string> symbols = symbols_of(draft_, at(position));
    const bool several = uses_.readers(result).size() > 1;
    if (several &&
        (value_operations(stage->body) > kMostRepeatedOperations || has_expensive_operation(stage->body) ||
         count_full_reads(stage->body, producer.nest.outer) > 1 ||
         !keeps_rows(stage->body, rank_of(result)))) {
      return false;
    }
    const bool epilogue = follows_contraction(producer, *stage, position);
    for (const int reader : uses_.readers(result)) {
      const NestOp* consumer = at(reader).as<NestOp>();
      if (consumer == nullptr || reader <= position) return false;
      if (!uses_.same_at(operands, symbols, position, reader)) return false;
      if (epilogue && (several || !reads_in_place(*consumer, result))) return false;
      if (!fits(*stage, producer, *consumer, result) || drops_check(stage->body, *consumer, result))
        return false;
    }
    return true;
  }

  // Whether an index that is checked would vanish, since the body does not depend on it.
  static bool drops_check(const Expr& body, const NestOp& consumer, int result) {
    bool drops = false;
    for (const Stage& stage : consumer.nest.stages) {
      for_each_expression(stage, [&](const Expr& e) {
        ir::walk(e, [&](const ExprNode& node) {
          if (node.op != ExprOp::read || consumer.tensors[static_cast<std::size_t>(node.slot)] != result)
            return;
          for (std::size_t k = 0; k < node.args.size(); ++k)
            drops = drops || (ir::may_fail(node.args[k]) && !ir::uses_index(body, static_cast<int>(k)));
        });
      });
    }
    return drops;
  }

  int rank_of(int tensor) const { return static_cast<int>(draft_.at(tensor).shape.size()); }

  // Work on a contraction's result element by element, which its epilogue can do for free.
  bool follows_contraction(const NestOp& producer, const Stage& stage, int position) {
    bool found = false;
    ir::walk(stage.body, [&](const ExprNode& node) {
      if (node.op != ExprOp::read) return;
      const int operand = producer.tensors[static_cast<std::size_t>(node.slot)];
      if (!is_identity(node.args, draft_.at(operand).shape)) return;
      const int written = draft_.at(operand).host >= 0 ? draft_.at(operand).host : operand;
      for (const int writer : uses_.writers(written)) {
        const Operation& operation = at(writer);
        if (writer < position && (operation.as<EinsumOp>() || operation.as<ConvolutionOp>())) found = true;
      }
    });
    return found;
  }

  // The consumer is elementwise over the same points, and may become an epilogue as a whole.
  bool reads_in_place(const NestOp& consumer, int tensor) const {
    const Stage* stage = plain_stage(draft_, consumer);
    if (stage == nullptr || consumer.nest.outer != draft_.at(tensor).shape) return false;
    bool good = true;
    ir::walk(stage->body, [&](const ExprNode& node) {
      if (node.op != ExprOp::read || consumer.tensors[static_cast<std::size_t>(node.slot)] != tensor) return;
      good = good && is_identity(node.args, draft_.at(tensor).shape);
    });
    return good;
  }

  bool fits(const Stage& stage, const NestOp& producer, const NestOp& consumer, int tensor) const {
    Dim evaluations = 0;
    int operations = 0;
    for (const Stage& reading : consumer.nest.stages) {
      std::vector<Expr> places;  // distinct reads of the tensor
      for_each_expression(reading, [&](const Expr& e) {
        operations += ir::op_count(e);
        ir::walk(e, [&](const ExprNode& node) {
          if (node.op != ExprOp::read || consumer.tensors[static_cast<std::size_t>(node.slot)] != tensor)
            return;
          const Expr read = ir::read(node.slot, node.type, node.args);
          if (std::none_of(places.begin(), places.end(), [&](const Expr& p) { return ir::same(p, read); })) {
            places.push_back(read);
          }
        });
      });
      if (places.empty()) continue;
      const bool vectors = !has_wide_values(reading.body);
      if (vectors && has_wide_values(stage.body)) return false;
      evaluations += ir::element_count(consumer.nest.outer) * ir::element_count(reading.loops) *
                     Dim(static_cast<int64_t>(places.size()));
      operations += static_cast<int>(places.size()) * ir::op_count(stage.body);
    }
    if (operations > kMostOperations) return false;
    std::set<int> operands(consumer.tensors.begin(), consumer.tensors.end());
    operands.insert(producer.tensors.begin(), producer.tensors.end());
    if (operands.size() - 1 > std::max(kMostOperands, consumer.tensors.size())) return false;
    if (ir::provably_less_equal(evaluations, ir::element_count(draft_.at(tensor).shape))) return true;
    return value_operations(stage.body) == 0 && !has_expensive_operation(stage.body) &&
           keeps_rows(stage.body, rank_of(tensor));
  }

  void inline_everywhere(int position) {
    const NestOp producer = *at(position).as<NestOp>();
    const Stage& stage = producer.nest.stages[0];
    const int result = producer.tensors[static_cast<std::size_t>(stage.target)];
    for (const int reader : std::set<int>(uses_.readers(result))) {
      uses_.forget(at(reader), reader);
      NestOp& consumer = *at(reader).as<NestOp>();
      const Expr body = with_slots_of(stage.body, producer, consumer);
      const int slot = slot_of(consumer, result);
      for (Stage& reading : consumer.nest.stages) {
        for_each_expression(reading, [&](Expr& e) { e = substitute(e, slot, body); });
      }
      drop_unused_operands(consumer);
      uses_.add(at(reader), reader);
    }
    uses_.forget(at(position), position);
    dead_[static_cast<std::size_t>(position)] = true;
  }

  // Reads of `slot` replaced by `body` at the place read, rounded as storing would have.
  static Expr substitute(const Expr& e, int slot, const Expr& body) {
    std::vector<std::pair<Expr, Expr>> done;  // equal reads share one copy
    return ir::rewrite(e, [&](const Expr& node) -> Expr {
      if (node->op != ExprOp::read || node->slot != slot) return node;
      for (const auto& [read, value] : done) {
        if (ir::same(read, node)) return value;
      }
      const Expr value = ir::cast(node->type, ir::substitute_indices(body, node->args));
      done.emplace_back(node, value);
      return value;
    });
  }

  Draft& draft_;
  Block& block_;
  BlockUses uses_;
  std::vector<bool> dead_;
};

}  // namespace

void inline_elementwise(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { Inlining(draft, block).run(); });
}

}  // namespace o2w::schedule
