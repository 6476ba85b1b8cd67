// Matrix products read and write permuted tensors as they lie: a permutation of dimensions is another order
// of labels.
#include <algorithm>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

// For a nest that only permutes the dimensions of `from`: the dimension of the result that is each of
// `from`'s.
std::optional<std::vector<int>> permutation_of(const Draft& draft, const NestOp& nest, int* from, int* to) {
  const Stage* stage = plain_stage(draft, nest);
  if (stage == nullptr || stage->body->op != ir::ExprOp::read) return std::nullopt;
  *from = nest.tensors[static_cast<std::size_t>(stage->body->slot)];
  *to = nest.tensors[static_cast<std::size_t>(stage->target)];
  const DraftTensor &source = draft.at(*from), &result = draft.at(*to);
  if (source.type != result.type || source.shape.size() != result.shape.size()) return std::nullopt;
  std::vector<int> permutation;
  for (std::size_t k = 0; k < source.shape.size(); ++k) {
    const ir::Expr& index = stage->body->args[k];
    const bool is_loop = index->op == ir::ExprOp::index &&
                         std::find(permutation.begin(), permutation.end(), index->slot) == permutation.end();
    // A crop also reads at plain indices.
    if (!is_loop || result.shape[static_cast<std::size_t>(index->slot)] != source.shape[k])
      return std::nullopt;
    permutation.push_back(index->slot);
  }
  return permutation;
}

class Absorption {
 public:
  Absorption(Draft& draft, Block& block)
      : draft_(draft), block_(block), uses_(draft, block), dead_(block.size(), false) {}

  void run() {
    for (std::size_t k = 0; k < block_.size(); ++k) {
      EinsumOp* einsum = block_[k].as<EinsumOp>();
      if (einsum == nullptr || dead_[k]) continue;
      const int position = static_cast<int>(k);
      while (absorb_operand(position, einsum->lhs, einsum->labels.lhs, einsum->labels, false)) {
      }
      while (absorb_operand(position, einsum->rhs, einsum->labels.rhs, einsum->labels, true)) {
      }
      absorb_result(position);
    }
    erase_operations(block_, dead_);
  }

 private:
  Operation& at(int position) { return block_[static_cast<std::size_t>(position)]; }

  bool absorb_operand(int position, int& operand, std::string& labels, const ir::Einsum& all, bool is_right) {
    if (uses_.writers(operand).size() != 1 || !uses_.is_intermediate(operand)) return false;
    const int writer = *uses_.writers(operand).begin();
    const NestOp* nest = writer < position ? at(writer).as<NestOp>() : nullptr;
    int from = -1, to = -1;
    const auto permutation = nest != nullptr ? permutation_of(draft_, *nest, &from, &to) : std::nullopt;
    if (!permutation || !uses_.same_at({from}, symbols_of(draft_, at(writer)), writer, position))
      return false;
    std::string permuted;
    for (const int dim : *permutation) permuted += labels[static_cast<std::size_t>(dim)];
    // Kernels walk along the last dimension: the summed one on the left, the summed one or the columns on the
    // right.
    const char last = permuted.back();
    const bool in_lhs = all.lhs.find(last) != std::string::npos,
               in_rhs = all.rhs.find(last) != std::string::npos;
    const bool is_summed = in_lhs && in_rhs && all.out.find(last) == std::string::npos;
    if (!is_summed && !(is_right && !in_lhs)) return false;
    uses_.forget(at(position), position);
    labels = permuted;
    operand = from;
    uses_.add(at(position), position);
    if (uses_.readers(to).empty() && uses_.views(to).empty()) {
      uses_.forget(at(writer), writer);
      dead_[static_cast<std::size_t>(writer)] = true;
    }
    return true;
  }

  void absorb_result(int position) {
    EinsumOp& einsum = *at(position).as<EinsumOp>();
    const int result = einsum.out;
    if (!uses_.is_intermediate(result) || !uses_.views(result).empty() || uses_.readers(result).size() != 1)
      return;
    const int reader = *uses_.readers(result).begin();
    const NestOp* nest = reader > position ? at(reader).as<NestOp>() : nullptr;
    int from = -1, to = -1;
    const auto permutation = nest != nullptr ? permutation_of(draft_, *nest, &from, &to) : std::nullopt;
    if (!permutation || einsum.epilogue.body.get() != nullptr) return;
    if (!uses_.same_at(reads_of(at(position)), symbols_of(draft_, at(position)), position, reader)) return;
    std::string permuted(permutation->size(), ' ');
    for (std::size_t k = 0; k < permutation->size(); ++k) {
      permuted[static_cast<std::size_t>((*permutation)[k])] = einsum.labels.out[k];
    }
    // Columns are stored side by side.
    if (permuted.empty() || permuted.back() != einsum.labels.out.back()) return;
    uses_.forget(at(reader), reader);
    uses_.forget(at(position), position);
    einsum.labels.out = permuted;
    einsum.out = to;
    at(reader) = std::move(at(position));
    uses_.add(at(reader), reader);
    dead_[static_cast<std::size_t>(position)] = true;
  }

  Draft& draft_;
  Block& block_;
  BlockUses uses_;
  std::vector<bool> dead_;
};

}  // namespace

void absorb_transposes(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { Absorption(draft, block).run(); });
}

}  // namespace o2w::schedule
