// Elementwise work on the result of a matrix product or convolution, done on the accumulator before it is
// stored.
#include <algorithm>
#include <map>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;
using Access = EpilogueOperand::Access;

// Every operand is one more parameter of the kernel.
constexpr std::size_t kMostOperands = 8;

// The result side of a contraction.
struct Contraction {
  int* out = nullptr;
  Epilogue* epilogue = nullptr;
  std::vector<int>* tensors = nullptr;
  // The dimension of the result whose neighbours the kernel computes side by side.
  std::size_t column = 0;
  bool has_column_operands = false, has_operands = false;  // what kernels support for it
  bool is_integer = false;                                 // sums in i32
  bool may_be_viewed =
      false;  // the kernel does not care for the result's shape, only for its order in memory
};

std::optional<Contraction> contraction_of(const Draft& draft, Operation& operation) {
  Contraction c;
  if (auto* convolution = operation.as<ConvolutionOp>()) {
    c.out = &convolution->out;
    c.epilogue = &convolution->epilogue;
    c.tensors = &convolution->epilogue_tensors;
    c.column = 1;
    c.has_column_operands = c.has_operands = true;
  } else if (auto* einsum = operation.as<EinsumOp>()) {
    if (einsum->labels.out.empty()) return std::nullopt;
    c.out = &einsum->out;
    c.epilogue = &einsum->epilogue;
    c.tensors = &einsum->epilogue_tensors;
    c.column = einsum->labels.out.size() - 1;
    c.may_be_viewed = true;
    // Columns of a matrix product come from its right side alone; several such labels are one long row of
    // columns.
    const auto is_column = [&](char label) {
      return einsum->labels.rhs.find(label) != std::string::npos &&
             einsum->labels.lhs.find(label) == std::string::npos;
    };
    c.has_operands = is_column(einsum->labels.out.back());
    c.has_column_operands =
        c.has_operands && std::count_if(einsum->labels.out.begin(), einsum->labels.out.end(), is_column) == 1;
  } else {
    return std::nullopt;
  }
  // Sums of f32 or, where both factors are i16, of i32; what f32 becomes stays f32.
  const std::vector<int> factors = reads_of(operation);
  c.is_integer = c.epilogue->accumulator == ir::DType::i32 && draft.at(factors[0]).type == ir::DType::i16 &&
                 draft.at(factors[1]).type == ir::DType::i16;
  if (!c.is_integer && draft.at(*c.out).type != ir::DType::f32) return std::nullopt;
  return c;
}

bool is_row_major(const DraftTensor& tensor) {
  return tensor.layout.offset.is(0) && tensor.layout.strides == dense_layout(tensor.shape).strides;
}

// Shapes that differ by dimensions of size 1 only.
bool same_but_ones(const ir::Shape& a, const ir::Shape& b) {
  if (a.empty() || b.empty()) return false;
  const auto squeezed = [](const ir::Shape& shape) {
    ir::Shape rest;
    std::copy_if(shape.begin(), shape.end(), std::back_inserter(rest),
                 [](const Dim& dim) { return !dim.is(1); });
    return rest;
  };
  return squeezed(a) == squeezed(b);
}

bool is_zero(const Expr& e) { return e->op == ExprOp::literal && e->literal.integer == 0; }

// The labels of an einsum's result for another shape of it that differs by dimensions of size 1 only.
std::string relabelled(const ir::Einsum& labels, const ir::Shape& from, const ir::Shape& to) {
  std::string kept, result;
  for (std::size_t k = 0; k < from.size(); ++k) {
    if (!from[k].is(1)) kept += labels.out[k];
  }
  std::string used = labels.lhs + labels.rhs + labels.out;
  std::size_t next = 0;
  for (const Dim& dim : to) {
    char label = 'A';
    if (!dim.is(1)) {
      label = kept[next++];
    } else {
      while (used.find(label) != std::string::npos) ++label;
      used += label;
    }
    result += label;
  }
  return result;
}

// Sums and products with the accumulator's side first: models write them either way, and kernels of the same
// epilogue are one.
Expr accumulator_first(const Expr& body) {
  const auto has_accumulator = [](const Expr& e) {
    bool found = false;
    ir::walk(e, [&](const ExprNode& node) { found = found || node.op == ExprOp::temp; });
    return found;
  };
  return ir::rewrite(body, [&](const Expr& e) {
    const bool commutes = e->op == ExprOp::add || e->op == ExprOp::mul;
    return commutes && !has_accumulator(e->args[0]) && has_accumulator(e->args[1])
               ? ir::with_args(*e, {e->args[1], e->args[0]})
               : e;
  });
}

// Numbers the operands in the order in which the body reads them.
void sort_operands(Epilogue& epilogue, std::vector<int>& tensors) {
  std::vector<std::size_t> order;
  const auto place_of = [&](int slot) {
    return std::find(order.begin(), order.end(), static_cast<std::size_t>(slot));
  };
  ir::walk(epilogue.body, [&](const ExprNode& node) {
    if (node.op == ExprOp::read && place_of(node.slot) == order.end())
      order.push_back(static_cast<std::size_t>(node.slot));
  });
  epilogue.body = ir::rewrite(epilogue.body, [&](const Expr& e) {
    if (e->op != ExprOp::read) return e;
    return ir::read(static_cast<int>(place_of(e->slot) - order.begin()), e->type, {});
  });
  const std::vector<EpilogueOperand> operands = std::move(epilogue.operands);
  const std::vector<int> before = std::move(tensors);
  epilogue.operands.clear();
  tensors.clear();
  for (const std::size_t k : order) {
    epilogue.operands.push_back(operands.at(k));
    tensors.push_back(before.at(k));
  }
}

class EpilogueFusion {
 public:
  EpilogueFusion(Draft& draft, Block& block)
      : draft_(draft), block_(block), uses_(draft, block), dead_(block.size(), false) {}

  void run() {
    for (std::size_t k = 0; k < block_.size(); ++k) {
      if (!dead_[k]) fuse(static_cast<int>(k));
    }
    Block result;
    for (std::size_t k = 0; k < block_.size(); ++k) {
      if (!dead_[k]) result.push_back(std::move(block_[k]));
      if (const auto copy = copies_.find(static_cast<int>(k)); copy != copies_.end())
        result.push_back(std::move(copy->second));
    }
    block_ = std::move(result);
  }

 private:
  Operation& at(int position) { return block_[static_cast<std::size_t>(position)]; }

  // Takes the only consumer of the contraction's result into its epilogue. The contraction moves to the
  // consumer's place, where all of the consumer's operands are there, and is looked at again from there.
  void fuse(int position) {
    const std::optional<Contraction> found = contraction_of(draft_, at(position));
    if (!found) return;
    const Contraction& c = *found;
    const int result = result_read(c);
    if (result < 0 || uses_.readers(result).size() != 1) return;
    const int reader = *uses_.readers(result).begin();
    const NestOp* consumer = at(reader).as<NestOp>();
    if (consumer == nullptr || reader <= position) return;
    const Stage* stage = plain_stage(draft_, *consumer);
    if (stage == nullptr || consumer->nest.outer != draft_.at(result).shape) return;
    const int out = consumer->tensors[static_cast<std::size_t>(stage->target)];
    const std::vector<int> operands = reads_of(at(position));
    if (!is_possible(c, draft_.at(out).type) ||
        !uses_.same_at(operands, symbols_of(draft_, at(position)), position, reader)) {
      return;
    }

    Epilogue epilogue = *c.epilogue;
    std::vector<int> tensors = *c.tensors;
    Expr accumulator = epilogue.body.get() != nullptr ? epilogue.body : ir::temp(0, epilogue.accumulator);
    // What was stored in between was rounded to the tensor's type.
    accumulator = ir::cast(draft_.at(result).type, accumulator);
    bool good = is_possible(c, stage->body);
    const Expr body = ir::rewrite(stage->body, [&](const Expr& node) -> Expr {
      if (node->op != ExprOp::read || !good) return node;
      const int tensor = consumer->tensors[static_cast<std::size_t>(node->slot)];
      if (tensor == result) {
        good = is_identity(node->args, draft_.at(result).shape);
        return accumulator;
      }
      const std::optional<Access> access = access_of(c, *node, tensor, result, out);
      good = access.has_value();
      return good ? ir::read(operand_number(epilogue, tensors, tensor, *access), node->type, {}) : node;
    });
    if (!good || tensors.size() > kMostOperands || uses_index(body)) return;

    // An operand read like the output is laid out like the output, which a part of a concatenation is not:
    // that one is copied into place (place_parts makes the two one where their layouts come to agree).
    const bool reads_like_output =
        std::any_of(epilogue.operands.begin(), epilogue.operands.end(),
                    [](const EpilogueOperand& operand) { return operand.access == Access::same; });
    const int part = reads_like_output && !is_row_major(draft_.at(out)) ? out : -1;
    if (part >= 0 && stage->body->op == ExprOp::read) return;  // the copy itself
    const int stored =
        part < 0 ? out : draft_.add(draft_.at(out).type, draft_.at(out).shape, draft_.at(out).name);

    uses_.forget(at(position), position);
    epilogue.body = accumulator_first(body);
    sort_operands(epilogue, tensors);
    *c.epilogue = std::move(epilogue);
    *c.tensors = std::move(tensors);
    if (auto* einsum = at(position).as<EinsumOp>()) {
      einsum->labels.out = relabelled(einsum->labels, draft_.at(*c.out).shape, draft_.at(out).shape);
    }
    *c.out = stored;
    uses_.forget(at(reader), reader);
    const std::shared_ptr<const ir::Origin> origin = at(reader).origin;
    at(reader) = std::move(at(position));
    uses_.add(at(reader), reader);
    dead_[static_cast<std::size_t>(position)] = true;
    if (part < 0) return;
    Operation copy{copy_nest(draft_, stored, part), origin, at(reader).failure};
    uses_.add(copy, reader);
    copies_.emplace(reader, std::move(copy));
  }

  // The tensor under which a contraction's result is read: itself or its only view, where that differs by
  // dimensions of size 1 only. -1 where others need it.
  int result_read(const Contraction& c) const {
    const int result = *c.out;
    if (!uses_.is_intermediate(result)) return -1;
    const std::vector<int>& views = uses_.views(result);
    if (views.empty()) return result;
    const int view = views[0];
    const bool replaces = views.size() == 1 && uses_.readers(result).empty() && c.may_be_viewed &&
                          draft_.at(view).host_offset.is(0) && is_row_major(draft_.at(view)) &&
                          draft_.at(view).type == draft_.at(result).type && is_row_major(draft_.at(result)) &&
                          same_but_ones(draft_.at(view).shape, draft_.at(result).shape) &&
                          draft_.at(view).shape.back() == draft_.at(result).shape.back();
    return replaces && uses_.is_local(view) && uses_.writers(view).empty() && uses_.views(view).empty() &&
                   !uses_.is_output(view)
               ? view
               : -1;
  }

  // What kernels compute in an epilogue.
  static bool is_possible(const Contraction& c, ir::DType type) {
    return type == ir::DType::f32 ||
           (c.is_integer && ir::is_integer(type) && !ir::is_storage_only(type) && ir::byte_size(type) <= 4);
  }
  static bool is_possible(const Contraction& c, const Expr& e) {
    bool good = true;
    ir::walk(e, [&](const ExprNode& node) {
      good = good &&
             (is_possible(c, node.type) || node.type == ir::DType::boolean || node.type == ir::DType::index);
      good = good && (node.op != ExprOp::dim || node.dim.is_constant()) && node.op != ExprOp::checked_index;
    });
    return good;
  }
  static bool uses_index(const Expr& e) {
    bool found = false;
    ir::walk(e, [&](const ExprNode& node) { found = found || node.op == ExprOp::index; });
    return found;
  }

  std::optional<Access> access_of(const Contraction& c, const ExprNode& read, int tensor, int result,
                                  int out) const {
    const DraftTensor& t = draft_.at(tensor);
    if (!is_possible(c, t.type) || !c.has_operands || !t.layout.offset.is(0) ||
        draft_.root(tensor) == draft_.root(out)) {
      return std::nullopt;
    }
    int column = -1, others = 0;
    const ir::Shape& shape = draft_.at(result).shape;
    const std::size_t last = c.may_be_viewed ? shape.size() - 1 : c.column;
    for (std::size_t k = 0; k < t.shape.size(); ++k) {
      if (t.shape[k].is(1) && is_zero(read.args[k])) continue;
      const bool whole = ir::is_index(read.args[k], static_cast<int>(last)) && t.shape[k] == shape[last];
      if (whole && column < 0 && t.layout.strides[k].is(1)) {
        column = static_cast<int>(k);
      } else {
        ++others;
      }
    }
    if (others == 0 && column < 0) return Access::scalar;
    if (others == 0 && c.has_column_operands) return Access::column;
    const bool same = t.shape == shape && is_identity(read.args, shape) && is_row_major(t);
    return same ? std::optional(Access::same) : std::nullopt;
  }

  int operand_number(Epilogue& epilogue, std::vector<int>& tensors, int tensor, Access access) const {
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      if (tensors[k] == tensor && epilogue.operands[k].access == access) return static_cast<int>(k);
    }
    epilogue.operands.push_back({access, draft_.at(tensor).type});
    tensors.push_back(tensor);
    return static_cast<int>(tensors.size()) - 1;
  }

  Draft& draft_;
  Block& block_;
  BlockUses uses_;
  std::vector<bool> dead_;
  std::map<int, Operation> copies_;  // that follow an operation
};

}  // namespace

void fuse_epilogues(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { EpilogueFusion(draft, block).run(); });
}

}  // namespace o2w::schedule
