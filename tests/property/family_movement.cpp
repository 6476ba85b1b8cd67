// Operators that move elements about, and arithmetic on shapes.
#include <algorithm>
#include <numeric>

#include "tests/property/families.h"

namespace o2w::property {

using onnx_frontend::kMovable;

namespace {

int64_t count_of(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

// The same number of elements under other dims.
Dims regrouped(Random& random, const Dims& dims) {
  Dims result;
  for (const int64_t dim : dims) {
    if (!result.empty() && random.chance(0.4)) {
      result.back() *= dim;
    } else if (dim > 3 && dim % 2 == 0 && random.chance(0.3)) {
      result.push_back(dim / 2);
      result.push_back(2);
    } else {
      result.push_back(dim);
    }
    if (random.chance(0.1)) result.push_back(1);
  }
  while (result.size() > 5) {
    const int64_t last = result.back();
    result.pop_back();
    result.back() *= last;
  }
  return result;
}

}  // namespace

void grow_reshape(Maker& m) {
  Random& random = m.random();
  const Known x = m.value(m.types("Reshape"));
  switch (random.below(5)) {
    case 0:
    case 1: {
      Dims shape = regrouped(random, x.dims());
      AttributeMap attributes;
      if (count_of(shape) > 0 && !shape.empty() && random.chance(0.4)) {
        shape[random.below(shape.size())] = -1;
      } else if (count_of(shape) == 0) {
        attributes["allowzero"] = integer(1);
      }
      m.add("Reshape", {x, m.shape_like(shape)}, attributes);
      return;
    }
    case 2: {
      m.add("Flatten", {x}, {{"axis", integer(random.between(0, x.rank()))}});
      return;
    }
    case 3: {
      Dims axes;
      for (int d = 0; d < x.rank(); ++d) {
        if (x.dims()[static_cast<std::size_t>(d)] == 1) axes.push_back(random.chance(0.5) ? d : d - x.rank());
      }
      if (axes.empty()) return;
      if (random.chance(0.5)) {
        m.add("Squeeze", {x, m.constant_ints(axes)});
      } else {
        m.add("Squeeze", {x});
      }
      return;
    }
    default: {
      if (x.rank() > 3) return;
      const int64_t rank = x.rank() + 1;
      m.add("Unsqueeze", {x, m.constant_ints({random.between(-rank, rank - 1)})});
    }
  }
}

void grow_movement(Maker& m) {
  Random& random = m.random();
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      const Known x = m.value(m.types("Transpose"), {.least_rank = 1});
      Dims order(static_cast<std::size_t>(x.rank()));
      std::iota(order.begin(), order.end(), 0);
      for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
      m.add("Transpose", {x}, random.chance(0.1) ? AttributeMap{} : AttributeMap{{"perm", ints(order)}});
      return;
    }
    case 3: {
      const Known x = m.value(m.types("Expand"), {.most_rank = 3});
      Dims shape = x.dims();
      for (int64_t& dim : shape) {
        if (dim == 1) dim = random.chance(0.7) ? random.between(1, 4) : 1;
      }
      if (random.chance(0.4)) shape.insert(shape.begin(), random.between(1, 3));
      m.add("Expand", {x, m.shape_like(shape)});
      return;
    }
    case 4: {
      const Known x = m.value(m.types("Tile"), {.least_rank = 1, .most_rank = 3});
      Dims repeats;
      for (int d = 0; d < x.rank(); ++d) repeats.push_back(random.between(random.chance(0.05) ? 0 : 1, 3));
      m.add("Tile", {x, m.shape_like(repeats)});
      return;
    }
    case 5: {
      const std::string op = random.pick({"DepthToSpace", "SpaceToDepth"});
      const int64_t block = 2;
      const Dims dims = op == "DepthToSpace"
                            ? Dims{random.between(1, 2), 4 * random.between(1, 2), random.between(1, 3),
                                   random.between(1, 3)}
                            : Dims{random.between(1, 2), random.between(1, 3), block * random.between(1, 3),
                                   block * random.between(1, 3)};
      const Known x = m.value(m.types(op), {.least_rank = 4, .holds = [&](const Known& k) {
                                              return op == "DepthToSpace"
                                                         ? k.dims()[1] % 4 == 0 && k.dims()[1] > 0
                                                         : k.dims()[2] % 2 == 0 && k.dims()[3] % 2 == 0;
                                            }});
      AttributeMap attributes{{"blocksize", integer(block)}};
      if (op == "DepthToSpace" && random.chance(0.5)) attributes["mode"] = text("CRD");
      m.add(op, {x}, attributes);
      return;
    }
    case 6: {
      const Known x = m.value(m.types("Trilu"), {.least_rank = 2});
      const Known k = random.chance(0.5)
                          ? m.constant(ir::Tensor::scalar(ir::DType::i64, random.between(-2, 2)))
                          : Maker::absent();
      m.add("Trilu", {x, k}, {{"upper", integer(random.between(0, 1))}});
      return;
    }
    default: {
      const Known x = m.value(m.types("ReverseSequence"), {.least_rank = 2});
      const int64_t batch = random.between(0, 1);
      const int64_t time = x.dims()[static_cast<std::size_t>(1 - batch)];
      if (time == 0) return;
      m.add("ReverseSequence",
            {x, m.fresh_in(ir::DType::i64, {x.dims()[static_cast<std::size_t>(batch)]}, 1, time)},
            {{"batch_axis", integer(batch)}, {"time_axis", integer(1 - batch)}});
    }
  }
}

void grow_slice(Maker& m) {
  Random& random = m.random();
  const Known x = m.value(m.types("Slice"), {.least_rank = 1});
  Dims starts, ends, axes, steps;
  for (int d = 0; d < x.rank(); ++d) {
    if (!random.chance(0.6)) continue;
    const int64_t dim = x.dims()[static_cast<std::size_t>(d)];
    const bool back = random.chance(0.2);
    int64_t start = random.between(0, dim), end = random.between(0, dim);
    if (start > end) std::swap(start, end);
    const int64_t step = random.chance(0.3) ? random.between(2, 3) : 1;
    if (back) {
      starts.push_back(random.chance(0.3) ? -1 : end);
      ends.push_back(random.chance(0.4) ? -(int64_t{1} << 40) : start - dim - 1);
      steps.push_back(-step);
    } else {
      starts.push_back(random.chance(0.3) ? start - dim : start);
      ends.push_back(random.chance(0.3) ? (int64_t{1} << 40) : end);
      steps.push_back(step);
    }
    axes.push_back(random.chance(0.3) ? d - x.rank() : d);
  }
  if (axes.empty()) return;
  const bool with_steps =
      std::any_of(steps.begin(), steps.end(), [](int64_t s) { return s != 1; }) || random.chance(0.3);
  const auto type = random.chance(0.85) ? ir::DType::i64 : ir::DType::i32;
  if (type == ir::DType::i32) {
    for (int64_t& end : ends) end = std::clamp<int64_t>(end, -1000000, 1000000);
  }
  std::vector<Known> inputs{x, m.shape_like(starts, type), m.shape_like(ends, type),
                            m.constant_ints(axes, type)};
  if (with_steps) inputs.push_back(m.constant_ints(steps, type));
  m.add("Slice", inputs);
}

void grow_concat_split(Maker& m) {
  Random& random = m.random();
  if (random.chance(0.55)) {
    const Known x = m.value(m.types("Concat"), {.least_rank = 1});
    const auto axis = static_cast<std::size_t>(random.between(0, x.rank() - 1));
    std::vector<Known> parts{x};
    const auto more = random.between(0, 2);
    for (int64_t i = 0; i < more; ++i) {
      parts.push_back(m.value(TypeSet{x.type()},
                              {.least_rank = x.rank(), .most_rank = x.rank(), .holds = [&](const Known& k) {
                                 for (std::size_t d = 0; d < k.dims().size(); ++d) {
                                   if (d != axis && k.dims()[d] != x.dims()[d]) return false;
                                 }
                                 return true;
                               }}));
    }
    if (random.chance(0.3)) std::swap(parts.front(), parts.back());
    m.add("Concat", parts,
          {{"axis", integer(random.chance(0.5) ? static_cast<int64_t>(axis)
                                               : static_cast<int64_t>(axis) - x.rank())}});
    return;
  }
  const Known x = m.value(m.types("Split"), {.least_rank = 1});
  const auto axis = static_cast<std::size_t>(random.between(0, x.rank() - 1));
  const int64_t dim = x.dims()[axis];
  const auto parts = random.between(2, 3);
  if (random.chance(0.6)) {
    const int64_t first = random.between(0, dim), second = parts == 3 ? random.between(0, dim - first) : 0;
    Dims sizes{first, dim - first - second};
    if (parts == 3) sizes.push_back(second);
    m.add("Split", {x, m.shape_like(sizes)}, {{"axis", integer(static_cast<int64_t>(axis))}},
          Exactness::moved, static_cast<int>(parts));
  } else {
    // Before 18 parts are equal and as many as the outputs. ONNX Runtime refuses those of which the last
    // would be empty or negative.
    if (m.opset() < 18) {
      if (dim % parts != 0) return;
      m.add("Split", {x}, {{"axis", integer(static_cast<int64_t>(axis))}}, Exactness::moved,
            static_cast<int>(parts));
      return;
    }
    if (dim < parts || dim - (parts - 1) * ((dim + parts - 1) / parts) <= 0) return;
    m.add("Split", {x}, {{"axis", integer(static_cast<int64_t>(axis))}, {"num_outputs", integer(parts)}},
          Exactness::moved, static_cast<int>(parts));
  }
}

void grow_pad(Maker& m) {
  Random& random = m.random();
  const Known x = m.value(m.types("Pad"), {.least_rank = 1});
  const std::string mode = random.pick({"constant", "constant", "constant", "reflect", "edge", "wrap"});
  Dims begins, ends, axes;
  for (int d = 0; d < x.rank(); ++d) {
    const int64_t dim = x.dims()[static_cast<std::size_t>(d)];
    const bool padded = random.chance(0.7);
    // Cutting off is only for the constant mode here: with the others ONNX Runtime reads what was cut off.
    const int64_t least = mode == "constant" && random.chance(0.2) && dim > 2 ? -1 : 0;
    const int64_t most = mode == "constant"  ? 3
                         : mode == "reflect" ? std::max<int64_t>(0, std::min<int64_t>(dim - 1, 2))
                         : dim == 0          ? 0
                                             : std::min<int64_t>(dim, 2);
    begins.push_back(padded ? random.between(least, most) : 0);
    ends.push_back(padded ? random.between(least, most) : 0);
    axes.push_back(d);
  }
  Dims pads = begins;
  pads.insert(pads.end(), ends.begin(), ends.end());
  std::vector<Known> inputs{x, m.shape_like(pads)};
  if (mode == "constant" && random.chance(0.6)) {
    inputs.push_back(m.fresh(x.type(), {}, x.exact));
  } else if (m.opset() >= 18 && random.chance(0.2)) {
    inputs.push_back(Maker::absent());
    inputs.push_back(m.constant_ints(axes));
  }
  m.add("Pad", inputs, {{"mode", text(mode)}});
}

// What exporters write for x.view(x.size(0), -1) and its like.
void grow_shape_arithmetic(Maker& m) {
  Random& random = m.random();
  const Known x = m.value(m.types("Shape"), {.least_rank = 1});
  const auto shape = m.add("Shape", {x});
  if (!shape) return;
  switch (random.below(5)) {
    case 0: {
      const auto first = m.add("Gather", {shape->front(), m.constant_ints({0})}, {{"axis", integer(0)}});
      if (!first || x.tensor.count() == 0) return;
      const auto target = m.add("Concat", {first->front(), m.constant_ints({-1})}, {{"axis", integer(0)}});
      if (target) m.add("Reshape", {x, target->front()});
      return;
    }
    case 1: {
      ir::Tensor one(m.draw_type(kMovable), {1});
      if (ir::is_float(one.type())) {
        one.set_double(0, 1);
      } else {
        one.set_int(0, 1);
      }
      AttributeDef fill;
      fill.kind = AttributeDef::Kind::tensor;
      fill.tensor = one;
      m.add("ConstantOfShape", {shape->front()}, {{"value", fill}});
      return;
    }
    case 2: {
      const auto axis = random.between(0, x.rank() - 1);
      const auto dim = m.add("Gather", {shape->front(), m.constant(ir::Tensor::scalar(ir::DType::i64, axis))},
                             {{"axis", integer(0)}});
      if (!dim) return;
      m.add("Range", {m.constant(ir::Tensor::scalar(ir::DType::i64, int64_t{0})), dim->front(),
                      m.constant(ir::Tensor::scalar(ir::DType::i64, random.between(1, 2)))});
      return;
    }
    case 3: {
      // Cuts the first half off.
      const auto first = m.add("Slice", {shape->front(), m.constant_ints({0}), m.constant_ints({1})});
      if (!first) return;
      const auto half = m.add("Div", {first->front(), m.constant_ints({2})});
      if (half) m.add("Slice", {x, half->front(), first->front(), m.constant_ints({0})});
      return;
    }
    default: {
      const auto size = m.add("Size", {x});
      if (size) m.add("Cast", {size->front()}, {{"to", integer(1)}}, Exactness::computed);
    }
  }
}

}  // namespace o2w::property
