// ONNX Runtime's fused forms of Gelu: with a bias, as an approximation, as a gate.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/activation.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::ExprOp;
using ir::Value;

constexpr const char* kDomain = "com.microsoft";

// A bias has one entry per element of the last dimension.
void expect_bias(Lowering& l, const Value* bias, const Value* x) {
  l.expect_rank(x, 1, 64, "the input");
  l.expect_rank(bias, 1, 1, "the bias");
  require_equal(l, bias->shape[0], x->shape.back(), "size of the bias and of the input's last dimension");
}

// make(x + bias), where there is a bias.
void biased(Lowering& l, Value* bias, Expr (*make)(const Expr&)) {
  Value* x = l.input(0);
  if (bias == nullptr) {
    l.output(0, l.b().map1(x, make));
    return;
  }
  expect_bias(l, bias, x);
  l.output(0, l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return make(body.at(x, {i.begin(), i.end()}) + body.at(bias, {i.back()}));
  }));
}

const RegisterOperator ms_gelu(
    {.domain = kDomain, .name = "Gelu", .versions = {1}, .types = {{"T", kFloats}}, .lower = [](Lowering& l) {
       biased(l, nullptr, gelu);
     }});
const RegisterOperator bias_gelu({.domain = kDomain,
                                  .name = "BiasGelu",
                                  .versions = {1},
                                  .types = {{"T", kFloats}},
                                  .lower = [](Lowering& l) { biased(l, l.input(1), gelu); }});
const RegisterOperator fast_gelu({.domain = kDomain,
                                  .name = "FastGelu",
                                  .versions = {1},
                                  .types = {{"T", kFloats}},
                                  .lower = [](Lowering& l) { biased(l, l.optional_input(1), gelu_tanh); }});

// x * sigmoid(alpha * x).
const RegisterOperator quick_gelu({.domain = kDomain,
                                   .name = "QuickGelu",
                                   .versions = {1},
                                   .types = {{"T", kFloats}},
                                   .lower = [](Lowering& l) {
                                     const double alpha = l.float_attribute("alpha", 1.702);
                                     l.output(0, l.b().map1(l.input(0), [&](const Expr& x) {
                                       return x * ir::unary(ExprOp::sigmoid, x * alpha);
                                     }));
                                   }});

const RegisterOperator bias_add({.domain = kDomain,
                                 .name = "BiasAdd",
                                 .versions = {1},
                                 .types = {{"T", kFloats}},
                                 .lower = [](Lowering& l) {
                                   Value* x = l.input(0);
                                   Value* bias = l.input(1);
                                   Value* skip = l.input(2);
                                   expect_bias(l, bias, x);
                                   l.output(0,
                                            l.b().map(x->type, {x, bias, skip}, [](std::span<const Expr> e) {
                                              return e[0] + e[1] + e[2];
                                            }));
                                 }});

// x + bias is cut in two halves along the last dimension: left * gelu(right).
const RegisterOperator bias_split_gelu(
    {.domain = kDomain,
     .name = "BiasSplitGelu",
     .versions = {1},
     .types = {{"T", kFloats}},
     .lower = [](Lowering& l) {
       Value* x = l.input(0);
       Value* bias = l.input(1);
       expect_bias(l, bias, x);
       ir::Shape shape = x->shape;
       const ir::Dim half = divide_exactly(l, shape.back(), 2, "halves of the last dimension");
       shape.back() = half;
       l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
         const auto read = [&](const Expr& last) {
           std::vector<Expr> at(i.begin(), i.end());
           at.back() = last;
           return body.at(x, at) + body.at(bias, {last});
         };
         return read(i.back()) * gelu(read(i.back() + Expr(half)));
       }));
     }});

}  // namespace
}  // namespace o2w::onnx_frontend
