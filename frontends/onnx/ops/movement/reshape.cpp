// The same elements under another shape: Reshape, Flatten, Squeeze, Unsqueeze.
#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/run_time_axes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Shape;

Dim product(const Shape& shape, std::size_t begin, std::size_t end) {
  Dim result = 1;
  for (std::size_t d = begin; d < end; ++d) result *= shape[d];
  return result;
}

// The shape that a Reshape with the given (constant or symbolic) elements makes: -1 is what is left, 0 the
// input's size unless `allow_zero`.
Shape reshaped(Lowering& l, const Shape& from, const std::vector<Dim>& to, bool allow_zero) {
  Shape shape;
  std::optional<std::size_t> left;
  Dim others = 1;  // sizes other than the one that is left, without those that both sides have
  Dim whole = 1;
  std::vector<bool> copied(from.size(), false);
  for (std::size_t d = 0; d < to.size(); ++d) {
    if (to[d].is(-1)) {
      if (left) l.fail("the shape {} holds -1 twice", ir::to_string(to));
      left = d;
      shape.emplace_back(1);
    } else if (to[d].is(0) && !allow_zero) {
      if (d >= from.size()) {
        l.fail("the shape {} copies dimension {} of an input of shape {}", ir::to_string(to), d,
               ir::to_string(from));
      }
      copied[d] = true;
      shape.push_back(from[d]);
    } else {
      if (ir::provably_less_equal(to[d], -1)) l.fail("the shape {} holds a negative size", ir::to_string(to));
      shape.push_back(to[d]);
      // A size that stands in both shapes needs no division to cancel.
      const auto same = std::find(from.begin(), from.end(), to[d]);
      const auto at = static_cast<std::size_t>(same - from.begin());
      if (same != from.end() && !copied[at] && !to[d].is(0)) {
        copied[at] = true;
      } else {
        others *= to[d];
      }
    }
  }
  if (!left) return shape;
  for (std::size_t d = 0; d < from.size(); ++d) {
    if (!copied[d]) whole *= from[d];
  }
  if (others.is(0)) l.fail("the shape {} holds 0 and -1: what is left is not defined", ir::to_string(to));
  if (const auto exact = whole.exact_div(others)) {
    shape[*left] = *exact;
  } else if (whole.is_constant() && others.is_constant()) {
    l.fail("{} elements (shape {}) cannot be reshaped to {}", ir::element_count(from).to_string(),
           ir::to_string(from), ir::to_string(to));
  } else {
    shape[*left] = ir::floordiv(whole, others);
  }
  return shape;
}

// The same where the model computes the elements.
Shape reshaped_at_run_time(Lowering& l, const Shape& from, ir::Value* to, bool allow_zero) {
  l.expect_rank(to, 1, 1, "the shape");
  if (!to->shape[0].is_constant()) {
    l.fail(
        "the number of elements of the shape (input 1) decides the output's rank, but is only known when the "
        "model runs");
  }
  const auto rank = static_cast<std::size_t>(to->shape[0].value());
  to = l.b().cast(to, DType::i64);
  if (!allow_zero) {
    // Zeros past the input's rank stay: the check of the counts finds them.
    Shape padded = from;
    padded.resize(rank, 0);
    to = l.b().map(DType::i64, {to, l.b().from_dims(padded)},
                   [](std::span<const Expr> e) { return ir::select(ir::eq(e[0], 0), e[1], e[0]); });
  }
  ir::Value* others = l.b().reduce_axes(Combiner::prod, to, {0}, true,
                                        [](const Expr& e) { return ir::select(ir::eq(e, -1), 1, e); });
  const Expr whole = ir::cast(DType::i64, Expr(ir::element_count(from)));
  ir::Value* sizes = l.b().map(DType::i64, {to, others}, [&](std::span<const Expr> e) {
    return ir::select(ir::eq(e[0], -1), whole / e[1], e[0]);
  });
  return l.b().bind(sizes, "size");
}

void lower_reshape(Lowering& l) {
  ir::Value* x = l.input(0);
  const bool allow_zero = l.int_attribute("allowzero", 0) != 0;
  if (l.version() < 5) {
    std::vector<Dim> to;
    for (const int64_t size : l.ints_attribute("shape", {})) to.emplace_back(size);
    l.output(0, l.b().view(x, reshaped(l, x->shape, to, false)));
    return;
  }
  ir::Value* input = l.input(1);
  const auto known = l.known_sizes(input);
  l.output(0, l.b().view(x, known ? reshaped(l, x->shape, *known, allow_zero)
                                  : reshaped_at_run_time(l, x->shape, input, allow_zero)));
}
const RegisterOperator reshape({.name = "Reshape",
                                .versions = {1, 5, 13, 14, 19, 21, 23, 24, 25},
                                .types = {{"T", kAny, inputs(0)}, {"shape", kInt64, inputs(1)}},
                                .lower = lower_reshape});

void lower_flatten(Lowering& l) {
  ir::Value* x = l.input(0);
  const int64_t given = l.int_attribute("axis", 1), rank = x->rank();
  if (given < -rank || given > rank) l.fail("attribute 'axis' is {}, outside of -{}..{}", given, rank, rank);
  const auto axis = static_cast<std::size_t>(given < 0 ? given + rank : given);
  l.output(0, l.b().view(x, {product(x->shape, 0, axis), product(x->shape, axis, x->shape.size())}));
}
const RegisterOperator flatten({.name = "Flatten",
                                .versions = {1, 9, 11, 13, 21, 23, 24, 25},
                                .types = {{"T", kAny}},
                                .lower = lower_flatten});

// Axes are an attribute before version 13, then an input. Nothing where they are only known at run time.
std::optional<std::vector<int64_t>> known_axes(Lowering& l) {
  if (l.version() < 13) return l.ints_attribute("axes", {});
  ir::Value* input = l.optional_input(1);
  if (!input) return std::vector<int64_t>{};
  l.input(1);
  if (!l.known_sizes(input)) return std::nullopt;
  return l.constant_ints(input, "axes");
}

// Number of axes given at run time.
int axis_count(Lowering& l) {
  const Dim count = ir::element_count(l.input(1)->shape);
  if (!count.is_constant()) {
    l.fail("the number of axes (input 1) decides the output's rank, but is only known when the model runs");
  }
  return static_cast<int>(std::min<int64_t>(count.value(), 1 << 16));
}

// Whether a Squeeze that lists no axes removes this dimension. A size that may be 1 or not makes two models,
// since a rank must be known when compiling: first the one that keeps the dimension, which checks it when it
// runs.
bool is_one(Lowering& l, const Dim& size, int axis) {
  if (size.lower() == 1 && size.upper() == 1) return true;
  if (size.lower() > 1 || size.upper() < 1) return false;
  // As bounds, which the rest of the walk knows. A size of 0 is left out: what remains has to be a range.
  if (l.subgraphs().choose_branch()) {
    l.b().require(
        ir::Require::Relation::less_equal, 2, size,
        fmt::format("Squeeze without axes: the module is made for sizes other than 1 on axis {}", axis));
    return false;
  }
  l.b().require(ir::Require::Relation::less_equal, 1, size,
                "Squeeze without axes: the module is made for size 1");
  l.b().require(ir::Require::Relation::less_equal, size, 1,
                "Squeeze without axes: the module is made for size 1");
  return true;
}

// Squeeze without axes where just one size may be 1 or not: both ways, told apart when the model runs.
bool squeeze_both_ways(Lowering& l, ir::Value* x) {
  std::vector<int> ones, uncertain;
  for (int d = 0; d < x->rank(); ++d) {
    const Dim& size = x->shape[static_cast<std::size_t>(d)];
    if (size.lower() > 1 || size.upper() < 1) continue;
    (size.lower() == 1 && size.upper() == 1 ? ones : uncertain).push_back(d);
  }
  if (uncertain.size() != 1) return false;
  ir::Builder& b = l.b();
  ir::Value* size =
      b.from_dims({x->shape[static_cast<std::size_t>(uncertain[0])]}, ir::DType::i64, /*scalar=*/true);
  ir::Value* is_other = b.map(ir::DType::boolean, {size}, [](std::span<const Expr> n) {
    return ir::ne(n[0], ir::literal_of(ir::DType::i64, 1));
  });
  const auto squeezed = [&](const std::vector<int>& axes) {
    Alternative way{std::make_unique<ir::Region>(), {}};
    ir::Region* before = b.enter(way.region.get());
    ir::Shape shape;
    for (int d = 0; d < x->rank(); ++d) {
      if (std::find(axes.begin(), axes.end(), d) == axes.end())
        shape.push_back(x->shape[static_cast<std::size_t>(d)]);
    }
    way.results = {axes.empty() ? x : b.view(x, std::move(shape))};
    b.enter(before);
    return way;
  };
  Alternative kept = squeezed(ones);
  ones.insert(std::upper_bound(ones.begin(), ones.end(), uncertain[0]), uncertain[0]);
  l.subgraphs().diverge(is_other, std::move(kept), squeezed(ones));
  return true;
}

void lower_squeeze(Lowering& l) {
  ir::Value* x = l.input(0);
  const std::optional<std::vector<int64_t>> known = known_axes(l);
  if (!known) {
    const int left = x->rank() - axis_count(l);
    if (left < 0) l.fail("more axes than the input's rank {}", x->rank());
    l.output(0, l.b().view(x, unmasked_sizes(l, x->shape, axis_mask(l, l.input(1), x->rank()), left)));
    return;
  }
  const bool all_ones = l.version() < 13 ? !l.has_attribute("axes") : !l.optional_input(1);
  std::vector<int> axes;
  if (all_ones) {
    if (squeeze_both_ways(l, x)) return;
    for (int d = 0; d < x->rank(); ++d) {
      if (is_one(l, x->shape[static_cast<std::size_t>(d)], d)) axes.push_back(d);
    }
  } else {
    axes = l.axes(*known, x->rank());
  }
  for (const int axis : axes) {
    const Dim& size = x->shape[static_cast<std::size_t>(axis)];
    l.b().require(ir::Require::Relation::equal, size, 1,
                  fmt::format("Squeeze needs size 1 on axis {}", axis));
  }
  l.output(0, l.b().squeeze(x, axes));
}
const RegisterOperator squeeze({.name = "Squeeze",
                                .versions = {1, 11, 13, 21, 23, 24, 25},
                                .types = {{"T", kAny, inputs(0)}, {"axes", kInt64, inputs(1)}},
                                .lower = lower_squeeze});

void lower_unsqueeze(Lowering& l) {
  ir::Value* x = l.input(0);
  if (l.version() >= 13) l.input(1);
  const std::optional<std::vector<int64_t>> known = known_axes(l);
  if (known) {
    const int rank = x->rank() + static_cast<int>(std::min<std::size_t>(known->size(), 1 << 16));
    l.output(0, l.b().unsqueeze(x, l.axes(*known, rank)));
    return;
  }
  // The output's size is 1 on the axes, elsewhere that of the dimension whose number is the count of other
  // positions before.
  const int rank = x->rank() + axis_count(l);
  ir::Value* mask = axis_mask(l, l.input(1), rank);
  ir::Value* left =
      l.b().map(DType::i64, {mask}, [](std::span<const Expr> e) { return ir::cast(DType::i64, !e[0]); });
  ir::Value* place = l.b().cumulative(left, Combiner::sum, 0, /*exclusive=*/true, /*reverse=*/false);
  ir::Value* from = l.b().from_dims(x->shape);
  ir::Value* sizes = l.b().tabulate(DType::i64, {rank}, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr source = ir::checked_index(ir::cast(DType::index, body.at(place, {i[0]})), x->rank());
    return ir::select(body.at(mask, {i[0]}), ir::literal_int(DType::i64, 1), body.at(from, {source}));
  });
  l.output(0, l.b().view(x, l.b().bind(sizes, "size")));
}
const RegisterOperator unsqueeze({.name = "Unsqueeze",
                                  .versions = {1, 11, 13, 21, 23, 24, 25},
                                  .types = {{"T", kAny, inputs(0)}, {"axes", kInt64, inputs(1)}},
                                  .lower = lower_unsqueeze});

}  // namespace
}  // namespace o2w::onnx_frontend
