// Matrix products, convolutions, interpolation, recurrences, and their quantized relatives.
#include <algorithm>

#include "tests/property/families.h"

namespace o2w::property {

using ir::DType;
using onnx_frontend::kBytes;
using onnx_frontend::kFloats;

namespace {

bool no_zero(const Known& k) {
  return std::all_of(k.dims().begin(), k.dims().end(), [](int64_t d) { return d > 0; });
}

}  // namespace

void grow_matmul(Maker& m) {
  Random& random = m.random();
  switch (random.below(5)) {
    case 0:
    case 1: {
      const Known a = m.value(m.types("MatMul"), {.least_rank = 1});
      const int64_t k = a.dims().back();
      Dims b;
      if (random.chance(0.9)) {
        b = {k, random.pick({1, 2, 3, 4, 7, 8, 9, 16, 17})};
        if (a.rank() > 2 && random.chance(0.5)) {
          Dims batch(a.dims().begin(), a.dims().end() - 2);
          for (int64_t& dim : batch) {
            if (random.chance(0.2)) dim = 1;
          }
          if (random.chance(0.3)) batch.erase(batch.begin());
          b.insert(b.begin(), batch.begin(), batch.end());
        }
      } else {
        b = {k};
      }
      Known rhs = m.fresh(a.type(), b);
      // A transposed right side, as exporters write linear layers.
      if (b.size() == 2 && random.chance(0.4)) {
        const Known stored = m.fresh(a.type(), {b[1], b[0]});
        const auto transposed = m.add("Transpose", {stored}, {{"perm", ints({1, 0})}});
        if (!transposed) return;
        rhs = transposed->front();
      }
      const auto product = m.add("MatMul", {a, rhs}, {}, Exactness::computed);
      if (product && random.chance(0.4) && !product->front().dims().empty()) {
        m.add("Add", {product->front(), m.fresh(a.type(), {product->front().dims().back()})}, {},
              Exactness::computed);
      }
      return;
    }
    case 2: {
      const Known a = m.value(m.types("Gemm"), {.least_rank = 2, .most_rank = 2});
      const bool trans_a = random.chance(0.3), trans_b = random.chance(0.5);
      const int64_t rows = a.dims()[trans_a ? 1 : 0], k = a.dims()[trans_a ? 0 : 1];
      const int64_t columns = random.pick({1, 3, 4, 8, 9, 17});
      std::vector<Known> inputs{a, m.fresh(a.type(), trans_b ? Dims{columns, k} : Dims{k, columns})};
      if (random.chance(0.7)) {
        inputs.push_back(
            m.fresh(a.type(), random.pick<Dims>({{columns}, {1, columns}, {rows, columns}, {rows, 1}, {}})));
      }
      AttributeMap attributes{{"transA", integer(trans_a ? 1 : 0)}, {"transB", integer(trans_b ? 1 : 0)}};
      // Integers with factors that are no integers: the specification does not say how to round.
      if (random.chance(0.3) && ir::is_float(a.type())) attributes["alpha"] = real(0.5);
      if (random.chance(0.3) && ir::is_float(a.type())) attributes["beta"] = real(2);
      m.add("Gemm", inputs, attributes, Exactness::computed);
      return;
    }
    case 3: {
      const Known x = m.value(m.types("Einsum"), {.least_rank = 2, .most_rank = 3});
      const Dims& d = x.dims();
      if (x.rank() == 2) {
        const std::string equation = random.pick({"ij->ji", "ij->i", "ij->"});
        m.add("Einsum", {x}, {{"equation", text(equation)}}, Exactness::computed);
      } else if (random.chance(0.5)) {
        m.add("Einsum", {x, m.fresh(x.type(), {d[0], random.between(1, 5), d[2]})},
              {{"equation", text(random.pick({"bij,bkj->bik", "bij,bkj->ikb", "bij,bkj->bki"}))}},
              Exactness::computed);
      } else {
        m.add("Einsum", {x, m.fresh(x.type(), {d[2], random.between(1, 5)})},
              {{"equation", text(random.pick({"bij,jk->bik", "bij,jk", "bij,jk->kb"}))}},
              Exactness::computed);
      }
      return;
    }
    default: {
      // Scaled dot-product attention by hand: transposes that products absorb, a row-wise softmax between.
      const int64_t heads = random.between(1, 3), width = random.pick({2, 4, 8}),
                    steps = random.between(1, 6), batch = random.between(1, 2);
      const Known x = m.fresh(DType::f32, {batch, steps, heads * width});
      const auto split = [&](const Dims& order) -> std::optional<Known> {
        const auto projected =
            m.add("MatMul", {x, m.fresh(DType::f32, {heads * width, heads * width})}, {}, Exactness::rounded);
        if (!projected) return std::nullopt;
        const auto shaped = m.add("Reshape", {projected->front(), m.constant_ints({0, 0, heads, width})});
        if (!shaped) return std::nullopt;
        const auto moved = m.add("Transpose", {shaped->front()}, {{"perm", ints(order)}});
        return moved ? std::optional(moved->front()) : std::nullopt;
      };
      const auto q = split({0, 2, 1, 3}), k = split({0, 2, 3, 1}), v = split({0, 2, 1, 3});
      if (!q || !k || !v) return;
      const auto scores = m.add("MatMul", {*q, *k}, {}, Exactness::rounded);
      if (!scores) return;
      const auto scaled = m.add("Mul", {scores->front(), m.constant(ir::Tensor::scalar(DType::f32, 0.125))},
                                {}, Exactness::rounded);
      if (!scaled) return;
      const auto weights = m.add("Softmax", {scaled->front()}, {}, Exactness::rounded);
      if (!weights) return;
      const auto mixed = m.add("MatMul", {weights->front(), *v}, {}, Exactness::rounded);
      if (!mixed) return;
      const auto back = m.add("Transpose", {mixed->front()}, {{"perm", ints({0, 2, 1, 3})}});
      if (back) m.add("Reshape", {back->front(), m.constant_ints({0, 0, -1})});
    }
  }
}

void grow_convolution(Maker& m) {
  Random& random = m.random();
  const bool transposed = random.chance(0.2);
  const std::string op = transposed ? "ConvTranspose" : "Conv";
  const int rank = random.chance(0.75) ? 4 : 3;
  const Known x = m.value(random.chance(0.9) ? TypeSet{DType::f32} : m.types(op),
                          {.least_rank = rank,
                           .most_rank = rank,
                           .holds = [](const Known& k) { return no_zero(k); },
                           .reuse = 0.7});
  const int64_t channels = x.dims()[1];
  int64_t group = 1;
  if (random.chance(0.25)) group = channels;
  if (group == 1 && channels % 2 == 0 && random.chance(0.2)) group = 2;
  const int64_t out_per_group =
      group == channels && group > 1 ? (random.chance(0.8) ? 1 : 2) : random.pick({1, 2, 3, 4, 8, 9});
  Dims weights = transposed ? Dims{channels, out_per_group} : Dims{out_per_group * group, channels / group};
  Dims kernel, strides, dilations, begins, ends, output_padding;
  for (std::size_t d = 2; d < x.dims().size(); ++d) {
    kernel.push_back(random.between(1, 3));
    strides.push_back(random.chance(0.6) ? 1 : random.between(2, 3));
    dilations.push_back(random.chance(0.2) ? 2 : 1);
    begins.push_back(random.between(0, 2));
    ends.push_back(random.between(0, 2));
    // The window must fit in.
    const int64_t span = dilations.back() * (kernel.back() - 1) + 1;
    if (!transposed && span > x.dims()[d] + begins.back() + ends.back()) {
      kernel.back() = 1;
      dilations.back() = 1;
    }
    if (transposed) {
      const int64_t room = (x.dims()[d] - 1) * strides.back() + span;
      begins.back() = ends.back() = 0;
      if (room > 3 && random.chance(0.5)) begins.back() = ends.back() = 1;
      output_padding.push_back(random.chance(0.3) ? std::min(strides.back(), dilations.back()) - 1 : 0);
    }
    weights.push_back(kernel.back());
  }
  AttributeMap attributes{{"group", integer(group)}};
  if (random.chance(0.5)) attributes["kernel_shape"] = ints(kernel);
  attributes["strides"] = ints(strides);
  attributes["dilations"] = ints(dilations);
  Dims pads = begins;
  pads.insert(pads.end(), ends.begin(), ends.end());
  if (!transposed && random.chance(0.2)) {
    // ONNX Runtime refuses dilations with SAME.
    attributes.erase("dilations");
    bool fits = true;
    for (std::size_t d = 0; d < kernel.size(); ++d) fits = fits && kernel[d] <= x.dims()[d + 2];
    if (!fits) return;
    attributes["auto_pad"] = text(random.pick({"SAME_UPPER", "SAME_LOWER", "VALID"}));
  } else {
    attributes["pads"] = ints(pads);
  }
  if (transposed) attributes["output_padding"] = ints(output_padding);
  std::vector<Known> inputs{x, m.fresh_weights(x.type(), weights)};
  if (random.chance(0.5))
    inputs.push_back(m.fresh(x.type(), {transposed ? out_per_group * group : weights[0]}));
  const auto y = m.add(op, inputs, attributes, Exactness::computed);
  if (!y) return;
  // What follows convolutions in real models.
  const Known& out = y->front();
  if (random.chance(0.3)) {
    ir::Tensor variance(out.type(), {out.dims()[1]});
    for (int64_t i = 0; i < variance.count(); ++i) variance.set_double(i, 0.5 + random.real());
    const Dims channel{out.dims()[1]};
    m.add("BatchNormalization",
          {out, m.fresh(out.type(), channel), m.fresh(out.type(), channel), m.fresh(out.type(), channel),
           m.constant(variance)},
          {}, Exactness::rounded);
  } else if (random.chance(0.4)) {
    const char* activation = random.pick({"Relu", "LeakyRelu", "Sigmoid", "HardSwish"});
    if (!m.has(activation)) return;
    const auto active = m.add(activation, {out}, {}, Exactness::rounded);
    if (active && random.chance(0.5)) m.add("Mul", {out, active->front()}, {}, Exactness::rounded);
  } else if (random.chance(0.3)) {
    m.add("Add", {out, m.fresh(out.type(), out.dims())}, {}, Exactness::computed);
  }
}

void grow_resize(Maker& m) {
  Random& random = m.random();
  const Known x =
      m.value(TypeSet{DType::f32}, {.least_rank = 4, .holds = [](const Known& k) { return no_zero(k); }});
  const std::string mode = random.pick({"nearest", "linear", "cubic"});
  AttributeMap attributes{{"mode", text(mode)}};
  // Powers of two only, so that positions are computed exactly and nearest has no ties that rounding decides.
  ir::Tensor scales(DType::f32, {4});
  for (int64_t d = 0; d < 4; ++d) scales.set_double(d, d < 2 ? 1.0 : random.pick({1.0, 2.0, 4.0}));
  attributes["coordinate_transformation_mode"] = text(random.pick({"asymmetric", "half_pixel"}));
  if (mode == "nearest")
    attributes["nearest_mode"] = text(random.pick({"floor", "round_prefer_floor", "ceil"}));
  if (random.chance(0.5)) {
    m.add("Resize", {x, Maker::absent(), m.constant(scales)}, attributes,
          mode == "nearest" ? Exactness::moved : Exactness::rounded);
  } else {
    Dims sizes = x.dims();
    for (std::size_t d = 2; d < 4; ++d)
      sizes[d] *= static_cast<int64_t>(scales.as_double(static_cast<int64_t>(d)));
    m.add("Resize", {x, Maker::absent(), Maker::absent(), m.shape_like(sizes)}, attributes,
          mode == "nearest" ? Exactness::moved : Exactness::rounded);
  }
}

void grow_recurrent(Maker& m) {
  Random& random = m.random();
  const std::string op = random.pick({"LSTM", "GRU", "RNN"});
  const int64_t gates = op == "LSTM" ? 4 : op == "GRU" ? 3 : 1;
  const std::string direction = random.pick({"forward", "reverse", "bidirectional"});
  const int64_t directions = direction == "bidirectional" ? 2 : 1;
  const int64_t hidden = random.pick({1, 2, 4, 5});
  const Known x = m.value(TypeSet{DType::f32}, {.least_rank = 3, .most_rank = 3, .holds = [](const Known& k) {
                                                  return no_zero(k) && k.dims()[2] < 10;
                                                }});
  const int64_t batch = x.dims()[1], width = x.dims()[2];
  std::vector<Known> inputs{x, m.fresh(DType::f32, {directions, gates * hidden, width}),
                            m.fresh(DType::f32, {directions, gates * hidden, hidden})};
  inputs.push_back(random.chance(0.6) ? m.fresh(DType::f32, {directions, 2 * gates * hidden})
                                      : Maker::absent());
  inputs.push_back(Maker::absent());
  if (random.chance(0.4)) inputs.push_back(m.fresh(DType::f32, {directions, batch, hidden}));
  AttributeMap attributes{{"hidden_size", integer(hidden)}, {"direction", text(direction)}};
  if (op == "GRU" && random.chance(0.5)) attributes["linear_before_reset"] = integer(1);
  m.add(op, inputs, attributes, Exactness::rounded, op == "LSTM" ? 3 : 2);
}

void grow_quantization(Maker& m) {
  Random& random = m.random();
  const auto scalar = [&](DType type, int64_t least, int64_t most) {
    return m.constant(ir::Tensor::scalar(type, random.between(least, most)));
  };
  const auto scale = [&](DType type) {
    return m.constant(ir::Tensor::scalar(type, random.pick({0.25, 0.5, 1.0})));
  };
  switch (random.below(5)) {
    case 0:
    case 1: {
      // Quantised and back; powers of two, so that no rounding decides.
      const DType type = random.chance(0.5) ? DType::u8 : DType::i8;
      const Known x = m.value(TypeSet{DType::f32}, {.least_rank = 1, .exact = true});
      Known step = scale(DType::f32), zero = scalar(type, 0, 5);
      AttributeMap attributes;
      if (random.chance(0.3)) {
        const auto axis = random.between(0, x.rank() - 1);
        const int64_t size = x.dims()[static_cast<std::size_t>(axis)];
        ir::Tensor steps(DType::f32, {size});
        for (int64_t i = 0; i < size; ++i) steps.set_double(i, random.pick({0.25, 0.5, 1.0}));
        step = m.constant(steps);
        zero = m.constant(ir::Tensor(type, {size}));
        attributes["axis"] = integer(axis);
      }
      const auto quantized = m.add("QuantizeLinear", {x, step, zero}, attributes);
      if (quantized && random.chance(0.7))
        m.add("DequantizeLinear", {quantized->front(), step, zero}, attributes, Exactness::computed);
      return;
    }
    case 2: {
      const Known a = m.value(TypeSet{DType::u8}, {.least_rank = 2, .most_rank = 3});
      const DType type = random.chance(0.5) ? DType::u8 : DType::i8;
      std::vector<Known> inputs{a, m.fresh(type, {a.dims().back(), random.pick({1, 4, 9})})};
      if (random.chance(0.7)) {
        inputs.push_back(scalar(DType::u8, 0, 6));
        inputs.push_back(scalar(type, 0, 3));
      }
      m.add("MatMulInteger", inputs);
      return;
    }
    case 3: {
      const Known x =
          m.value(TypeSet{DType::u8}, {.least_rank = 4, .holds = [](const Known& k) { return no_zero(k); }});
      std::vector<Known> inputs{
          x, m.fresh(DType::u8,
                     {random.between(1, 4), x.dims()[1], random.between(1, std::min<int64_t>(3, x.dims()[2])),
                      random.between(1, std::min<int64_t>(3, x.dims()[3]))})};
      if (random.chance(0.7)) inputs.push_back(scalar(DType::u8, 0, 6));
      m.add("ConvInteger", inputs,
            {{"pads", ints(random.chance(0.5) ? Dims{1, 1, 1, 1} : Dims{0, 0, 0, 0})}});
      return;
    }
    default: {
      const Known a = m.value(TypeSet{DType::u8}, {.least_rank = 2, .most_rank = 3});
      const DType type = random.chance(0.5) ? DType::u8 : DType::i8;
      const Known b = m.fresh(type, {a.dims().back(), random.pick({1, 4, 9})});
      m.add("QLinearMatMul", {a, scale(DType::f32), scalar(DType::u8, 0, 3), b, scale(DType::f32),
                              scalar(type, 0, 3), scale(DType::f32), scalar(DType::u8, 0, 9)});
    }
  }
}

}  // namespace o2w::property
