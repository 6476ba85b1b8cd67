// The total semantics of scalar expressions (compiler/ir/expr.h), through whole nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"
#include "compiler/support/error.h"

namespace o2w {
namespace {

using ir::Body;
using ir::Builder;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Graph;
using ir::Tensor;
using ir::Value;
using testing::ElementsAre;

template <typename T>
Tensor vector_of(DType type, const std::vector<T>& values) {
  Tensor tensor(type, {static_cast<int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>)
      tensor.set_double(static_cast<int64_t>(i), values[i]);
    else
      tensor.set_int(static_cast<int64_t>(i), static_cast<int64_t>(values[i]));
  }
  return tensor;
}

// A graph with 1-D inputs of the tensors' types and one output that `make` builds.
Tensor run(const std::vector<Tensor>& inputs,
           const std::function<Value*(Builder&, const std::vector<Value*>&)>& make) {
  Graph graph;
  std::vector<Value*> values;
  for (const Tensor& input : inputs) {
    Value* value = graph.new_value(input.type(), {ir::Dim(input.dims()[0])}, "x");
    values.push_back(value);
    graph.region.parameters.push_back(value);
    graph.inputs.push_back({"x" + std::to_string(graph.inputs.size()), value});
  }
  Builder builder(graph);
  Value* result = make(builder, values);
  graph.region.results.push_back(result);
  graph.outputs.push_back({"y", result});
  return eval::evaluate(graph, inputs).at(0);
}

std::vector<int64_t> integers(const Tensor& tensor) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < tensor.count(); ++i) values.push_back(tensor.as_int(i));
  return values;
}

Tensor run_binary(ExprOp op, const Tensor& a, const Tensor& b) {
  return run({a, b}, [&](Builder& builder, const std::vector<Value*>& x) {
    return builder.map(a.type(), x, [&](std::span<const Expr> e) { return ir::binary(op, e[0], e[1]); });
  });
}

constexpr int64_t lowest = std::numeric_limits<int32_t>::min(), highest = std::numeric_limits<int32_t>::max();

TEST(Expressions, IntegersWrapAndNeverTrap) {
  const Tensor a = vector_of<int64_t>(DType::i32, {highest, lowest, 7, -7, 7});
  const Tensor b = vector_of<int64_t>(DType::i32, {1, -1, 0, 2, -2});
  EXPECT_THAT(integers(run_binary(ExprOp::add, a, b)), ElementsAre(lowest, highest, 7, -5, 5));
  EXPECT_THAT(integers(run_binary(ExprOp::div, a, b)), ElementsAre(highest, lowest, 0, -3, -3));
  EXPECT_THAT(integers(run_binary(ExprOp::floordiv, a, b)), ElementsAre(highest, lowest, 0, -4, -4));
  EXPECT_THAT(integers(run_binary(ExprOp::mod, a, b)), ElementsAre(0, 0, 0, 1, -1));
  EXPECT_THAT(integers(run_binary(ExprOp::fmod, a, b)), ElementsAre(0, 0, 0, -1, 1));
}

TEST(Expressions, ShiftsByTheWidthOrMoreGiveZero) {
  const Tensor a = vector_of<int64_t>(DType::i32, {-8, 1, 1});
  const Tensor b = vector_of<int64_t>(DType::i32, {1, 32, -1});
  EXPECT_THAT(integers(run_binary(ExprOp::shift_right, a, b)), ElementsAre(-4, 0, 0));
  EXPECT_THAT(integers(run_binary(ExprOp::shift_left, a, b)), ElementsAre(-16, 0, 0));
}

TEST(Expressions, FloatsSaturateWhenTheyBecomeIntegers) {
  const Tensor x = vector_of<double>(DType::f32, {3e9, -3e9, std::nan(""), -1.9, HUGE_VAL});
  const auto to = [&](DType type) {
    return integers(
        run({x}, [&](Builder& builder, const std::vector<Value*>& v) { return builder.cast(v[0], type); }));
  };
  EXPECT_THAT(to(DType::i32), ElementsAre(highest, lowest, 0, -1, highest));
  EXPECT_THAT(to(DType::u8), ElementsAre(255, 0, 0, 0, 255));
  EXPECT_THAT(to(DType::boolean), ElementsAre(1, 1, 1, 1, 1));
}

TEST(Expressions, MinAndMaxPassNanOn) {
  const Tensor a = vector_of<double>(DType::f32, {1, std::nan(""), -0.0});
  const Tensor b = vector_of<double>(DType::f32, {std::nan(""), 1, 0.0});
  const Tensor least = run_binary(ExprOp::min, a, b);
  EXPECT_TRUE(std::isnan(least.as_double(0)));
  EXPECT_TRUE(std::isnan(least.as_double(1)));
  EXPECT_TRUE(std::signbit(least.as_double(2)));
  EXPECT_FALSE(std::signbit(run_binary(ExprOp::max, a, b).as_double(2)));
}

// More points than one block, and an untaken side that would read outside.
TEST(Expressions, TheUntakenSideOfASelectDoesNotFail) {
  const int64_t n = 5000;
  Tensor x(DType::i64, {n});
  for (int64_t i = 0; i < n; ++i) x.set_int(i, i);
  const Tensor shifted = run({x}, [&](Builder& builder, const std::vector<Value*>& v) {
    return builder.tabulate(DType::i64, {ir::Dim(n)}, [&](Body& body, Builder::Indices i) {
      const Expr before = i[0] - Expr(3);
      return ir::select(ir::ge(before, Expr(0)), body.at(v[0], {ir::checked_index(before, ir::Dim(n))}),
                        ir::literal_int(DType::i64, -1));
    });
  });
  EXPECT_EQ(shifted.as_int(2), -1);
  EXPECT_EQ(shifted.as_int(3), 0);
  EXPECT_EQ(shifted.as_int(n - 1), n - 4);
}

TEST(Expressions, AnIndexOutOfRangeIsTheUsersError) {
  const auto gather = [](int64_t index) {
    return run({vector_of<int64_t>(DType::i64, {10, 20, 30}), vector_of<int64_t>(DType::i64, {index})},
               [](Builder& builder, const std::vector<Value*>& v) {
                 return builder.tabulate(DType::i64, {ir::Dim(1)}, [&](Body& body, Builder::Indices i) {
                   const Expr at = ir::cast(DType::index, body.at(v[1], {i[0]}));
                   return body.at(v[0], {ir::checked_index(at, ir::Dim(3))});
                 });
               });
  };
  EXPECT_EQ(gather(-1).as_int(0), 30);
  EXPECT_THROW(gather(3), ModelError);
  EXPECT_THROW(gather(-4), ModelError);
}

}  // namespace
}  // namespace o2w
