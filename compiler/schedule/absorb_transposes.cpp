// Matrix products read and write permuted tensors as they lie: a permutation of dimensions is another order
// of labels. Powers of two that the operands are multiplied by on the way are the epilogue's: no digit
// changes. Where an operand is computed from a permuted tensor, element by element, it is computed in the
// order of that tensor instead.
#include <algorithm>
#include <cmath>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

struct Permutation {
  int from = -1, to = -1;
  std::vector<int> dims;  // of the result, for each of `from`'s
  double factor = 1;      // a power of two that all elements are multiplied by
};

bool is_power_of_two(double x) {
  int exponent = 0;
  return std::fabs(std::frexp(x, &exponent)) == 0.5 && std::abs(exponent) < 16;
}

// The read of an expression that is one, perhaps times a power of two.
ir::Expr scaled_read(const ir::Expr& body, double* factor) {
  if (body->op == ir::ExprOp::read) return body;
  if (body->type != ir::DType::f32 || (body->op != ir::ExprOp::mul && body->op != ir::ExprOp::div))
    return ir::Expr();
  const bool number_first = ir::is_literal(body->args[0]);
  const ir::Expr &read = body->args[number_first ? 1 : 0], &number = body->args[number_first ? 0 : 1];
  if (read->op != ir::ExprOp::read || !ir::is_literal(number) || !is_power_of_two(number->literal.real) ||
      (number_first && body->op == ir::ExprOp::div)) {
    return ir::Expr();
  }
  *factor = body->op == ir::ExprOp::mul ? number->literal.real : 1 / number->literal.real;
  return read;
}

// The dimension of the result that each of the source's is, if the read permutes dimensions; else nothing.
std::vector<int> permuted_dims(const ir::ExprNode& read, const ir::Shape& source, const ir::Shape& result) {
  if (source.size() != result.size()) return {};
  constexpr int unknown = -1;
  std::vector<int> dims(source.size(), unknown);
  const auto is_taken = [&](int dim) { return std::find(dims.begin(), dims.end(), dim) != dims.end(); };
  for (std::size_t k = 0; k < source.size(); ++k) {
    const ir::Expr& index = read.args[k];
    if (index->op != ir::ExprOp::index) continue;
    if (is_taken(index->slot) || result[static_cast<std::size_t>(index->slot)] != source[k]) return {};
    dims[k] = index->slot;
  }
  // A dimension of size 1 may be read at 0. Any other plain index is a crop's.
  for (std::size_t k = 0; k < source.size(); ++k) {
    if (dims[k] != unknown) continue;
    const ir::Expr& index = read.args[k];
    if (!ir::is_literal(index) || index->literal.integer != 0 || !source[k].is(1)) return {};
    for (int dim = 0; dim < static_cast<int>(result.size()); ++dim) {
      if (dims[k] == unknown && result[static_cast<std::size_t>(dim)].is(1) && !is_taken(dim)) dims[k] = dim;
    }
    if (dims[k] == unknown) return {};
  }
  return dims;
}

// For a nest that only permutes the dimensions of a tensor.
std::optional<Permutation> permutation_of(const Draft& draft, const NestOp& nest) {
  const Stage* stage = plain_stage(draft, nest);
  if (stage == nullptr) return std::nullopt;
  Permutation permutation;
  const ir::Expr read = scaled_read(stage->body, &permutation.factor);
  if (read.get() == nullptr) return std::nullopt;
  permutation.from = nest.tensors[static_cast<std::size_t>(read->slot)];
  permutation.to = nest.tensors[static_cast<std::size_t>(stage->target)];
  const DraftTensor &source = draft.at(permutation.from), &result = draft.at(permutation.to);
  if (source.type != result.type) return std::nullopt;
  permutation.dims = permuted_dims(*read, source.shape, result.shape);
  if (permutation.dims.empty()) return std::nullopt;
  return permutation;
}

// For a nest that computes every element from one of a permuted tensor, or of several in the same order, and
// from values that are the same everywhere: what the order is, as in Permutation.
std::vector<int> order_of_operands(const Draft& draft, const NestOp& nest) {
  const Stage* stage = plain_stage(draft, nest);
  if (stage == nullptr) return {};
  const ir::Shape& result = draft.at(nest.tensors[static_cast<std::size_t>(stage->target)]).shape;
  std::vector<int> order;
  bool is_one = true;
  ir::walk(stage->body, [&](const ir::ExprNode& node) {
    if (node.op != ir::ExprOp::read) return;
    if (std::all_of(node.args.begin(), node.args.end(), ir::is_literal)) return;
    const DraftTensor& source = draft.at(nest.tensors[static_cast<std::size_t>(node.slot)]);
    const std::vector<int> dims = permuted_dims(node, source.shape, result);
    is_one = is_one && !dims.empty() && (order.empty() || order == dims);
    order = dims;
  });
  return is_one && !std::is_sorted(order.begin(), order.end()) ? order : std::vector<int>();
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
      factor_ = 1;
      while (absorb_operand(position, einsum->lhs, einsum->labels.lhs, einsum->labels, false)) {
      }
      while (absorb_operand(position, einsum->rhs, einsum->labels.rhs, einsum->labels, true)) {
      }
      Operation& product = at(absorb_result(position));
      if (factor_ != 1) scale(*product.as<EinsumOp>());
    }
    erase_operations(block_, dead_);
  }

 private:
  Operation& at(int position) { return block_[static_cast<std::size_t>(position)]; }

  // The nest's result that an operand is, or is a view of that leaves out dimensions of size 1; nobody else
  // looks at it.
  int result_behind(int operand) const {
    if (uses_.is_intermediate(operand)) return operand;
    const DraftTensor& view = draft_.at(operand);
    const int host = view.host;
    const bool whole = host >= 0 && view.host_offset.is(0) && uses_.is_intermediate(host) &&
                       uses_.readers(host).empty() && uses_.views(host).size() == 1 &&
                       uses_.views(operand).empty() && uses_.is_local(operand) && !uses_.is_output(operand);
    return whole && long_dims(view) == long_dims(draft_.at(host)) ? host : -1;
  }
  static ir::Shape long_dims(const DraftTensor& tensor) {
    ir::Shape dims = tensor.shape;
    std::erase_if(dims, [](const ir::Dim& dim) { return dim.is(1); });
    return dims;
  }
  // The labels of a tensor's dimensions by those of a view of it.
  static std::string labels_behind(const std::string& labels, const DraftTensor& view,
                                   const DraftTensor& whole) {
    std::string of_long, result;
    for (std::size_t d = 0; d < labels.size(); ++d) {
      if (!view.shape[d].is(1)) of_long += labels[d];
    }
    std::size_t next = 0;
    for (const ir::Dim& dim : whole.shape) result += dim.is(1) ? ' ' : of_long[next++];
    return result;
  }

  bool absorb_operand(int position, int& operand, std::string& labels, const ir::Einsum& all, bool is_right) {
    const int to = result_behind(operand);
    if (to < 0) return false;
    const int writer = *uses_.writers(to).begin();
    const NestOp* nest = writer < position ? at(writer).as<NestOp>() : nullptr;
    if (nest == nullptr) return false;
    const auto permutation = permutation_of(draft_, *nest);
    if (permutation &&
        (!uses_.same_at({permutation->from}, symbols_of(draft_, at(writer)), writer, position) ||
         (permutation->factor != 1 && !may_scale(position)))) {
      return false;
    }
    // A view of the result would show what nobody writes any more.
    const bool is_only_reader = (to != operand || uses_.views(to).empty()) &&
                                uses_.readers(to != operand ? operand : to) == std::set<int>{position} &&
                                einsum_reads_once(position, operand);
    const std::vector<int> order = permutation      ? permutation->dims
                                   : is_only_reader ? order_of_operands(draft_, *nest)
                                                    : std::vector<int>();
    if (order.empty()) return false;
    const bool by_view = to != operand;
    const std::string of_result = by_view ? labels_behind(labels, draft_.at(operand), draft_.at(to)) : labels;
    std::string permuted;
    for (const int dim : order) permuted += of_result[static_cast<std::size_t>(dim)];
    if (by_view) std::erase(permuted, ' ');
    if (permuted.empty()) return false;
    // Kernels walk along the last dimension: the summed one on the left, the summed one or the columns on the
    // right.
    const char last = permuted.back();
    const bool in_lhs = all.lhs.find(last) != std::string::npos,
               in_rhs = all.rhs.find(last) != std::string::npos;
    const bool is_summed = in_lhs && in_rhs && all.out.find(last) == std::string::npos;
    if (!is_summed && !(is_right && !in_lhs)) return false;
    const int from = permutation ? permutation->from : compute_in_order(writer, order);
    uses_.forget(at(position), position);
    const int before = operand;
    labels = permuted;
    operand = by_view ? without_ones(from) : from;
    if (permutation) factor_ *= permutation->factor;
    uses_.add(at(position), position);
    if (!permutation) return true;
    if (uses_.readers(to).empty() && (by_view ? uses_.readers(before).empty() : uses_.views(to).empty())) {
      uses_.forget(at(writer), writer);
      dead_[static_cast<std::size_t>(writer)] = true;
    }
    return true;
  }

  bool einsum_reads_once(int position, int operand) {
    const EinsumOp& einsum = *at(position).as<EinsumOp>();
    const std::vector<int>& others = einsum.epilogue_tensors;
    return (einsum.lhs == operand) != (einsum.rhs == operand) &&
           std::find(others.begin(), others.end(), operand) == others.end();
  }

  // The nest at a position writes a new tensor, whose dimension k is `order[k]` of what it wrote.
  int compute_in_order(int position, const std::vector<int>& order) {
    NestOp& nest = *at(position).as<NestOp>();
    uses_.forget(at(position), position);
    Stage& stage = nest.nest.stages[0];
    const auto target = static_cast<std::size_t>(stage.target);
    const DraftTensor permuted = draft_.at(nest.tensors[target]);
    ir::Shape shape;
    std::vector<ir::Expr> indices(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
      const auto dim = static_cast<std::size_t>(order[k]);
      shape.push_back(permuted.shape[dim]);
      indices[dim] = ir::index_var(static_cast<int>(k));
      stage.target_indices[k] = ir::index_var(static_cast<int>(k));
    }
    stage.body = ir::substitute_indices(stage.body, indices);
    nest.nest.outer = shape;
    nest.tensors[target] = draft_.add(permuted.type, shape, permuted.name);
    uses_.add(at(position), position);
    return nest.tensors[target];
  }

  int without_ones(int tensor) {
    const DraftTensor whole = draft_.at(tensor);
    const int view = draft_.add(whole.type, long_dims(whole), whole.name);
    draft_.at(view).host = tensor;
    draft_.at(view).host_offset = 0;
    return view;
  }

  bool may_scale(int position) {
    const EinsumOp& einsum = *at(position).as<EinsumOp>();
    return einsum.epilogue.body.get() == nullptr && einsum.epilogue.accumulator == ir::DType::f32 &&
           draft_.at(einsum.out).type == ir::DType::f32;
  }
  void scale(EinsumOp& einsum) const {
    einsum.epilogue.body = ir::temp(0, ir::DType::f32) * ir::literal_of(ir::DType::f32, factor_);
  }

  // Where the product is afterwards.
  int absorb_result(int position) {
    EinsumOp& einsum = *at(position).as<EinsumOp>();
    const int result = einsum.out;
    if (!uses_.is_intermediate(result) || !uses_.views(result).empty() || uses_.readers(result).size() != 1)
      return position;
    const int reader = *uses_.readers(result).begin();
    const NestOp* nest = reader > position ? at(reader).as<NestOp>() : nullptr;
    const auto permutation = nest != nullptr ? permutation_of(draft_, *nest) : std::nullopt;
    if (!permutation || permutation->factor != 1 || einsum.epilogue.body.get() != nullptr) return position;
    if (!uses_.same_at(reads_of(at(position)), symbols_of(draft_, at(position)), position, reader))
      return position;
    std::string permuted(permutation->dims.size(), ' ');
    for (std::size_t k = 0; k < permutation->dims.size(); ++k) {
      permuted[static_cast<std::size_t>(permutation->dims[k])] = einsum.labels.out[k];
    }
    // Columns are stored side by side.
    if (permuted.empty() || permuted.back() != einsum.labels.out.back()) return position;
    uses_.forget(at(reader), reader);
    uses_.forget(at(position), position);
    einsum.labels.out = permuted;
    einsum.out = permutation->to;
    at(reader) = std::move(at(position));
    uses_.add(at(reader), reader);
    dead_[static_cast<std::size_t>(position)] = true;
    return reader;
  }

  Draft& draft_;
  Block& block_;
  BlockUses uses_;
  std::vector<bool> dead_;
  double factor_ = 1;  // of the operands absorbed by the product at work
};

}  // namespace

void absorb_transposes(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { Absorption(draft, block).run(); });
}

}  // namespace o2w::schedule
