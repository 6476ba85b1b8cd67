// Results take the storage of an operand that nobody needs afterwards.
//
// This is possible where every element of the operand is read before the result's element of the same place
// is stored, and never after: in elementwise nests, in nests that work row by row (each row is read before it
// is written), for residuals in a kernel's epilogue, and for plain copies, which thereby vanish.
#include <algorithm>
#include <map>

#include "compiler/schedule/nest_rewriting.h"
#include "compiler/schedule/storage.h"

namespace o2w::schedule {
namespace {

// In each round of the outer loops, only elements of the rows that the target is moved to by those loops.
bool stays_in_row(const std::vector<ir::Expr>& indices, const std::vector<ir::Expr>& target, int outer) {
  for (std::size_t d = 0; d < target.size(); ++d) {
    for (int v = 0; v < outer; ++v) {
      if (ir::is_index(target[d], v) && !ir::is_index(indices[d], v)) return false;
    }
  }
  return true;
}

// No two rounds of the loops store the same element.
bool covers_loops(const std::vector<ir::Expr>& target, const ir::Shape& loops) {
  for (std::size_t v = 0; v < loops.size(); ++v) {
    if (!loops[v].is(1) && std::none_of(target.begin(), target.end(), [&](const ir::Expr& index) {
          return ir::is_index(index, static_cast<int>(v));
        })) {
      return false;
    }
  }
  return true;
}

bool same_indices(const std::vector<ir::Expr>& a, const std::vector<ir::Expr>& b, const ir::Shape& shape) {
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (!shape[d].is(1) && !ir::same(a[d], b[d])) return false;
  }
  return true;
}

class InPlace {
 public:
  InPlace(Draft& draft, const Block& block) : draft_(draft), block_(block) {
    count(draft.block);
    for (std::size_t k = 0; k < block.size(); ++k) count_here(block[k], static_cast<int>(k));
  }

  void run() {
    for (std::size_t k = 0; k < block_.size(); ++k) {
      const Operation& operation = block_[k];
      for (const int out : writes_of(operation)) {
        if (!may_share(draft_.at(out)) || draft_.at(out).host >= 0 || !is_first_use(out, static_cast<int>(k)))
          continue;
        for (const int operand : reads_of(operation)) {
          if (take(operation, static_cast<int>(k), operand, out)) break;
        }
      }
    }
  }

 private:
  struct Use {
    int first = -1, last = -1;  // positions in this block, nested blocks included
    int here = 0;               // uses in this block and those nested in it
    int total = 0;              // in all blocks
  };

  void count(const Block& block) {
    for (const Operation& operation : block) {
      for (const int tensor : tensors_of(operation)) ++uses_[draft_.root(tensor)].total;
      for (const Block* inner : blocks_of(operation)) count(*inner);
    }
  }
  void count_here(const Operation& operation, int position) {
    for (const int tensor : tensors_of(operation)) {
      Use& use = uses_[draft_.root(tensor)];
      if (use.first < 0) use.first = position;
      use.last = position;
      ++use.here;
    }
    for (const Block* inner : blocks_of(operation)) {
      for (const Operation& each : *inner) count_here(each, position);
    }
  }
  static std::vector<int> tensors_of(const Operation& operation) {
    std::vector<int> list = reads_of(operation);
    for (const int tensor : writes_of(operation)) list.push_back(tensor);
    return list;
  }

  static bool may_share(const DraftTensor& tensor) {
    return tensor.home == DraftTensor::Home::computed && !tensor.carried && !tensor.on_heap &&
           !tensor.allocated_by_op;
  }

  // Made by this operation, as the first to touch its storage.
  bool is_first_use(int tensor, int position) const {
    const auto found = uses_.find(draft_.root(tensor));
    return found != uses_.end() && found->second.first == position &&
           found->second.here == found->second.total;
  }

  bool take(const Operation& operation, int position, int operand, int out) {
    const int root = draft_.root(operand);
    const DraftTensor &from = draft_.at(operand), &to = draft_.at(out), &storage = draft_.at(root);
    if (root == out || !may_share(storage) || storage.port >= 0) return false;
    const Use& use = uses_.at(root);
    if (use.last != position || use.here != use.total) return false;
    if (from.shape != to.shape || ir::byte_size(from.type) != ir::byte_size(to.type) ||
        !same_strides(to.shape, from.layout, to.layout) || byte_count(storage) != byte_count(to)) {
      return false;
    }
    for (int t = operand; draft_.at(t).host >= 0; t = draft_.at(t).host) {
      if (!draft_.at(t).host_offset.is(0)) return false;
    }
    if (!reads_before_writing(operation, operand, out)) return false;
    if (to.port >= 0) {
      // What a run allocates has no place before.
      if (!std::all_of(to.shape.begin(), to.shape.end(),
                       [](const ir::Dim& dim) { return dim.from_inputs(); }))
        return false;
      draft_.at(root).host = out;
      draft_.at(root).host_offset = 0;
      join(root, out);
    } else {
      draft_.at(out).host = operand;
      draft_.at(out).host_offset = 0;
      join(out, root);
    }
    return true;
  }

  void join(int joined, int root) {
    const Use other = uses_.at(joined);
    Use& use = uses_.at(root);
    use.first = std::min(use.first, other.first);
    use.last = std::max(use.last, other.last);
    use.here += other.here;
    use.total += other.total;
  }

  bool reads_before_writing(const Operation& operation, int operand, int out) const {
    if (const auto* nest = operation.as<NestOp>()) return reads_before_writing(*nest, operand, out);
    const auto* kernel = operation.as<KernelOp>();
    if (kernel == nullptr) return false;
    const Epilogue* epilogue = nullptr;
    if (const auto* product = std::get_if<Matmul>(&kernel->kernel)) epilogue = &product->epilogue;
    if (const auto* convolution = std::get_if<Conv2d>(&kernel->kernel)) epilogue = &convolution->epilogue;
    if (epilogue == nullptr) return false;
    const std::size_t first = kernel->tensors.size() - epilogue->operands.size();
    for (std::size_t k = 0; k < kernel->tensors.size(); ++k) {
      if (k == kernel->out || draft_.root(kernel->tensors[k]) != draft_.root(operand)) continue;
      if (k < first || kernel->tensors[k] != operand ||
          epilogue->operands[k - first].access != EpilogueOperand::Access::same) {
        return false;
      }
    }
    return true;
  }

  bool reads_before_writing(const NestOp& op, int operand, int out) const {
    const std::vector<Stage>& stages = op.nest.stages;
    const auto is_out = [&](const Stage& stage) {
      return stage.target >= 0 && op.tensors[static_cast<std::size_t>(stage.target)] == out;
    };
    const auto writer = std::find_if(stages.begin(), stages.end(), is_out);
    if (writer == stages.end()) return false;
    ir::Shape loops = op.nest.outer;
    loops.insert(loops.end(), writer->loops.begin(), writer->loops.end());
    if (!covers_loops(writer->target_indices, loops)) return false;
    const int outer = static_cast<int>(op.nest.outer.size());
    const std::vector<ir::Expr>& target = writer->target_indices;
    const ir::Shape& shape = draft_.at(out).shape;
    for (auto stage = stages.begin(); stage != stages.end(); ++stage) {
      if (stage->sequential || stage->combine != ir::Combiner::none) return false;
      if (is_out(*stage) &&
          (stage->guard.get() != nullptr || !stays_in_row(stage->target_indices, target, outer)))
        return false;
      bool good = stage->target < 0 || is_out(*stage) ||
                  draft_.root(op.tensors[static_cast<std::size_t>(stage->target)]) != draft_.root(operand);
      for_each_expression(*stage, [&](const ir::Expr& e) {
        ir::walk(e, [&](const ir::ExprNode& node) {
          if (node.op != ir::ExprOp::read) return;
          const int tensor = op.tensors[static_cast<std::size_t>(node.slot)];
          if (draft_.root(tensor) != draft_.root(operand)) return;
          // After the result's row has begun to be written, nothing of the operand's is left.
          good = good && tensor == operand && stage <= writer &&
                 (stage == writer ? same_indices(node.args, target, shape)
                                  : stays_in_row(node.args, target, outer));
        });
      });
      if (!good) return false;
    }
    return true;
  }

  Draft& draft_;
  const Block& block_;
  std::map<int, Use> uses_;  // by root
};

}  // namespace

void compute_in_place(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { InPlace(draft, block).run(); });
}

}  // namespace o2w::schedule
