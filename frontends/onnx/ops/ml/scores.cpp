#include "frontends/onnx/ops/ml/scores.h"

#include "frontends/onnx/ops/softmax/softmax.h"

namespace o2w::onnx_frontend::ml {

using ir::Combiner;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;
using Indices = ir::Builder::Indices;

Value* rows_input(Lowering& l, int i, DType type) {
  Value* x = l.input(i);
  l.expect_rank(x, 1, 2, "the input");
  if (x->rank() == 1) x = l.b().view(x, {1, x->shape[0]});
  return l.b().cast(x, type);
}

DType threshold_type(Lowering& l, int i) { return l.input(i)->type == DType::f64 ? DType::f64 : DType::f32; }

Value* constant_numbers(Lowering& l, DType type, std::vector<int64_t> dims,
                        const std::vector<double>& numbers) {
  ir::Tensor tensor(type, std::move(dims));
  for (std::size_t i = 0; i < numbers.size(); ++i) tensor.set_double(static_cast<int64_t>(i), numbers[i]);
  return l.b().constant(std::move(tensor));
}

Value* constant_integers(Lowering& l, DType type, const std::vector<int64_t>& numbers) {
  ir::Tensor tensor(type, {static_cast<int64_t>(numbers.size())});
  for (std::size_t i = 0; i < numbers.size(); ++i) tensor.set_int(static_cast<int64_t>(i), numbers[i]);
  return l.b().constant(std::move(tensor));
}

PostTransform post_transform_attribute(Lowering& l) {
  const std::string name = l.string_attribute("post_transform", "NONE");
  if (name == "NONE") return PostTransform::none;
  if (name == "SOFTMAX") return PostTransform::softmax;
  if (name == "LOGISTIC") return PostTransform::logistic;
  if (name == "SOFTMAX_ZERO") return PostTransform::softmax_zero;
  if (name == "PROBIT") return PostTransform::probit;
  l.fail("post_transform is '{}', but must be NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT", name);
}

// sqrt(2) times the inverse error function of 2x - 1, the latter by Winitzki's approximation with a = 0.147.
Expr probit(const Expr& x) {
  const Expr y = x * 2.0 - 1.0;
  const Expr log = ir::unary(ExprOp::log, (Expr(1.0) - y) * (Expr(1.0) + y));
  constexpr float a = 0.147F, pi = 3.14159265F;
  const Expr half = log * 0.5 + static_cast<double>(2.0F / (pi * a));
  const Expr root = ir::unary(ExprOp::sqrt, half * half - log * static_cast<double>(1.0F / a));
  const Expr magnitude = ir::unary(ExprOp::sqrt, root - half);
  return ir::select(ir::lt(y, 0.0), -magnitude, magnitude) * static_cast<double>(1.41421356F);
}

namespace {

// Softmax in which scores of zero get no share: they stay zero.
Value* softmax_zero(Lowering& l, Value* scores) {
  ir::Builder& b = l.b();
  const auto is_zero = [](const Expr& x) { return ir::le(ir::unary(ExprOp::abs, x), 1e-7); };
  Value* largest = b.reduce_axes(Combiner::max, scores, {1}, true);
  Value* powers = b.map(DType::f32, {scores, largest}, [&](std::span<const Expr> e) {
    return ir::select(is_zero(e[0]), e[0] * ir::unary(ExprOp::exp, -e[1]),
                      ir::unary(ExprOp::exp, e[0] - e[1]));
  });
  Value* sum = b.reduce(
      Combiner::sum, DType::f32, {scores->shape[0]}, {scores->shape[1]}, [&](ir::Body& body, Indices i) {
        return ir::select(is_zero(body.at(scores, {i[0], i[1]})), Expr(0.0), body.at(powers, {i[0], i[1]}));
      });
  return b.tabulate(DType::f32, scores->shape, [&](ir::Body& body, Indices i) {
    return body.at(powers, {i[0], i[1]}) / body.at(sum, {i[0]});
  });
}

}  // namespace

Value* transformed(Lowering& l, Value* scores, PostTransform transform) {
  switch (transform) {
    case PostTransform::none:
      break;
    case PostTransform::softmax:
      return softmax(l, scores, {1}, DType::f32);
    case PostTransform::softmax_zero:
      return softmax_zero(l, scores);
    case PostTransform::logistic:
      return l.b().map1(scores, [](const Expr& x) { return ir::unary(ExprOp::sigmoid, x); });
    case PostTransform::probit:
      return l.b().map1(scores, probit);
  }
  return scores;
}

Labels::Labels(Lowering& l, const char* strings_attribute, const char* integers_attribute)
    : strings_(l.strings_attribute(strings_attribute, {})),
      integers_(l.ints_attribute(integers_attribute, {})) {
  if (strings_.empty() && integers_.empty()) {
    l.fail("attribute '{}' or '{}' must list the classes", strings_attribute, integers_attribute);
  }
}

Labels Labels::for_two_classes() const {
  if (count() == 2) return *this;
  return are_strings() ? Labels(std::vector<std::string>{"0", "1"}) : Labels(std::vector<int64_t>{0, 1});
}

Value* Labels::all(Lowering& l) const {
  if (are_strings()) {
    return l.b().constant(ir::Tensor::of_strings({static_cast<int64_t>(strings_.size())}, strings_));
  }
  return constant_integers(l, DType::i64, integers_);
}

Value* Labels::at(Lowering& l, Value* positions) const {
  Value* labels = all(l);
  return l.b().tabulate(labels->type, positions->shape, [&](ir::Body& body, Indices i) {
    const Expr position = ir::cast(DType::index, body.at(positions, {i[0]}));
    return body.at(labels, {position});
  });
}

}  // namespace o2w::onnx_frontend::ml
