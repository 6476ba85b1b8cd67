// Nodes made of other nodes' kinds: what most lowerings are written with.
#include <algorithm>
#include <numeric>

#include "compiler/ir/builder.h"
#include "compiler/support/error.h"

namespace o2w::ir {

Value* Builder::map(DType type, std::vector<Value*> operands,
                    const std::function<Expr(std::span<const Expr>)>& make) {
  ensure(!operands.empty(), "an elementwise operation without operands");
  Shape shape = operands[0]->shape;
  for (std::size_t i = 1; i < operands.size(); ++i) {
    shape = broadcast_shapes(shape, operands[i]->shape, "an elementwise operation");
  }
  return tabulate(type, shape, [&](Body& body, Indices indices) {
    std::vector<Expr> elements;
    for (Value* operand : operands)
      elements.push_back(body.at(operand, broadcast_read(operand, shape, indices)));
    return make(elements);
  });
}

Value* Builder::map1(Value* x, const std::function<Expr(const Expr&)>& make) {
  return map(x->type, {x}, [&](std::span<const Expr> elements) { return make(elements[0]); });
}

Value* Builder::reduce_axes(Combiner combiner, Value* x, std::vector<int> axes, bool keep_dims,
                            const std::function<Expr(const Expr&)>& before) {
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  ensure(axes.empty() || (axes.front() >= 0 && axes.back() < x->rank()), "the axes of a reduction");
  const auto reduced = [&](int k) { return std::binary_search(axes.begin(), axes.end(), k); };
  Shape shape, extents;
  for (int k = 0; k < x->rank(); ++k) {
    const Dim& size = x->shape[static_cast<std::size_t>(k)];
    if (reduced(k)) extents.push_back(size);
    if (!reduced(k)) shape.push_back(size);
    if (reduced(k) && keep_dims) shape.push_back(1);
  }
  const bool gives_position = combiner == Combiner::arg_min || combiner == Combiner::arg_max;
  const std::size_t rank = shape.size();
  return reduce(combiner, gives_position ? DType::i64 : x->type, std::move(shape), std::move(extents),
                [&](Body& body, Indices indices) {
                  std::vector<Expr> positions;
                  std::size_t outer = 0, inner = rank;
                  for (int k = 0; k < x->rank(); ++k) {
                    positions.push_back(reduced(k) ? indices[inner++] : indices[outer++]);
                    if (reduced(k) && keep_dims) ++outer;
                  }
                  const Expr element = body.at(x, std::move(positions));
                  return before ? before(element) : element;
                });
}

Value* Builder::matmul(Value* lhs, Value* rhs, DType type) {
  const std::string shapes = fmt::format("{} and {}", to_string(lhs->shape), to_string(rhs->shape));
  if (lhs->rank() == 0 || rhs->rank() == 0)
    fail_model("a matrix product of shapes {}: scalars have none", shapes);
  require(Require::Relation::equal, lhs->shape.back(),
          rhs->shape[static_cast<std::size_t>(std::max(rhs->rank() - 2, 0))],
          fmt::format("a matrix product of shapes {} needs equal inner sizes", shapes));

  // Batch dimensions are aligned at the last one. Those of size 1 beside a larger one are squeezed away;
  // where only run time knows, both sides are expanded.
  const std::size_t lhs_batch = static_cast<std::size_t>(std::max(lhs->rank() - 2, 0));
  const std::size_t rhs_batch = static_cast<std::size_t>(std::max(rhs->rank() - 2, 0));
  const std::size_t batch = std::max(lhs_batch, rhs_batch);
  const Shape batch_shape =
      broadcast_shapes(Shape(lhs->shape.begin(), lhs->shape.begin() + static_cast<std::ptrdiff_t>(lhs_batch)),
                       Shape(rhs->shape.begin(), rhs->shape.begin() + static_cast<std::ptrdiff_t>(rhs_batch)),
                       fmt::format("the batches of a matrix product of shapes {}", shapes));
  static constexpr std::string_view kLabels = "abcdefghijloprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (batch > kLabels.size()) fail_model("a matrix product of shapes {} has too many dimensions", shapes);

  const auto prepare = [&](Value* operand, std::size_t own, std::string& labels) {
    const std::size_t missing = batch - own;
    Shape expanded = operand->shape;
    Shape squeezed;
    for (std::size_t k = 0; k < own; ++k) {
      const Dim& common = batch_shape[k + missing];
      if (operand->shape[k].is(1)) continue;
      labels += kLabels[k + missing];
      if (!provably_different(operand->shape[k], 1) && operand->shape[k] != common) expanded[k] = common;
      squeezed.push_back(expanded[k]);
    }
    squeezed.insert(squeezed.end(), operand->shape.begin() + static_cast<std::ptrdiff_t>(own),
                    operand->shape.end());
    return view(expand(operand, expanded), squeezed);
  };
  std::string lhs_labels, rhs_labels;
  Value* left = prepare(lhs, lhs_batch, lhs_labels);
  Value* right = prepare(rhs, rhs_batch, rhs_labels);
  std::string out_labels;
  Shape shape = batch_shape;
  for (std::size_t k = 0; k < batch; ++k) {
    const char label = kLabels[k];
    const bool used =
        lhs_labels.find(label) != std::string::npos || rhs_labels.find(label) != std::string::npos;
    if (used) out_labels += label;
  }
  if (lhs->rank() > 1) {
    lhs_labels += 'm';
    out_labels += 'm';
    shape.push_back(lhs->shape[static_cast<std::size_t>(lhs->rank() - 2)]);
  }
  lhs_labels += 'k';
  rhs_labels += 'k';
  if (rhs->rank() > 1) {
    rhs_labels += 'n';
    out_labels += 'n';
    shape.push_back(rhs->shape.back());
  }
  return view(einsum(left, right, lhs_labels, rhs_labels, out_labels, type), shape);
}

Value* Builder::cast(Value* x, DType type) {
  if (x->type == type) return x;
  return tabulate(type, x->shape, [&](Body& body, Indices indices) {
    return body.at(x, std::vector<Expr>(indices.begin(), indices.end()));
  });
}

Value* Builder::transpose(Value* x, const std::vector<int>& permutation) {
  ensure(permutation.size() == x->shape.size(), "a permutation of another rank");
  Shape shape;
  bool identity = true;
  std::vector<bool> seen(permutation.size(), false);
  for (std::size_t k = 0; k < permutation.size(); ++k) {
    const auto from = static_cast<std::size_t>(permutation[k]);
    ensure(from < seen.size() && !seen[from], "a permutation that repeats an axis");
    seen[from] = true;
    shape.push_back(x->shape[from]);
    identity = identity && from == k;
  }
  if (identity) return x;
  return tabulate(x->type, std::move(shape), [&](Body& body, Indices indices) {
    std::vector<Expr> positions(permutation.size());
    for (std::size_t k = 0; k < permutation.size(); ++k)
      positions[static_cast<std::size_t>(permutation[k])] = indices[k];
    return body.at(x, std::move(positions));
  });
}

Value* Builder::slice(Value* x, const std::vector<Dim>& starts, const std::vector<int64_t>& steps,
                      Shape sizes) {
  ensure(starts.size() == x->shape.size() && steps.size() == starts.size() && sizes.size() == starts.size(),
         "a slice of another rank");
  bool whole = sizes == x->shape;
  for (std::size_t k = 0; k < starts.size(); ++k) whole = whole && starts[k].is(0) && steps[k] == 1;
  if (whole) return x;
  return tabulate(x->type, std::move(sizes), [&](Body& body, Indices indices) {
    std::vector<Expr> positions;
    for (std::size_t k = 0; k < starts.size(); ++k)
      positions.push_back(indices[k] * Expr(steps[k]) + Expr(starts[k]));
    return body.at(x, std::move(positions));
  });
}

Value* Builder::squeeze(Value* x, const std::vector<int>& axes) {
  Shape shape;
  for (int k = 0; k < x->rank(); ++k) {
    const Dim& size = x->shape[static_cast<std::size_t>(k)];
    if (std::find(axes.begin(), axes.end(), k) == axes.end()) {
      shape.push_back(size);
    } else {
      require(Require::Relation::equal, size, 1,
              fmt::format("axis {} of {} is to be removed, but its size is not 1", k, to_string(x->shape)));
    }
  }
  return view(x, std::move(shape));
}

Value* Builder::unsqueeze(Value* x, const std::vector<int>& axes) {
  const std::size_t rank = x->shape.size() + axes.size();
  Shape shape;
  std::size_t next = 0;
  for (std::size_t k = 0; k < rank; ++k) {
    const bool added = std::find(axes.begin(), axes.end(), static_cast<int>(k)) != axes.end();
    ensure(added || next < x->shape.size(), "the axes of an unsqueeze");
    shape.push_back(added ? Dim(1) : x->shape[next++]);
  }
  return view(x, std::move(shape));
}

}  // namespace o2w::ir
