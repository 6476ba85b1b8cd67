// Reductions over axes and windows, and normalisations.
#include <algorithm>

#include "tests/property/families.h"

namespace o2w::property {

using ir::DType;
using onnx_frontend::kFloats;

namespace {

// Not from the end where there are no elements: ONNX Runtime's shapes of such results are wrong then.
Dims some_axes(Random& random, const Known& x) {
  Dims axes;
  const bool from_end = x.tensor.count() > 0;
  for (int d = 0; d < x.rank(); ++d) {
    if (random.chance(0.5)) axes.push_back(from_end && random.chance(0.3) ? d - x.rank() : d);
  }
  return axes;
}

}  // namespace

void grow_reduction(Maker& m) {
  Random& random = m.random();
  if (random.chance(0.2)) {
    const std::string op = random.pick({"ArgMax", "ArgMin"});
    const Known x = m.value(m.types(op), {.least_rank = 1, .exact = true, .holds = [](const Known& k) {
                                            return k.tensor.count() > 0;
                                          }});
    m.add(op, {x},
          {{"axis", integer(random.between(-x.rank(), x.rank() - 1))},
           {"keepdims", integer(random.between(0, 1))},
           {"select_last_index", integer(random.between(0, 1))}});
    return;
  }
  const std::string op =
      random.pick({"ReduceSum", "ReduceSum", "ReduceMean", "ReduceMean", "ReduceMax", "ReduceMin",
                   "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"});
  const bool exact = op == "ReduceProd" || op == "ReduceL2";
  // Means and norms of integers are left out: ONNX Runtime computes them in ways of its own.
  const bool real_only =
      op == "ReduceMean" || op == "ReduceL2" || op == "ReduceLogSumExp" || op == "ReduceProd";
  // Maxima and log-sums of nothing are left out, as ONNX Runtime refuses them.
  const bool may_be_empty = op == "ReduceSum" || op == "ReduceL1" || op == "ReduceSumSquare";
  const Known x = m.value(real_only ? kFloats : m.types(op), {.exact = exact, .holds = [&](const Known& k) {
                                                                return may_be_empty || k.tensor.count() > 0;
                                                              }});
  const Dims axes = some_axes(random, x);
  AttributeMap attributes{{"keepdims", integer(random.between(0, 1))}};
  std::vector<Known> inputs{x};
  // Axes are an input of ReduceSum from 13 on, of the others from 18 on.
  if (op == "ReduceSum" || m.opset() >= 18) {
    if (!axes.empty()) inputs.push_back(m.constant_ints(axes));
    if (axes.empty() && random.chance(0.3)) attributes["noop_with_empty_axes"] = integer(1);
  } else if (!axes.empty()) {
    attributes["axes"] = ints(axes);
  }
  const bool moved = op == "ReduceMax" || op == "ReduceMin";
  const bool computed = op == "ReduceSum" || op == "ReduceL1" || op == "ReduceSumSquare";
  m.add(op, inputs, attributes,
        moved      ? Exactness::moved
        : computed ? Exactness::computed
                   : Exactness::rounded);
}

void grow_normalization(Maker& m) {
  Random& random = m.random();
  const auto nonempty = [](const Known& k) { return k.tensor.count() > 0; };
  switch (random.below(8)) {
    case 0:
    case 1: {
      const std::string op = random.pick({"Softmax", "LogSoftmax"});
      const Known x = m.value(m.types(op), {.least_rank = 1});
      m.add(op, {x}, {{"axis", integer(random.between(-x.rank(), x.rank() - 1))}}, Exactness::rounded);
      return;
    }
    case 2: {
      const Known x = m.value(m.types("Hardmax"), {.least_rank = 1, .exact = true, .holds = nonempty});
      m.add("Hardmax", {x}, {{"axis", integer(random.between(-x.rank(), x.rank() - 1))}});
      return;
    }
    case 3: {
      const Known x = m.value(m.types("LayerNormalization"), {.least_rank = 1, .holds = nonempty});
      const auto axis = random.between(0, x.rank() - 1);
      const Dims dims(x.dims().begin() + axis, x.dims().end());
      const Known bias = random.chance(0.7) ? m.fresh(x.type(), dims) : Maker::absent();
      m.add("LayerNormalization", {x, m.fresh(x.type(), dims), bias},
            {{"axis", integer(axis)}, {"epsilon", real(0.05)}}, Exactness::rounded);
      return;
    }
    case 4: {
      const Known x = m.value(m.types("InstanceNormalization"), {.least_rank = 3, .holds = nonempty});
      m.add("InstanceNormalization", {x, m.fresh(x.type(), {x.dims()[1]}), m.fresh(x.type(), {x.dims()[1]})},
            {{"epsilon", real(0.05)}}, Exactness::rounded);
      return;
    }
    case 5: {
      const Known x = m.value(m.types("BatchNormalization"), {.least_rank = 2});
      const Dims channels{x.dims()[1]};
      ir::Tensor variance(x.type(), channels);
      for (int64_t i = 0; i < variance.count(); ++i) variance.set_double(i, 0.5 + random.real());
      m.add("BatchNormalization",
            {x, m.fresh(x.type(), channels), m.fresh(x.type(), channels), m.fresh(x.type(), channels),
             m.constant(variance)},
            {}, Exactness::rounded);
      return;
    }
    case 6: {
      const Known x = m.value(m.types("LRN"), {.least_rank = 4, .holds = nonempty});
      m.add("LRN", {x}, {{"size", integer(random.pick({1, 3, 5}))}}, Exactness::rounded);
      return;
    }
    default: {
      const Known x =
          m.value(m.types("GroupNormalization"), {.least_rank = 3, .holds = [&](const Known& k) {
                                                    return k.tensor.count() > 0 && k.dims()[1] % 2 == 0;
                                                  }});
      // Scale and bias are per channel from 21 on, per group before.
      const Dims dims{m.opset() >= 21 ? x.dims()[1] : 2};
      m.add("GroupNormalization", {x, m.fresh(x.type(), dims), m.fresh(x.type(), dims)},
            {{"num_groups", integer(2)}, {"epsilon", real(0.05)}}, Exactness::rounded);
    }
  }
}

void grow_pooling(Maker& m) {
  Random& random = m.random();
  const auto spatial = [](const Known& k) {
    return std::all_of(k.dims().begin(), k.dims().end(), [](int64_t d) { return d > 0; });
  };
  const std::string op = random.pick(
      {"MaxPool", "MaxPool", "AveragePool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool"});
  const TypeSet types =
      op == "MaxPool" ? TypeSet{DType::f32, DType::f64, DType::f16, DType::i8, DType::u8} : m.types(op);
  const Known x = m.value(types, {.least_rank = 3, .holds = spatial});
  if (op.starts_with("Global")) {
    m.add(op, {x}, {}, op == "GlobalMaxPool" ? Exactness::moved : Exactness::rounded);
    return;
  }
  Dims kernel, strides, dilations, begins, ends;
  for (std::size_t d = 2; d < x.dims().size(); ++d) {
    kernel.push_back(random.between(1, std::min<int64_t>(3, x.dims()[d])));
    strides.push_back(random.between(1, 3));
    // LpPool has dilations in ONNX Runtime as in the specification from 18 on.
    const bool dilated = op == "MaxPool" || m.opset() >= 19;
    dilations.push_back(dilated && random.chance(0.25) && 2 * (kernel.back() - 1) + 1 <= x.dims()[d] ? 2 : 1);
    begins.push_back(random.between(0, kernel.back() - 1));
    ends.push_back(random.between(0, kernel.back() - 1));
  }
  AttributeMap attributes{{"kernel_shape", ints(kernel)}};
  if (random.chance(0.8)) attributes["strides"] = ints(strides);
  const bool undilated = std::all_of(dilations.begin(), dilations.end(), [](int64_t d) { return d == 1; });
  if (!undilated && op != "LpPool") attributes["dilations"] = ints(dilations);
  if (random.chance(0.2)) {
    if (!undilated) attributes.erase("dilations");
    // Windows that leave gaps make SAME's padding negative: ONNX Runtime refuses that in MaxPool and
    // AveragePool and shifts LpPool's windows by it.
    const char* same = random.pick({"SAME_UPPER", "SAME_LOWER", "VALID"});
    bool has_gaps = false;
    for (std::size_t d = 0; d < kernel.size(); ++d) has_gaps = has_gaps || kernel[d] < strides[d];
    attributes["auto_pad"] = text(has_gaps ? "VALID" : same);
  } else if (random.chance(0.6)) {
    Dims pads = begins;
    pads.insert(pads.end(), ends.begin(), ends.end());
    attributes["pads"] = ints(pads);
    if (op == "AveragePool" && random.chance(0.5)) attributes["count_include_pad"] = integer(1);
  }
  if (op != "LpPool" && !attributes.contains("auto_pad") && random.chance(0.25))
    attributes["ceil_mode"] = integer(1);
  if (op == "MaxPool" && random.chance(0.25) && x.exact) {
    m.add(op, {x}, attributes, Exactness::moved, 2);
  } else {
    m.add(op, {x}, attributes, op == "MaxPool" ? Exactness::moved : Exactness::rounded);
  }
}

}  // namespace o2w::property
