// Random tensors. Only the two basic distributions are nodes of the IR; the others are computed from uniform
// numbers.
#include "frontends/onnx/ops/generators/random.h"

#include <bit>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::ExprOp;
using Distribution = ir::Random::Distribution;

std::optional<uint64_t> seed_attribute(Lowering& l) {
  const AttributeDef* seed = l.attribute("seed");
  if (!seed) return std::nullopt;
  if (seed->kind == AttributeDef::Kind::integer) return static_cast<uint64_t>(seed->integer);
  return std::bit_cast<uint64_t>(l.float_attribute("seed"));
}

ir::Value* random_value(Lowering& l, Distribution distribution, double a, double b,
                        std::optional<uint64_t> seed, DType type, ir::Shape shape) {
  // Narrow types are made from f32 numbers, so that the generator knows two types only.
  const DType made = ir::compute_type(type);
  ir::Value* value = l.b().graph().new_value(made, std::move(shape));
  l.b().append(ir::Random{.distribution = distribution, .a = a, .b = b, .seed = seed}, {}, {value});
  return l.b().cast(value, type);
}

namespace {

DType float_type(Lowering& l, DType type) {
  if (!ir::is_float(type)) l.fail("random numbers of type {} are not supported", ir::user_name(type));
  return type;
}

template <Distribution distribution, bool like>
void lower_random(Lowering& l) {
  DType type = DType::f32;
  ir::Shape shape;
  if constexpr (like) {
    ir::Value* model = l.input(0);
    shape = model->shape;
    type = model->type;
  } else {
    for (const int64_t dim : l.ints_attribute("shape", {})) {
      if (dim < 0) l.fail("attribute 'shape' holds {}", dim);
      shape.emplace_back(dim);
    }
  }
  if (l.has_attribute("dtype")) type = element_type(l, l.int_attribute("dtype"), "dtype");
  constexpr bool normal = distribution == Distribution::normal;
  const double a = l.float_attribute(normal ? "mean" : "low", 0.0);
  const double b = l.float_attribute(normal ? "scale" : "high", 1.0);
  l.output(0, random_value(l, distribution, a, b, seed_attribute(l), float_type(l, type), shape));
}

const RegisterOperator operators[] = {
    RegisterOperator({.name = "RandomNormal",
                      .versions = {1, 22},
                      .types = {{"T", kFloats, outputs(0)}},
                      .lower = lower_random<Distribution::normal, false>}),
    RegisterOperator({.name = "RandomNormalLike",
                      .versions = {1, 22},
                      .types = {{"T1", kMovable, inputs(0)}, {"T2", kFloats, outputs(0)}},
                      .lower = lower_random<Distribution::normal, true>}),
    RegisterOperator({.name = "RandomUniform",
                      .versions = {1, 22},
                      .types = {{"T", kFloats, outputs(0)}},
                      .lower = lower_random<Distribution::uniform, false>}),
    RegisterOperator({.name = "RandomUniformLike",
                      .versions = {1, 22},
                      .types = {{"T1", kMovable, inputs(0)}, {"T2", kFloats, outputs(0)}},
                      .lower = lower_random<Distribution::uniform, true>}),
};

// 1 with the probability given by the input's element.
void lower_bernoulli(Lowering& l) {
  ir::Value* x = l.input(0);
  const DType type = l.has_attribute("dtype") ? element_type(l, l.int_attribute("dtype"), "dtype") : x->type;
  ir::Value* uniform =
      random_value(l, Distribution::uniform, 0, 1, seed_attribute(l), ir::compute_type(x->type), x->shape);
  l.output(0, l.b().map(type, {uniform, x}, [&](std::span<const Expr> e) {
    return ir::cast(ir::compute_type(type), ir::lt(e[0], e[1]));
  }));
}
const RegisterOperator bernoulli({.name = "Bernoulli",
                                  .versions = {15, 22},
                                  .types = {{"T1", kFloats, inputs(0)}, {"T2", kNumeric | kBool, outputs(0)}},
                                  .lower = lower_bernoulli});

// The class is the number of classes whose cumulated probability does not exceed a uniform number times the
// whole.
void lower_multinomial(Lowering& l) {
  ir::Value* x = l.input(0);  // [batch, classes], unnormalised log-probabilities
  l.expect_rank(x, 2, 2, "input 0");
  const int64_t samples = l.int_attribute("sample_size", 1);
  const DType type = element_type(l, l.int_attribute("dtype", ir::onnx_code(DType::i32)), "dtype");
  if (samples < 1 || !ir::is_integer(type))
    l.fail("attributes 'sample_size' and 'dtype' must be positive and an integer type");
  const DType real = ir::compute_type(x->type);
  const ir::Dim &batch = x->shape[0], &classes = x->shape[1];
  l.b().require(ir::Require::Relation::less_equal, 1, classes, "Multinomial needs at least one class");
  ir::Value* wide = l.b().cast(x, real);
  ir::Value* largest = l.b().reduce_axes(ir::Combiner::max, wide, {1}, true);
  ir::Value* weight = l.b().map(real, {wide, largest},
                                [](std::span<const Expr> e) { return ir::unary(ExprOp::exp, e[0] - e[1]); });
  ir::Value* up_to = l.b().cumulative(weight, ir::Combiner::sum, 1, false, false);
  ir::Value* uniform =
      random_value(l, Distribution::uniform, 0, 1, seed_attribute(l), real, {batch, samples});
  // The last class is not counted: it takes what is left.
  l.output(0, l.b().reduce(ir::Combiner::sum, type, {batch, samples}, {classes - 1},
                           [&](ir::Body& body, ir::Builder::Indices i) {
                             const Expr whole = body.at(up_to, {i[0], classes - 1});
                             const Expr exceeded =
                                 ir::le(body.at(up_to, {i[0], i[2]}), body.at(uniform, {i[0], i[1]}) * whole);
                             return ir::cast(ir::compute_type(type), exceeded);
                           }));
}
const RegisterOperator multinomial({.name = "Multinomial",
                                    .versions = {7, 22},
                                    .types = {{"T1", kFloats, inputs(0)}, {"T2", kIntegers, outputs(0)}},
                                    .lower = lower_multinomial});

}  // namespace
}  // namespace o2w::onnx_frontend
