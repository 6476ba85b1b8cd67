// Einsums and convolutions by their definition: sums of products as loop nests, for all that has no kernel.
#include <algorithm>

#include "compiler/schedule/draft.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

using ir::Expr;

Expr factor(const Draft& draft, int slot, int tensor, std::vector<Expr> indices, ir::DType type) {
  const ir::DType own = draft.at(tensor).type;
  return ir::cast(type, ir::cast(ir::compute_type(own), ir::read(slot, own, std::move(indices))));
}

// The epilogue over the sum in temp 0; its operands become slots after the two factors'.
Expr epilogue_body(const Epilogue& epilogue, const Draft& draft, const std::vector<int>& tensors,
                   const Expr& sum, std::size_t column) {
  if (epilogue.body.get() == nullptr) return sum;
  return ir::rewrite(epilogue.body, [&](const Expr& e) -> Expr {
    if (e->op != ir::ExprOp::read) return e;
    const auto k = static_cast<std::size_t>(e->slot);
    std::vector<Expr> indices;
    const std::size_t rank = draft.at(tensors[k]).shape.size();
    for (std::size_t d = 0; d < rank; ++d) {
      switch (epilogue.operands[k].access) {
        case EpilogueOperand::Access::same:
          indices.push_back(ir::index_var(static_cast<int>(d)));
          break;
        case EpilogueOperand::Access::column: {
          const bool holds_column = !draft.at(tensors[k]).shape[d].is(1);
          indices.push_back(holds_column ? ir::index_var(static_cast<int>(column)) : Expr(0));
          break;
        }
        case EpilogueOperand::Access::scalar:
          indices.push_back(Expr(0));
          break;
      }
    }
    return ir::read(2 + static_cast<int>(k), e->type, std::move(indices));
  });
}

NestOp sum_of_products(const Draft& draft, int lhs, int rhs, int out, std::vector<Expr> lhs_indices,
                       std::vector<Expr> rhs_indices, ir::Shape extents, Expr guard, const Epilogue& epilogue,
                       const std::vector<int>& epilogue_tensors, std::size_t column) {
  const ir::DType type = epilogue.accumulator;
  NestOp op;
  op.nest.outer = draft.at(out).shape;
  op.nest.temps = 1;
  Stage sum;
  sum.loops = std::move(extents);
  sum.body = factor(draft, 0, lhs, std::move(lhs_indices), type) *
             factor(draft, 1, rhs, std::move(rhs_indices), type);
  sum.guard = std::move(guard);
  sum.combiner = ir::Combiner::sum;
  sum.temp = 0;
  Stage store;
  store.body =
      stored(draft.at(out).type, epilogue_body(epilogue, draft, epilogue_tensors, ir::temp(0, type), column));
  op.tensors = {lhs, rhs};
  op.tensors.insert(op.tensors.end(), epilogue_tensors.begin(), epilogue_tensors.end());
  store.target = static_cast<int>(op.tensors.size());
  op.tensors.push_back(out);
  for (int k = 0; k < static_cast<int>(op.nest.outer.size()); ++k)
    store.target_indices.push_back(ir::index_var(k));
  op.nest.stages = {std::move(sum), std::move(store)};
  return op;
}

NestOp einsum_nest(const Draft& draft, const EinsumOp& op) {
  std::string order = op.labels.out;
  ir::Shape extents;
  const auto add_summed = [&](const std::string& labels, const ir::Shape& shape) {
    for (std::size_t k = 0; k < labels.size(); ++k) {
      if (order.find(labels[k]) != std::string::npos) continue;
      order += labels[k];
      extents.push_back(shape[k]);
    }
  };
  add_summed(op.labels.lhs, draft.at(op.lhs).shape);
  add_summed(op.labels.rhs, draft.at(op.rhs).shape);
  const auto indices = [&](const std::string& labels) {
    std::vector<Expr> list;
    for (const char label : labels) list.push_back(ir::index_var(static_cast<int>(order.find(label))));
    return list;
  };
  const std::size_t rank = draft.at(op.out).shape.size();
  return sum_of_products(draft, op.lhs, op.rhs, op.out, indices(op.labels.lhs), indices(op.labels.rhs),
                         std::move(extents), Expr(), op.epilogue, op.epilogue_tensors,
                         rank == 0 ? 0 : rank - 1);
}

NestOp convolution_nest(const Draft& draft, const ConvolutionOp& op) {
  const ir::Convolution& a = op.attributes;
  const ir::Shape& x = draft.at(op.x).shape;
  const ir::Shape& w = draft.at(op.w).shape;
  const ir::Shape& y = draft.at(op.out).shape;
  const std::size_t spatial = x.size() - 2;
  const int rank = static_cast<int>(y.size());
  // Loop variables: n, m, o.. of the output, then the channel within the group and k.. of the kernel.
  const ir::Dim group_in = x[1].exact_div(ir::Dim(a.group)).value_or(ir::floordiv(x[1], a.group));
  const ir::Dim group_out = y[1].exact_div(ir::Dim(a.group)).value_or(ir::floordiv(y[1], a.group));
  const Expr m = ir::index_var(1), c = ir::index_var(rank);
  const Expr group = a.group == 1 ? Expr(0) : group_out.is(1) ? m : ir::floordiv(m, Expr(group_out));
  const Expr m_in_group = a.group == 1 ? m : group_out.is(1) ? Expr(0) : ir::mod(m, Expr(group_out));
  const Expr channel = a.group == 1 ? c : group_in.is(1) ? group : group * Expr(group_in) + c;
  std::vector<Expr> x_indices{ir::index_var(0), channel};
  std::vector<Expr> w_indices =
      a.transposed ? std::vector<Expr>{channel, m_in_group} : std::vector<Expr>{m, c};
  ir::Shape extents{group_in};
  Expr guard;
  const auto require = [&](const Expr& condition) { guard = guard ? guard && condition : condition; };
  for (std::size_t d = 0; d < spatial; ++d) {
    const Expr o = ir::index_var(static_cast<int>(d) + 2), k = ir::index_var(rank + 1 + static_cast<int>(d));
    const ir::Dim& extent = w[d + 2];
    const ir::Dim& size = x[d + 2];
    const ir::Dim& pad = a.pads_begin[d];
    extents.push_back(extent);
    w_indices.push_back(k);
    const Expr reach = a.dilations[d] == 1 ? k : k * Expr(a.dilations[d]);
    Expr position;
    if (a.transposed) {
      const Expr shifted = o + Expr(pad) - reach;
      const Expr stride(a.strides[d]);
      position = a.strides[d] == 1 ? shifted : ir::floordiv(shifted, stride);
      if (a.strides[d] != 1) require(ir::eq(ir::mod(shifted, stride), Expr(0)));
      require(ir::ge(position, Expr(0)) && ir::lt(position, Expr(size)));
    } else {
      position = (a.strides[d] == 1 ? o : o * Expr(a.strides[d])) + reach;
      if (!pad.is(0)) position = position - Expr(pad);
      const ir::Dim last = (y[d + 2] - ir::Dim(1)) * ir::Dim(a.strides[d]) +
                           (extent - ir::Dim(1)) * ir::Dim(a.dilations[d]) - pad;
      if (!ir::provably_less_equal(pad, 0)) require(ir::ge(position, Expr(0)));
      if (!ir::provably_less_equal(last, size - ir::Dim(1))) require(ir::lt(position, Expr(size)));
    }
    x_indices.push_back(position);
  }
  return sum_of_products(draft, op.x, op.w, op.out, std::move(x_indices), std::move(w_indices),
                         std::move(extents), guard, op.epilogue, op.epilogue_tensors, 1);
}

}  // namespace

void contractions_to_nests(Draft& draft) {
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    if (const auto* einsum = operation.as<EinsumOp>()) {
      operation.what = einsum_nest(draft, *einsum);
    } else if (const auto* convolution = operation.as<ConvolutionOp>()) {
      operation.what = convolution_nest(draft, *convolution);
    }
  });
}

}  // namespace o2w::schedule
