// The nodes that move or order elements: concat, view, cumulative, sort, compact.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <xtensor/xadapt.hpp>
#include <xtensor/xview.hpp>

#include "compiler/eval/kernels.h"
#include "compiler/eval/node_eval.h"
#include "compiler/eval/scalar.h"
#include "compiler/support/error.h"

namespace o2w::eval {

using ir::Combiner;
using ir::DType;
using ir::Tensor;

namespace {

// A tensor seen from one of its axes: `outer` x `length` x `inner`, row-major.
struct AxisView {
  std::size_t outer = 1, length = 1, inner = 1;

  AxisView(const std::vector<int64_t>& dims, int axis) {
    ensure(axis >= 0 && axis < static_cast<int>(dims.size()), "an axis of a node is one of its operand's");
    for (std::size_t k = 0; k < dims.size(); ++k) {
      (static_cast<int>(k) < axis    ? outer
       : static_cast<int>(k) == axis ? length
                                     : inner) *= static_cast<std::size_t>(dims[k]);
    }
  }
  std::array<std::size_t, 3> shape() const { return {outer, length, inner}; }
};

template <typename T>
T combine(Combiner combiner, T a, T b) {
  switch (combiner) {
    case Combiner::sum:
      return scalar::add(a, b);
    case Combiner::prod:
      return scalar::mul(a, b);
    case Combiner::min:
      return scalar::min(a, b);
    case Combiner::max:
      return scalar::max(a, b);
    default:
      fail_internal("a running combination of this kind does not exist");
  }
}

template <typename T>
T identity(Combiner combiner) {
  using Limits = std::numeric_limits<T>;
  switch (combiner) {
    case Combiner::prod:
      return T{1};
    case Combiner::min:
      return Limits::has_infinity ? Limits::infinity() : Limits::max();
    case Combiner::max:
      return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    default:
      return T{0};
  }
}

// NaN is the largest of all.
template <typename T>
bool less(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return false;
    if (std::isnan(b)) return true;
  }
  return a < b;
}

}  // namespace

Tensor evaluate_concat(const NodeCall& call, const ir::Concat& concat) {
  const std::vector<int64_t> sizes = call.output_sizes();
  const AxisView whole(sizes, concat.axis);
  std::size_t total = 0;
  for (const Tensor* part : call.inputs) {
    const AxisView view(part->dims(), concat.axis);
    if (view.outer != whole.outer || view.inner != whole.inner) {
      fail_model("{}: the parts' sizes differ in another dimension than the concatenated one",
                 describe(*call.node));
    }
    total += view.length;
  }
  ensure(total == whole.length, "a concat is as long as its parts");
  Tensor output = call.new_output();
  const auto size = static_cast<std::size_t>(element_size(output.type()));
  const std::array<std::size_t, 2> shape{whole.outer, whole.length * whole.inner * size};
  auto target = xt::adapt(output.mutable_bytes(), shape[0] * shape[1], xt::no_ownership(), shape);
  std::size_t column = 0;
  for (const Tensor* part : call.inputs) {
    const AxisView view(part->dims(), concat.axis);
    const std::array<std::size_t, 2> part_shape{view.outer, view.length * view.inner * size};
    if (part_shape[0] * part_shape[1] == 0) continue;
    const auto source =
        xt::adapt(part->bytes(), part_shape[0] * part_shape[1], xt::no_ownership(), part_shape);
    xt::view(target, xt::all(), xt::range(column, column + part_shape[1])) = source;
    column += part_shape[1];
  }
  return output;
}

Tensor evaluate_view(const NodeCall& call) {
  std::vector<int64_t> sizes = call.output_sizes();
  const int64_t count = std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
  if (count != call.input(0).count()) {
    fail_model("{}: {} elements cannot take a shape of {}", describe(*call.node), call.input(0).count(),
               count);
  }
  const Tensor& x = call.input(0);
  const DType type = call.output_type(0);
  if (type == x.type()) return x.reshaped(std::move(sizes));
  return {type, std::move(sizes), {x.bytes(), x.bytes() + x.byte_count()}};
}

Tensor evaluate_cumulative(const NodeCall& call, const ir::Cumulative& cumulative) {
  const DType type = ir::compute_type(call.output_type());
  const Tensor x = converted(call.input(0), type);
  Tensor y(type, x.dims());
  const AxisView view(x.dims(), cumulative.axis);
  scalar::dispatch(type, [&]<typename T>() {
    const auto count = static_cast<std::size_t>(x.count());
    const auto in = xt::adapt(x.data<T>(), count, xt::no_ownership(), view.shape());
    auto out = xt::adapt(y.mutable_data<T>(), count, xt::no_ownership(), view.shape());
    for (std::size_t o = 0; o < view.outer; ++o) {
      for (std::size_t i = 0; i < view.inner; ++i) {
        T running = identity<T>(cumulative.combiner);
        for (std::size_t k = 0; k < view.length; ++k) {
          const std::size_t at = cumulative.reverse ? view.length - 1 - k : k;
          const T next = k == 0 ? in(o, at, i) : combine(cumulative.combiner, running, in(o, at, i));
          out(o, at, i) = cumulative.exclusive ? running : next;
          running = next;
        }
      }
    }
  });
  return converted(y, call.output_type());
}

std::vector<Tensor> evaluate_sort(const NodeCall& call, const ir::Sort& sort) {
  const DType storage = call.output_type(0);
  const DType type = ir::compute_type(storage);
  const Tensor x = converted(call.input(0), type);
  const AxisView from(x.dims(), sort.axis);
  const AxisView to(call.output_sizes(0), sort.axis);
  if (to.length > from.length) {
    fail_model("{}: k is {}, but the axis has {} elements", describe(*call.node), to.length, from.length);
  }
  Tensor values(type, call.output_sizes(0));
  Tensor indices(DType::i64, call.output_sizes(1));
  if (values.count() == 0) return {converted(values, storage), indices};
  scalar::dispatch(type, [&]<typename T>() {
    const auto in =
        xt::adapt(x.data<T>(), static_cast<std::size_t>(x.count()), xt::no_ownership(), from.shape());
    const auto count = static_cast<std::size_t>(values.count());
    auto best = xt::adapt(values.mutable_data<T>(), count, xt::no_ownership(), to.shape());
    auto where = xt::adapt(indices.mutable_data<int64_t>(), count, xt::no_ownership(), to.shape());
    std::vector<std::size_t> order(from.length);
    for (std::size_t o = 0; o < from.outer; ++o) {
      for (std::size_t i = 0; i < from.inner; ++i) {
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
          return sort.largest ? less(in(o, b, i), in(o, a, i)) : less(in(o, a, i), in(o, b, i));
        });
        for (std::size_t k = 0; k < to.length; ++k) {
          best(o, k, i) = in(o, order[k], i);
          where(o, k, i) = static_cast<int64_t>(order[k]);
        }
      }
    }
  });
  return {converted(values, storage), indices};
}

Tensor evaluate_compact(const NodeCall& call) {
  const Tensor mask = converted(call.input(0), DType::boolean);
  const uint8_t* flags = mask.data<uint8_t>();
  const auto found = static_cast<int64_t>(
      std::count_if(flags, flags + mask.count(), [](uint8_t flag) { return flag != 0; }));
  Tensor positions(DType::i64, {mask.rank(), found});
  auto* out = positions.mutable_data<int64_t>();
  int64_t column = 0;
  for (int64_t i = 0; i < mask.count(); ++i) {
    if (flags[i] == 0) continue;
    int64_t rest = i;
    for (int64_t k = mask.rank(); k-- > 0;) {
      const int64_t size = mask.dims()[static_cast<std::size_t>(k)];
      out[k * found + column] = rest % size;
      rest /= size;
    }
    ++column;
  }
  return positions;
}

}  // namespace o2w::eval
