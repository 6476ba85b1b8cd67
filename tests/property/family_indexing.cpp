// Operators that read and write at positions that are data, and those whose output size depends on data.
#include <algorithm>

#include "tests/property/families.h"

namespace o2w::property {

using ir::DType;
using onnx_frontend::kBool;
using onnx_frontend::kNumeric;

namespace {

DType index_type(Random& random) { return random.chance(0.8) ? DType::i64 : DType::i32; }

std::size_t some_axis(Random& random, const Known& x) {
  return static_cast<std::size_t>(random.between(0, x.rank() - 1));
}

int64_t either_sign(Random& random, std::size_t axis, int rank) {
  return random.chance(0.3) ? static_cast<int64_t>(axis) - rank : static_cast<int64_t>(axis);
}

// Positions that are all different, for scatters without a reduction: of equal ones ONNX leaves open which
// wins.
Known distinct_positions(Maker& m, DType type, int64_t count, int64_t size) {
  Dims all;
  for (int64_t i = 0; i < size; ++i) all.push_back(i);
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[m.random().below(i)]);
  all.resize(static_cast<std::size_t>(count));
  for (int64_t& position : all) {
    if (m.random().chance(0.2)) position -= size;
  }
  return m.shape_like(all, type);
}

}  // namespace

void grow_gather(Maker& m) {
  Random& random = m.random();
  const auto nonempty = [](const Known& k) { return k.tensor.count() > 0; };
  switch (random.below(4)) {
    case 0:
    case 1: {
      const Known x = m.value(m.types("Gather"), {.least_rank = 1, .holds = nonempty});
      const std::size_t axis = some_axis(random, x);
      const Known at = m.fresh_in(index_type(random), m.draw_dims(0, 2), -x.dims()[axis], x.dims()[axis] - 1);
      m.add("Gather", {x, at}, {{"axis", integer(either_sign(random, axis, x.rank()))}});
      return;
    }
    case 2: {
      const Known x = m.value(m.types("GatherElements"), {.least_rank = 1, .holds = nonempty});
      const std::size_t axis = some_axis(random, x);
      Dims dims = x.dims();
      dims[axis] = random.between(1, 4);
      for (std::size_t d = 0; d < dims.size(); ++d) {
        if (d != axis && random.chance(0.2)) dims[d] = 1;
      }
      const Known at = m.fresh_in(index_type(random), dims, -x.dims()[axis], x.dims()[axis] - 1);
      m.add("GatherElements", {x, at}, {{"axis", integer(either_sign(random, axis, x.rank()))}});
      return;
    }
    default: {
      const Known x = m.value(m.types("GatherND"), {.least_rank = 1, .holds = nonempty});
      const auto depth = random.between(1, x.rank());
      int64_t least = x.dims()[0];
      for (int64_t d = 0; d < depth; ++d) least = std::min(least, x.dims()[static_cast<std::size_t>(d)]);
      Dims dims = m.draw_dims(0, 2);
      dims.push_back(depth);
      // The last dimension of the indices decides the result's rank.
      m.add("GatherND", {x, m.fresh_in(DType::i64, dims, -least, least - 1, false)});
    }
  }
}

void grow_scatter(Maker& m) {
  Random& random = m.random();
  const Known x = m.value(m.types("ScatterElements"),
                          {.least_rank = 1, .holds = [](const Known& k) { return k.tensor.count() > 0; }});
  const bool numeric = kNumeric.contains(x.type());
  // Reductions came with 16, minima and maxima with 18.
  const std::string reduction =
      m.opset() >= 18 && numeric && random.chance(0.5) ? random.pick({"add", "max", "min"}) : "none";
  AttributeMap attributes;
  if (reduction != "none") attributes["reduction"] = text(reduction);
  const Exactness exactness = reduction == "add" ? Exactness::computed : Exactness::moved;
  if (random.chance(0.5)) {
    const std::size_t axis = some_axis(random, x);
    Dims dims = x.dims();
    Known at;
    if (reduction == "none") {
      dims.assign(x.dims().size(), 1);
      dims[axis] = random.between(1, x.dims()[axis]);
      at = distinct_positions(m, index_type(random), dims[axis], x.dims()[axis]);
      at.tensor = at.tensor.reshaped({dims[axis]});
      const auto shaped = m.add("Reshape", {at, m.constant_ints(dims)});
      if (!shaped) return;
      at = shaped->front();
    } else {
      for (int64_t& dim : dims) dim = random.between(1, dim);
      at = m.fresh_in(index_type(random), dims, -x.dims()[axis], x.dims()[axis] - 1);
    }
    attributes["axis"] = integer(either_sign(random, axis, x.rank()));
    m.add("ScatterElements", {x, at, m.fresh(x.type(), dims, x.exact)}, attributes, exactness);
    return;
  }
  const int64_t size = x.dims()[0];
  const int64_t count = random.between(1, size);
  Known at = reduction == "none" ? distinct_positions(m, DType::i64, count, size)
                                 : m.fresh_in(DType::i64, {count}, -size, size - 1);
  const auto shaped = m.add("Unsqueeze", {at, m.constant_ints({1})});
  if (!shaped) return;
  Dims dims = x.dims();
  dims[0] = count;
  m.add("ScatterND", {x, shaped->front(), m.fresh(x.type(), dims, x.exact)}, attributes, exactness);
}

void grow_selection(Maker& m) {
  Random& random = m.random();
  switch (random.below(6)) {
    case 0: {
      const Known x = m.value(m.types("TopK"), {.least_rank = 1, .exact = true});
      const std::size_t axis = some_axis(random, x);
      const int64_t k = random.between(x.dims()[axis] > 0 ? 1 : 0, x.dims()[axis]);
      m.add("TopK", {x, m.shape_like({k})},
            {{"axis", integer(either_sign(random, axis, x.rank()))},
             {"largest", integer(random.between(0, 1))}},
            Exactness::moved, 2);
      return;
    }
    case 1: {
      const Known x = m.value(m.types("NonZero"), {.least_rank = 1, .exact = true});
      m.add("NonZero", {x});
      return;
    }
    case 2: {
      const Known x = m.value(m.types("Compress"), {.least_rank = 1});
      const std::size_t axis = some_axis(random, x);
      const int64_t count = random.between(1, std::max<int64_t>(1, x.dims()[axis]));
      m.add("Compress", {x, m.fresh(DType::boolean, {std::min(count, x.dims()[axis])})},
            {{"axis", integer(static_cast<int64_t>(axis))}});
      return;
    }
    case 3: {
      const Known x = m.value(
          m.types("Unique"),
          {.least_rank = 1, .exact = true, .holds = [](const Known& k) { return k.tensor.count() > 0; }});
      AttributeMap attributes;
      if (random.chance(0.4)) attributes["axis"] = integer(static_cast<int64_t>(some_axis(random, x)));
      if (random.chance(0.4)) attributes["sorted"] = integer(0);
      m.add("Unique", {x}, attributes, Exactness::moved, 4);
      return;
    }
    case 4: {
      const int64_t depth = random.between(1, 6);
      const DType type = random.pick({DType::i64, DType::i32, DType::f32});
      const Known at = m.fresh_in(type, m.draw_dims(0, 2), -depth, depth);
      const DType kind = m.draw_type(onnx_frontend::kNumeric | onnx_frontend::kBool);
      ir::Tensor values(kind, {2});
      if (ir::is_float(kind)) {
        values.set_double(1, 1);
      } else {
        values.set_int(1, 1);
      }
      m.add("OneHot", {at, m.constant(ir::Tensor::scalar(DType::i64, depth)), m.constant(values)},
            {{"axis", integer(random.between(-1, at.rank()))}});
      return;
    }
    default: {
      const Known x = m.value(m.types("CumSum"), {.least_rank = 1});
      const int64_t axis = either_sign(random, some_axis(random, x), x.rank());
      m.add("CumSum", {x, m.constant(ir::Tensor::scalar(DType::i64, axis))},
            {{"exclusive", integer(random.between(0, 1))}, {"reverse", integer(random.between(0, 1))}},
            Exactness::computed);
    }
  }
}

}  // namespace o2w::property
