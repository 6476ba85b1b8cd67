// Sums of products of two tensors: xtensor brings the operands into matrix order, Eigen multiplies.
#include <Eigen/Core>
#include <algorithm>
#include <map>
#include <xtensor/xadapt.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xstrided_view.hpp>

#include "compiler/eval/node_eval.h"
#include "compiler/eval/scalar.h"
#include "compiler/support/error.h"

namespace o2w::eval {

using ir::DType;
using ir::Tensor;

namespace {

template <typename T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Labels by the role they play in the product.
struct Roles {
  std::string batch;               // both operands and the result
  std::string rows;                // lhs and result
  std::string columns;             // rhs and result
  std::string contracted;          // both operands only
  std::string lhs_only, rhs_only;  // summed out beforehand
};

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

Roles roles_of(const ir::Einsum& einsum) {
  Roles roles;
  for (const char label : einsum.out) {
    const bool left = has(einsum.lhs, label);
    const bool right = has(einsum.rhs, label);
    (left && right ? roles.batch : left ? roles.rows : roles.columns) += label;
  }
  auto add = [](std::string& labels, char label) {
    if (!has(labels, label)) labels += label;
  };
  for (const char label : einsum.lhs) {
    if (!has(einsum.out, label)) add(has(einsum.rhs, label) ? roles.contracted : roles.lhs_only, label);
  }
  for (const char label : einsum.rhs) {
    if (!has(einsum.out, label) && !has(einsum.lhs, label)) add(roles.rhs_only, label);
  }
  return roles;
}

using Extents = std::map<char, int64_t>;

int64_t extent(const Extents& extents, const std::string& labels) {
  int64_t count = 1;
  for (const char label : labels) count *= extents.at(label);
  return count;
}

// The operand with its dimensions in the order of `labels`, dense; a label that occurs twice takes the
// diagonal, labels of `summed` are summed over.
template <typename T>
std::vector<T> arranged(const Tensor& tensor, const std::string& own, const std::string& labels,
                        const std::string& summed, const Extents& extents) {
  const std::string order = labels + summed;
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides(order.size());
  for (const char label : order) shape.push_back(static_cast<std::size_t>(extents.at(label)));
  std::ptrdiff_t stride = 1;
  for (std::size_t k = own.size(); k-- > 0;) {
    const std::size_t position = order.find(own[k]);
    if (extents.at(own[k]) > 1) strides[position] += stride;  // xtensor wants stride 0 where the size is 1
    stride *= static_cast<std::ptrdiff_t>(tensor.dims()[k]);
  }
  const auto count = static_cast<std::size_t>(tensor.count());
  const auto view = xt::adapt(tensor.data<T>(), count, xt::no_ownership(), shape, strides);
  xt::xarray<T> dense;
  if (summed.empty()) {
    dense = view;
  } else {
    std::vector<std::size_t> axes;
    for (std::size_t k = labels.size(); k < order.size(); ++k) axes.push_back(k);
    dense = xt::sum<T>(view, axes);
  }
  return {dense.begin(), dense.end()};
}

template <typename T>
void multiply(const ir::Einsum& einsum, const Tensor& lhs, const Tensor& rhs, Tensor& output) {
  Extents extents;
  for (std::size_t k = 0; k < einsum.lhs.size(); ++k) extents[einsum.lhs[k]] = lhs.dims()[k];
  for (std::size_t k = 0; k < einsum.rhs.size(); ++k) {
    const auto [known, fresh] = extents.emplace(einsum.rhs[k], rhs.dims()[k]);
    if (!fresh && known->second != rhs.dims()[k]) {
      fail_model("the operands' sizes {} and {} must be equal", known->second, rhs.dims()[k]);
    }
  }
  const Roles roles = roles_of(einsum);
  const std::vector<T> a =
      arranged<T>(lhs, einsum.lhs, roles.batch + roles.rows + roles.contracted, roles.lhs_only, extents);
  const std::vector<T> b =
      arranged<T>(rhs, einsum.rhs, roles.batch + roles.contracted + roles.columns, roles.rhs_only, extents);
  const int64_t batch = extent(extents, roles.batch);
  const int64_t rows = extent(extents, roles.rows);
  const int64_t columns = extent(extents, roles.columns);
  const int64_t depth = extent(extents, roles.contracted);

  std::vector<T> product(static_cast<std::size_t>(batch * rows * columns));
  for (int64_t i = 0; i < batch; ++i) {
    const Eigen::Map<const Matrix<T>> left(a.data() + i * rows * depth, rows, depth);
    const Eigen::Map<const Matrix<T>> right(b.data() + i * depth * columns, depth, columns);
    Eigen::Map<Matrix<T>> result(product.data() + i * rows * columns, rows, columns);
    result.noalias() = left * right;
  }
  const std::string order = roles.batch + roles.rows + roles.columns;
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> permutation;
  for (const char label : order) shape.push_back(static_cast<std::size_t>(extents.at(label)));
  for (const char label : einsum.out) permutation.push_back(static_cast<std::ptrdiff_t>(order.find(label)));
  const xt::xarray<T> result = xt::transpose(xt::adapt(product, shape), permutation);
  ensure(static_cast<int64_t>(result.size()) == output.count(), "an einsum's output has its labels' sizes");
  std::copy(result.begin(), result.end(), output.mutable_data<T>());
}

}  // namespace

Tensor evaluate_einsum(const NodeCall& call, const ir::Einsum& einsum) {
  const DType type = ir::compute_type(call.output_type());
  const Tensor lhs = converted(call.input(0), type);
  const Tensor rhs = converted(call.input(1), type);
  ensure(lhs.dims().size() == einsum.lhs.size() && rhs.dims().size() == einsum.rhs.size(),
         "an einsum has one label per dimension");
  Tensor output(type, call.output_sizes());
  if (output.count() != 0) {
    scalar::dispatch(type, [&]<typename T>() {
      // Signed products may overflow; unsigned ones of the same width have the same bits and wrap.
      if constexpr (std::is_integral_v<T>)
        multiply<std::make_unsigned_t<T>>(einsum, lhs, rhs, output);
      else
        multiply<T>(einsum, lhs, rhs, output);
    });
  }
  return converted(output, call.output_type());
}

}  // namespace o2w::eval
