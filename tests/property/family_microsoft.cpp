// Operators of ONNX Runtime's own domain that exported and optimised models carry.
#include <algorithm>

#include "tests/property/families.h"

namespace o2w::property {

using ir::DType;

namespace {

const std::string domain = "com.microsoft";

void grow_gelu(Maker& m) {
  Random& random = m.random();
  const std::string op = random.pick({"Gelu", "QuickGelu", "FastGelu", "BiasGelu"});
  const Known x = m.value(TypeSet{DType::f32}, {.least_rank = 1});
  std::vector<Known> inputs{x};
  if (op == "BiasGelu" || (op == "FastGelu" && random.chance(0.5)))
    inputs.push_back(m.fresh(x.type(), {x.dims().back()}));
  AttributeMap attributes;
  if (op == "QuickGelu") attributes["alpha"] = real(random.pick({1.0, 1.702}));
  m.add(op, inputs, attributes, Exactness::rounded, 1, domain);
}

void grow_fused_matmul(Maker& m) {
  Random& random = m.random();
  const Known a = m.value(TypeSet{DType::f32}, {.least_rank = 2});
  const bool trans_a = random.chance(0.4), trans_b = random.chance(0.5);
  const auto rank = a.dims().size();
  const int64_t k = a.dims()[trans_a ? rank - 2 : rank - 1], columns = random.pick({1, 3, 4, 8, 9});
  Dims b = trans_b ? Dims{columns, k} : Dims{k, columns};
  if (rank > 2 && random.chance(0.5)) b.insert(b.begin(), a.dims().begin(), a.dims().end() - 2);
  m.add("FusedMatMul", {a, m.fresh(a.type(), b)},
        {{"transA", integer(trans_a ? 1 : 0)},
         {"transB", integer(trans_b ? 1 : 0)},
         {"alpha", real(random.pick({1.0, 0.5, 0.125}))}},
        Exactness::computed, 1, domain);
}

void grow_skip_norm(Maker& m) {
  Random& random = m.random();
  const bool simplified = random.chance(0.4);
  const Known x = m.value(TypeSet{DType::f32}, {.least_rank = 3, .most_rank = 3, .holds = [](const Known& k) {
                                                  return k.tensor.count() > 0;
                                                }});
  const Dims width{x.dims().back()};
  std::vector<Known> inputs{x, m.fresh(x.type(), x.dims()), m.fresh(x.type(), width)};
  if (!simplified) inputs.push_back(random.chance(0.7) ? m.fresh(x.type(), width) : Maker::absent());
  if (random.chance(0.4)) inputs.push_back(m.fresh(x.type(), width));
  m.add(simplified ? "SkipSimplifiedLayerNormalization" : "SkipLayerNormalization", inputs,
        {{"epsilon", real(0.05)}}, Exactness::rounded, 1, domain);
}

// Scales are powers of two, so that every sum and product is exact and the rounding that follows has one
// answer.
void grow_quantized(Maker& m) {
  Random& random = m.random();
  const std::string op = random.pick({"QLinearAdd", "QLinearMul"});
  const DType type = random.chance(0.5) ? DType::u8 : DType::i8;
  const auto scale = [&] {
    return m.constant(ir::Tensor::scalar(DType::f32, random.pick({0.25, 0.5, 1.0})));
  };
  const auto zero = [&] { return m.constant(ir::Tensor::scalar(type, random.between(0, 4))); };
  const Known a = m.value(TypeSet{type}, {.least_rank = 1});
  const Known b = m.fresh(type, m.broadcastable(a.dims()));
  const Known a_scale = scale(), a_zero = zero(), b_scale = scale(), b_zero = zero();
  // ONNX Runtime rounds halves of products elsewhere than those of sums: a scale that gives none.
  const Known y_scale = op == "QLinearMul" ? m.constant(ir::Tensor::scalar(DType::f32, 0.7853982)) : scale();
  m.add(op, {a, a_scale, a_zero, b, b_scale, b_zero, y_scale, zero()}, {}, Exactness::moved, 1, domain);
}

}  // namespace

void grow_microsoft(Maker& m) {
  switch (m.random().below(4)) {
    case 0:
      return grow_gelu(m);
    case 1:
      return grow_fused_matmul(m);
    case 2:
      return grow_skip_norm(m);
    default:
      return grow_quantized(m);
  }
}

}  // namespace o2w::property
