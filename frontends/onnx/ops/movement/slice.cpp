// Slice. What is known when compiling becomes constant or symbolic starts and sizes; for the rest, the bounds
// are normalised by nodes, and then bound.
#include <algorithm>
#include <numeric>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/run_time_axes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;

// Beyond every size; exporters write INT64_MAX for "to the end", which arithmetic would overflow.
constexpr int64_t kFar = int64_t{1} << 40;

// A position of a slice, counted from the end where it is negative, brought into lowest..highest.
Dim normalised(Dim position, const Dim& size, const Dim& lowest, const Dim& highest) {
  if (position.is_constant()) {
    const int64_t value = std::clamp(position.value(), -kFar, kFar);
    position = value < 0 ? size + value : Dim(value);
  } else if (position.upper() < 0) {
    position += size;
  } else if (position.lower() < 0) {
    position += size * ir::min(ir::max(Dim(0) - position, 0), 1);
  }
  return ir::max(lowest, ir::min(position, highest));
}

struct KnownSlice {
  std::vector<Dim> starts;
  std::vector<int64_t> steps;
  ir::Shape sizes;
};

KnownSlice known_slice(Lowering& l, const ir::Shape& shape, const std::vector<Dim>& starts,
                       const std::vector<Dim>& ends, const std::vector<int>& axes,
                       const std::vector<int64_t>& steps) {
  KnownSlice slice{std::vector<Dim>(shape.size(), 0), std::vector<int64_t>(shape.size(), 1), shape};
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const auto d = static_cast<std::size_t>(axes[k]);
    const Dim& size = shape[d];
    const int64_t step = std::clamp(steps[k], -kFar, kFar);
    if (step == 0) l.fail("step {} is 0", k);
    const bool forward = step > 0;
    // Backwards through nothing: the start, like the end, is then before the first element.
    const Dim start = forward ? normalised(starts[k], size, 0, size)
                              : ir::min(normalised(starts[k], size, 0, size - 1), size - 1);
    const Dim end = forward ? normalised(ends[k], size, 0, size) : normalised(ends[k], size, -1, size - 1);
    slice.sizes[d] = ir::max(forward ? ir::ceildiv(end - start, step) : ir::ceildiv(start - end, -step), 0);
    slice.starts[d] = start;
    slice.steps[d] = step;
  }
  return slice;
}

// Tables over all dimensions, i64[rank], of a slice that is not known.
struct Tables {
  ir::Value *starts, *steps, *sizes;
};

Tables tables(Lowering& l, const ir::Shape& shape, ir::Value* starts, ir::Value* ends, ir::Value* axes,
              ir::Value* steps) {
  ir::Builder& b = l.b();
  const Dim rank = static_cast<int64_t>(shape.size()), count = starts->shape[0];
  for (ir::Value* other : {ends, axes, steps}) {
    b.require(ir::Require::Relation::equal, other->shape[0], count,
              "starts, ends, axes and steps must be of one length");
  }
  // The entry for each dimension, or `otherwise` where no axis names it.
  ir::Value* mask = axis_mask(l, axes, static_cast<int>(shape.size()));
  const auto spread = [&](ir::Value* values, ir::Value* otherwise) {
    ir::Value* found =
        b.reduce(Combiner::sum, DType::i64, {rank}, {count}, [&](ir::Body& body, ir::Builder::Indices i) {
          const Expr axis = ir::checked_index(ir::cast(DType::index, body.at(axes, {i[1]})), rank);
          return ir::select(ir::eq(axis, i[0]), ir::cast(DType::i64, body.at(values, {i[1]})), 0);
        });
    return b.map(DType::i64, {mask, found, otherwise},
                 [](std::span<const Expr> e) { return ir::select(e[0], e[1], e[2]); });
  };
  ir::Value* whole = b.from_dims(shape);
  ir::Value* step = spread(steps, b.scalar(DType::i64, 1));
  ir::Value* first = spread(starts, b.scalar(DType::i64, 0));
  ir::Value* last = spread(ends, whole);
  const auto bounded = [&](ir::Value* position, int64_t backward_least) {
    return b.map(DType::i64, {position, whole, step}, [&](std::span<const Expr> e) {
      const Expr forward = ir::gt(e[2], 0);
      const Expr from_start = ir::select(ir::lt(e[0], 0), e[0] + e[1], e[0]);
      const Expr least =
          ir::select(forward, ir::literal_int(DType::i64, 0), ir::literal_int(DType::i64, backward_least));
      // The upper limit last: the last element of nothing is before the first.
      return ir::min(ir::max(least, from_start), ir::select(forward, e[1], e[1] - 1));
    });
  };
  ir::Value* start = bounded(first, 0);
  ir::Value* size = b.map(DType::i64, {start, bounded(last, -1), step}, [](std::span<const Expr> e) {
    return ir::max(-ir::floordiv(e[0] - e[1], e[2]), 0);  // ceil((end - start) / step)
  });
  // Nothing is read where there is nothing, so its start may be anywhere.
  start = b.map1(start, [](const Expr& e) { return ir::max(e, 0); });
  return {start, step, size};
}

// Elements `axes` of a table, bound to symbols; `shape` where there is no symbol.
ir::Shape bound(Lowering& l, ir::Value* table, const std::vector<int>& axes, ir::Shape shape,
                const char* hint) {
  std::vector<ir::Value*> chosen;
  for (const int axis : axes) chosen.push_back(l.b().slice(table, {axis}, {1}, {1}));
  if (chosen.empty()) return shape;
  const std::vector<Dim> symbols = l.b().bind(chosen.size() == 1 ? chosen[0] : l.b().concat(chosen, 0), hint);
  for (std::size_t k = 0; k < axes.size(); ++k) shape[static_cast<std::size_t>(axes[k])] = symbols[k];
  return shape;
}

ir::Value* sliced(Lowering& l, ir::Value* x, const KnownSlice& slice) {
  const bool all = slice.sizes == x->shape &&
                   std::ranges::all_of(slice.starts, [](const Dim& d) { return d.is(0); }) &&
                   std::ranges::all_of(slice.steps, [](int64_t step) { return step == 1; });
  return all ? x : l.b().slice(x, slice.starts, slice.steps, slice.sizes);
}

// Slice-1: all in attributes.
void lower_with_attributes(Lowering& l, ir::Value* x) {
  const std::vector<int64_t> starts = l.ints_attribute("starts", {}), ends = l.ints_attribute("ends", {});
  std::vector<int64_t> given(starts.size());
  std::iota(given.begin(), given.end(), 0);
  given = l.ints_attribute("axes", given);
  if (starts.size() != ends.size() || starts.size() != given.size()) {
    l.fail("attributes 'starts', 'ends' and 'axes' differ in length");
  }
  l.axes(given, x->rank());
  std::vector<int> axes;
  for (const int64_t axis : given) axes.push_back(l.axis(axis, x->rank()));
  l.output(0, sliced(l, x,
                     known_slice(l, x->shape, {starts.begin(), starts.end()}, {ends.begin(), ends.end()},
                                 axes, std::vector<int64_t>(axes.size(), 1))));
}

// An integer vector as it is or, if absent, one of `length` elements made by `otherwise`.
ir::Value* vector_input(Lowering& l, int i, const Dim& length, Expr (*otherwise)(const Expr&)) {
  if (!l.optional_input(i)) {
    return l.b().tabulate(DType::i64, {length}, [&](ir::Body&, ir::Builder::Indices k) {
      return otherwise(ir::cast(DType::i64, k[0]));
    });
  }
  ir::Value* value = l.input(i);
  l.expect_rank(value, 1, 1, "starts, ends, axes and steps");
  return value;
}

void lower_slice(Lowering& l) {
  ir::Value* x = l.input(0);
  if (l.version() < 10 && l.node().op_type == "Slice") {
    lower_with_attributes(l, x);
    return;
  }
  l.expect_rank(l.input(1), 1, 1, "the starts");
  l.input(2);  // must be there too
  const Dim count = l.input(1)->shape[0];
  const auto same = [](const Expr& k) { return k; };
  const auto one = [](const Expr&) { return ir::literal_int(DType::i64, 1); };
  ir::Value* starts = vector_input(l, 1, count, same);
  ir::Value* ends = vector_input(l, 2, count, same);
  ir::Value* axes = vector_input(l, 3, count, same);
  ir::Value* steps = vector_input(l, 4, count, one);

  std::optional<std::vector<int>> known_axes;
  std::optional<std::vector<int64_t>> known_steps;
  if (l.known_sizes(axes)) {
    known_axes.emplace();
    const std::vector<int64_t> given = l.constant_ints(axes, "axes");
    l.axes(given, x->rank());
    for (const int64_t axis : given) known_axes->push_back(l.axis(axis, x->rank()));
  }
  if (l.known_sizes(steps)) known_steps = l.constant_ints(steps, "steps");
  const auto known_starts = l.known_sizes(starts), known_ends = l.known_sizes(ends);
  if (known_axes && known_steps && known_starts && known_ends) {
    const std::size_t n = known_axes->size();
    if (known_starts->size() != n || known_ends->size() != n || known_steps->size() != n) {
      l.fail("starts, ends, axes and steps differ in length");
    }
    l.output(0,
             sliced(l, x, known_slice(l, x->shape, *known_starts, *known_ends, *known_axes, *known_steps)));
    return;
  }

  const Tables table = tables(l, x->shape, starts, ends, axes, steps);
  std::vector<int> bound_axes(x->shape.size());
  std::iota(bound_axes.begin(), bound_axes.end(), 0);
  if (known_axes) bound_axes = *known_axes;
  const ir::Shape sizes = bound(l, table.sizes, bound_axes, x->shape, "sliced");
  const ir::Shape from = bound(l, table.starts, bound_axes, ir::Shape(x->shape.size(), 0), "start");
  l.output(0, l.b().tabulate(x->type, sizes, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position(i.begin(), i.end());
    for (const int axis : bound_axes) {
      const auto d = static_cast<std::size_t>(axis);
      Expr step = ir::cast(DType::index, body.at(table.steps, {axis}));
      if (known_axes && known_steps) {
        const auto k = static_cast<std::size_t>(std::ranges::find(*known_axes, axis) - known_axes->begin());
        step = Expr(std::clamp((*known_steps)[k], -kFar, kFar));
      }
      position[d] = i[d] * step + from[d];
    }
    return body.at(x, position);
  }));
}
const RegisterOperator slice({.name = "Slice",
                              .versions = {1, 10, 11, 13},
                              .types = {{"T", kAny, inputs(0)}, {"Tind", kIndices, inputs(1, 2, 3, 4)}},
                              .lower = lower_slice});
// An experimental operator that ONNX replaced by Slice-10, which ONNX Runtime still runs.
const RegisterOperator dynamic_slice({.name = "DynamicSlice",
                                      .versions = {1},
                                      .types = {{"T", kAny, inputs(0)}, {"Tind", kIndices, inputs(1, 2, 3)}},
                                      .lower = lower_slice});

}  // namespace
}  // namespace o2w::onnx_frontend
