#include "compiler/schedule/storage.h"

#include <algorithm>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

using ir::Dim;

bool has_contiguous_channels(const DraftTensor& tensor) {
  return tensor.shape[1].is(1) || tensor.layout.strides[1].is(1);
}

// Residuals lie like the result, operands per column side by side.
bool epilogue_fits(const Draft& draft, const Epilogue& epilogue, const std::vector<int>& tensors, int out,
                   bool with_residuals) {
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const DraftTensor &tensor = draft.at(tensors[k]), &result = draft.at(out);
    switch (epilogue.operands[k].access) {
      case EpilogueOperand::Access::same:
        if (with_residuals && (tensor.shape.size() != result.shape.size() ||
                               !same_strides(result.shape, tensor.layout, result.layout))) {
          return false;
        }
        break;
      case EpilogueOperand::Access::column:
        for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
          if (!tensor.shape[d].is(1) && !tensor.layout.strides[d].is(1)) return false;
        }
        break;
      case EpilogueOperand::Access::scalar:
        break;
    }
  }
  return true;
}

// Kernels walk dimensions of one role (rows with rows, summed with summed) as one: they must still follow
// each other without gaps.
bool einsum_fits(const Draft& draft, const ir::Einsum& labels, const std::string& own, int tensor) {
  const DraftTensor& t = draft.at(tensor);
  const auto role = [&](char label) {
    const auto in = [&](const std::string& list) { return list.find(label) != std::string::npos; };
    return std::vector<bool>{in(labels.lhs), in(labels.rhs), in(labels.out)};
  };
  std::size_t last = own.size();  // the dimension before, those of size 1 left out
  for (std::size_t d = 0; d < own.size(); ++d) {
    if (t.shape[d].is(1)) continue;
    if (last < own.size() && role(own[last]) == role(own[d]) &&
        t.layout.strides[last] != t.layout.strides[d] * t.shape[d]) {
      return false;
    }
    last = d;
  }
  return last == own.size() || t.layout.strides[last].is(1);
}

bool is_transpose(const Operation& operation) {
  const auto* kernel = operation.as<KernelOp>();
  return kernel != nullptr && std::holds_alternative<Transpose2d>(kernel->kernel);
}

bool fits(const Draft& draft, const Operation& operation, bool with_residuals) {
  if (operation.as<NestOp>() != nullptr) return true;
  if (const auto* convolution = operation.as<ConvolutionOp>()) {
    if (!has_kernel(draft, *convolution)) return true;
    return (has_contiguous_channels(draft.at(convolution->x)) || takes_planes(draft, *convolution)) &&
           has_contiguous_channels(draft.at(convolution->out)) &&
           epilogue_fits(draft, convolution->epilogue, convolution->epilogue_tensors, convolution->out,
                         with_residuals);
  }
  if (const auto* einsum = operation.as<EinsumOp>()) {
    return einsum_fits(draft, einsum->labels, einsum->labels.lhs, einsum->lhs) &&
           einsum_fits(draft, einsum->labels, einsum->labels.rhs, einsum->rhs) &&
           einsum_fits(draft, einsum->labels, einsum->labels.out, einsum->out) &&
           epilogue_fits(draft, einsum->epilogue, einsum->epilogue_tensors, einsum->out, with_residuals);
  }
  if (is_transpose(operation)) return true;
  // Everything else takes bytes in a row.
  const auto dense = [&](int tensor) { return tensor < 0 || is_dense(draft.at(tensor)); };
  const std::vector<int> reads = reads_of(operation), writes = writes_of(operation);
  return std::all_of(reads.begin(), reads.end(), dense) && std::all_of(writes.begin(), writes.end(), dense);
}

}  // namespace

bool SliceRead::is_box() const {
  if (dimensions.size() != origin.size()) return false;
  for (std::size_t k = 0; k < dimensions.size(); ++k) {
    if (dimensions[k] >= 0 && (dimensions[k] != static_cast<int>(k) || !steps[k].is(1))) return false;
  }
  return true;
}

std::optional<SliceRead> slice_read(const Draft& draft, const NestOp& op) {
  if (op.nest.stages.size() != 1) return std::nullopt;
  const Stage& stage = op.nest.stages[0];
  if (!stage.loops.empty() || stage.guard.get() != nullptr || stage.combiner != ir::Combiner::none ||
      stage.combine != ir::Combiner::none || stage.sequential || stage.target < 0) {
    return std::nullopt;
  }
  ir::Expr body = stage.body;
  if (body->op == ir::ExprOp::cast && ir::is_storage_only(body->args[0]->type)) body = body->args[0];
  if (body->op != ir::ExprOp::read) return std::nullopt;
  SliceRead slice;
  slice.from = op.tensors[static_cast<std::size_t>(body->slot)];
  slice.to = op.tensors[static_cast<std::size_t>(stage.target)];
  const DraftTensor &source = draft.at(slice.from), &result = draft.at(slice.to);
  if (source.type != result.type) return std::nullopt;

  // The loops, in whichever order, are the dimensions of the result.
  std::vector<int> dimension_of(op.nest.outer.size(), -1);
  for (std::size_t k = 0; k < result.shape.size(); ++k) {
    const ir::Expr& index = stage.target_indices[k];
    if (result.shape[k].is(1) && index->op == ir::ExprOp::literal) continue;
    if (index->op != ir::ExprOp::index) return std::nullopt;
    const auto loop = static_cast<std::size_t>(index->slot);
    if (op.nest.outer[loop] != result.shape[k] || dimension_of[loop] >= 0) return std::nullopt;
    dimension_of[loop] = static_cast<int>(k);
  }
  slice.dimensions.assign(result.shape.size(), -1);
  slice.steps.assign(result.shape.size(), Dim(1));
  int last = -1;
  for (std::size_t d = 0; d < body->args.size(); ++d) {
    const std::optional<ir::Affine> affine = ir::as_affine(body->args[d]);
    if (!affine || affine->base.lower() < 0 || affine->coefficients.size() > 1) return std::nullopt;
    slice.origin.push_back(affine->base);
    if (affine->coefficients.empty()) continue;
    const auto& [variable, step] = *affine->coefficients.begin();
    const int dimension = dimension_of[static_cast<std::size_t>(variable)];
    if (dimension <= last || step.lower() < 1) return std::nullopt;
    slice.dimensions[static_cast<std::size_t>(dimension)] = static_cast<int>(d);
    slice.steps[static_cast<std::size_t>(dimension)] = step;
    last = dimension;
  }
  for (std::size_t k = 0; k < result.shape.size(); ++k) {
    if (slice.dimensions[k] < 0 && !result.shape[k].is(1)) return std::nullopt;  // repeated
  }
  return slice;
}

bool same_strides(const ir::Shape& shape, const Layout& a, const Layout& b) {
  if (a.offset != b.offset) return false;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (!shape[d].is(1) && a.strides[d] != b.strides[d]) return false;
  }
  return true;
}

bool is_dense(const DraftTensor& tensor) {
  return same_strides(tensor.shape, tensor.layout, dense_layout(tensor.shape));
}

std::optional<Layout> reshaped(const ir::Shape& from, const Layout& layout, const ir::Shape& to) {
  Layout result{layout.offset, ir::Shape(to.size(), Dim(1))};
  std::vector<std::size_t> sources, targets;  // dimensions of more than one element
  for (std::size_t d = 0; d < from.size(); ++d) {
    if (from[d].is(0)) return std::nullopt;
    if (!from[d].is(1)) sources.push_back(d);
  }
  for (std::size_t d = 0; d < to.size(); ++d) {
    if (!to[d].is(1)) targets.push_back(d);
  }
  // From the innermost outwards, groups of dimensions that have as many elements on both sides.
  while (!sources.empty() && !targets.empty()) {
    std::size_t d = sources.back();
    sources.pop_back();
    Dim stride = layout.strides[d], next = from[d] * stride, elements = from[d];
    const auto place = [&](std::size_t target) {
      result.strides[target] = stride;
      stride *= to[target];
    };
    Dim placed = to[targets.back()];
    place(targets.back());
    targets.pop_back();
    while (elements != placed) {
      if (!sources.empty() && placed.exact_div(elements)) {
        d = sources.back();
        sources.pop_back();
        if (layout.strides[d] != next) return std::nullopt;
        next = from[d] * layout.strides[d];
        elements *= from[d];
      } else if (!targets.empty() && elements.exact_div(placed)) {
        placed *= to[targets.back()];
        place(targets.back());
        targets.pop_back();
      } else {
        return std::nullopt;
      }
    }
  }
  if (!sources.empty() || !targets.empty()) return std::nullopt;
  for (std::size_t d = to.size(); d-- > 0;) {
    if (to[d].is(1) && d + 1 < to.size()) result.strides[d] = result.strides[d + 1] * to[d + 1];
  }
  return result;
}

bool layouts_fit(const Draft& draft, const Operation& operation) { return fits(draft, operation, true); }
bool layouts_fit_but_residuals(const Draft& draft, const Operation& operation) {
  return fits(draft, operation, false);
}

void renew_transposes(Draft& draft) {
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    if (!is_transpose(operation)) return;
    const std::vector<int> tensors = operation.as<KernelOp>()->tensors;
    operation.what = copy_operation(draft, tensors[0], tensors[1]).what;
  });
}

}  // namespace o2w::schedule
