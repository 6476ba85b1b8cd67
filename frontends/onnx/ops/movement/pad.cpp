// Pad and CenterCropPad. Negative pads crop.
#include <algorithm>
#include <numeric>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;

enum class Mode : uint8_t { constant, reflect, edge, wrap };

Mode pad_mode(Lowering& l) {
  const std::string mode = l.string_attribute("mode", "constant");
  if (mode == "constant") return Mode::constant;
  if (mode == "reflect") return Mode::reflect;
  if (mode == "edge") return Mode::edge;
  if (mode == "wrap") return Mode::wrap;
  l.fail("attribute 'mode' is '{}'; ONNX knows constant, reflect, edge and wrap", mode);
}

// The pads at both ends of every dimension: Dims where known, else elements of a table i64[2 * rank].
struct Pads {
  std::vector<Dim> begins, ends;
  ir::Value* table = nullptr;
};

// Which source position, in a dimension of `size`, position j (counted from the first element; outside
// 0..size-1 in the pads) shows.
Expr source_position(Mode mode, const Expr& j, const Expr& size, bool before, bool behind) {
  switch (mode) {
    case Mode::constant:
      return j;
    case Mode::edge: {
      const Expr above = before ? ir::max(j, 0) : j;
      return behind ? ir::min(above, size - 1) : above;
    }
    case Mode::wrap:
      return before || behind ? ir::mod(j, size) : j;
    case Mode::reflect: {
      if (!before && !behind) return j;
      // A period is there and back again, without the ends twice: 0 1 2 3 2 1.
      const Expr last = size - 1;
      const Expr phase = ir::mod(j, last * 2);
      return ir::min(phase, last * 2 - phase);
    }
  }
  return j;
}

ir::Value* padded(Lowering& l, ir::Value* x, Mode mode, const Pads& pads, const ir::Shape& shape,
                  ir::Value* fill) {
  const std::size_t rank = shape.size();
  return l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position;
    Expr inside;
    const auto check = [&](const Expr& condition) {
      inside = inside.get() ? inside && condition : condition;
    };
    for (std::size_t d = 0; d < rank; ++d) {
      const Dim& size = x->shape[d];
      bool before = true, behind = true;  // may there be padding?
      Expr first, last, left;  // pads at the begin and the end; what is left of the dimension after cropping
      if (pads.table) {
        first = ir::cast(DType::index, body.at(pads.table, {Dim(static_cast<int64_t>(d))}));
        last = ir::cast(DType::index, body.at(pads.table, {Dim(static_cast<int64_t>(d + rank))}));
        left = Expr(size) + ir::min(first, 0) + ir::min(last, 0);
      } else {
        const Dim &begin = pads.begins[d], &end = pads.ends[d];
        before = !ir::provably_less_equal(begin, 0);
        behind = !ir::provably_less_equal(end, 0);
        first = begin;
        left = size + ir::min(begin, 0) + ir::min(end, 0);
      }
      if (mode == Mode::constant) {
        position.push_back(i[d] - first);
        if (before) check(ir::ge(position[d], 0));
        if (behind) check(ir::lt(position[d], size));
      } else {
        const Expr padding = before ? ir::max(first, 0) : Expr(0);
        const Expr cropped = before && !pads.table ? Expr(0) : ir::max(-first, 0);
        position.push_back(source_position(mode, i[d] - padding, left, before, behind) + cropped);
      }
    }
    const Expr element = body.at(x, position);
    if (!inside.get()) return element;
    if (fill) return ir::select(inside, element, body.at(fill, {}));
    const bool boolean = element->type == DType::boolean;
    return ir::select(inside, element, boolean ? ir::literal_bool(false) : literal_number(element->type, 0));
  });
}

// Sizes and pads that are known when compiling.
Pads known_pads(Lowering& l, const ir::Shape& from, const std::vector<int>& axes,
                const std::vector<Dim>& given) {
  if (given.size() != 2 * axes.size()) {
    l.fail("{} pads for {} axes: two each are needed", given.size(), axes.size());
  }
  Pads pads{std::vector<Dim>(from.size(), 0), std::vector<Dim>(from.size(), 0), nullptr};
  for (std::size_t k = 0; k < axes.size(); ++k) {
    pads.begins[static_cast<std::size_t>(axes[k])] = given[k];
    pads.ends[static_cast<std::size_t>(axes[k])] = given[k + axes.size()];
  }
  return pads;
}

ir::Shape known_shape(Lowering& l, const ir::Shape& from, const Pads& pads) {
  ir::Shape shape;
  for (std::size_t d = 0; d < from.size(); ++d) {
    const Dim size = from[d] + pads.begins[d] + pads.ends[d];
    if (ir::provably_less_equal(size, -1)) {
      l.fail("pads {} and {} leave nothing of dimension {} (size {})", pads.begins[d].to_string(),
             pads.ends[d].to_string(), d, from[d].to_string());
    }
    shape.push_back(ir::max(size, 0));
  }
  return shape;
}

// The pads of every dimension, where pads or axes are computed by the model: i64[2 * rank].
ir::Value* pad_table(Lowering& l, int rank, ir::Value* pads, ir::Value* axes) {
  const Dim count = axes ? axes->shape[0] : Dim(rank);
  l.b().require(ir::Require::Relation::equal, pads->shape[0], count * 2, "every padded axis needs two pads");
  if (!axes) return l.b().cast(pads, DType::i64);
  return l.b().reduce(
      ir::Combiner::sum, DType::i64, {2, rank}, {count}, [&](ir::Body& body, ir::Builder::Indices i) {
        const Expr axis = ir::checked_index(ir::cast(DType::index, body.at(axes, {i[2]})), rank);
        const Expr pad = ir::cast(DType::i64, body.at(pads, {i[0] * count + i[2]}));
        return ir::select(ir::eq(axis, i[1]), pad, 0);
      });
}

std::vector<int> all_axes(int rank) {
  std::vector<int> axes(static_cast<std::size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

// The inputs of version 11 and later, attributes before.
struct Arguments {
  ir::Value *pads = nullptr, *axes = nullptr, *fill = nullptr;
  std::optional<std::vector<Dim>> known_pads;
  std::optional<std::vector<int>> known_axes;
};

Arguments arguments(Lowering& l, ir::Value* x) {
  Arguments result;
  result.known_axes = all_axes(x->rank());
  if (l.version() < 11 && l.node().domain.empty()) {
    const std::vector<int64_t> pads = l.ints_attribute(l.version() < 2 ? "paddings" : "pads", {});
    result.known_pads.emplace(pads.begin(), pads.end());
    result.fill = l.b().constant([&] {
      ir::Tensor fill(x->type, {});
      fill.set_double(0, l.float_attribute("value", 0.0));
      return fill;
    }());
    return result;
  }
  result.pads = l.input(1);
  // com.microsoft also takes a matrix of one row.
  if (result.pads->rank() == 2 && !l.node().domain.empty()) result.pads = l.b().squeeze(result.pads, {0});
  l.expect_rank(result.pads, 1, 1, "the pads");
  result.known_pads = l.known_sizes(result.pads);
  if (l.optional_input(2)) {
    result.fill = as_scalar(l, l.input(2), "the constant value");
  }
  if (l.optional_input(3)) {
    result.axes = l.input(3);
    l.expect_rank(result.axes, 1, 1, "the axes");
    result.known_axes.reset();
    if (l.known_sizes(result.axes)) {
      const std::vector<int64_t> given = l.constant_ints(result.axes, "axes");
      l.axes(given, x->rank());
      result.known_axes.emplace();
      for (const int64_t axis : given) result.known_axes->push_back(l.axis(axis, x->rank()));
    }
  }
  return result;
}

void lower_pad(Lowering& l) {
  ir::Value* x = l.input(0);
  const Mode mode = pad_mode(l);
  const Arguments given = arguments(l, x);
  Pads pads;
  ir::Shape shape;
  if (given.known_pads && given.known_axes) {
    pads = known_pads(l, x->shape, *given.known_axes, *given.known_pads);
    shape = known_shape(l, x->shape, pads);
  } else {
    const int rank = x->rank();
    ir::Value* table = pad_table(l, rank, given.pads, given.axes);
    ir::Value* by_end = table->rank() == 2 ? table : l.b().view(table, {2, rank});
    pads.table = l.b().view(table, {2 * rank});
    ir::Value* added = l.b().reduce_axes(ir::Combiner::sum, by_end, {0}, false);
    shape = l.b().bind(l.b().map(DType::i64, {l.b().from_dims(x->shape), added},
                                 [](std::span<const Expr> e) { return ir::max(e[0] + e[1], 0); }),
                       "padded");
  }
  if (mode != Mode::constant) {
    // There must be something to repeat, unless the result is empty as well.
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] != x->shape[d]) {
        l.b().require(ir::Require::Relation::less_equal, ir::min(shape[d], 1), x->shape[d],
                      fmt::format("dimension {} is empty and cannot be repeated", d));
      }
    }
  }
  l.output(0, shape == x->shape && !pads.table &&
                      std::ranges::all_of(pads.begins, [](const Dim& d) { return d.is(0); })
                  ? x
                  : padded(l, x, mode, pads, shape, given.fill));
}
const RegisterOperator pad(
    {.name = "Pad",
     .versions = {1, 2, 11, 13, 18, 19, 21, 23, 24, 25},
     .types = {{"T", kAny, inputs(0, 2)}, {"pads", kInt64, inputs(1)}, {"Tind", kIndices, inputs(3)}},
     .lower = lower_pad});

const RegisterOperator ms_pad({.domain = "com.microsoft",
                               .name = "Pad",
                               .versions = {1},
                               .types = {{"T", kFloats, inputs(0, 2)}, {"tensor(int64)", kInt64, inputs(1)}},
                               .lower = lower_pad});

// Crops or pads with zeros, equally at both ends, to the given sizes.
void lower_center_crop_pad(Lowering& l) {
  ir::Value* x = l.input(0);
  const std::vector<Dim> sizes = l.sizes(l.input(1), "size");
  std::vector<int64_t> given(static_cast<std::size_t>(x->rank()));
  std::iota(given.begin(), given.end(), 0);
  given = l.ints_attribute("axes", given);
  l.axes(given, x->rank());
  if (given.size() != sizes.size()) l.fail("{} sizes for {} axes", sizes.size(), given.size());
  ir::Shape shape = x->shape;
  Pads pads{std::vector<Dim>(shape.size(), 0), std::vector<Dim>(shape.size(), 0), nullptr};
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const auto d = static_cast<std::size_t>(l.axis(given[k], x->rank()));
    const Dim size = shape[d];
    if (ir::provably_less_equal(sizes[k], -1)) l.fail("size {} is negative", sizes[k].to_string());
    shape[d] = sizes[k];
    pads.begins[d] =
        ir::floordiv(ir::max(shape[d] - size, 0), 2) - ir::floordiv(ir::max(size - shape[d], 0), 2);
    pads.ends[d] = shape[d] - size - pads.begins[d];
  }
  l.output(0, padded(l, x, Mode::constant, pads, shape, nullptr));
}
const RegisterOperator center_crop_pad({.name = "CenterCropPad",
                                        .versions = {18},
                                        .types = {{"T", kAny, inputs(0)}, {"Tind", kIndices, inputs(1)}},
                                        .lower = lower_center_crop_pad});

}  // namespace
}  // namespace o2w::onnx_frontend
