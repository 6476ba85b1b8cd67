// Nests of every form against the reference evaluator.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"
#include "compiler/package/interpreted_model.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "tests/codegen/nest_program.h"
#include "tests/support/tensors.h"

namespace o2w::test {
namespace {

using ir::Body;
using ir::Builder;
using ir::Combiner;
using ir::DType;
using ir::Expr;
using ir::Graph;
using ir::Shape;
using ir::Tensor;
using ir::Value;

Tensor random_tensor(DType type, const std::vector<int64_t>& dims, unsigned seed) {
  std::mt19937 engine(seed);
  Tensor tensor(type, dims);
  for (int64_t k = 0; k < tensor.count(); ++k) {
    const double value = std::uniform_real_distribution<double>(-4, 4)(engine);
    if (ir::is_float(type)) {
      tensor.set_double(k, value);
    } else if (type == DType::boolean) {
      tensor.set_int(k, value > 0);
    } else {
      tensor.set_int(k, static_cast<int64_t>(value * 20));
    }
  }
  return tensor;
}

std::vector<uint8_t> compile(const schedule::Program& program) {
  Diagnostics diagnostics;
  const auto package = package::make_package(program, {.level = 1, .version = "test"}, diagnostics);
  if (!package) throw std::runtime_error(diagnostics.to_string());
  return package->wasm.joined();
}

class NestTest : public ::testing::Test {
 protected:
  Value* input(DType type, const Shape& shape) {
    Value* value = graph_.new_value(type, shape, "x" + std::to_string(graph_.inputs.size()));
    graph_.region.parameters.push_back(value);
    graph_.inputs.push_back({value->name, value});
    return value;
  }
  void output(Value* value) {
    graph_.region.results.push_back(value);
    graph_.outputs.push_back({"y", value});
  }
  // Compiles and runs the graph's node; compares with the evaluator.
  void check(const std::vector<Tensor>& inputs, const Tolerance& tolerance = {1e-5, 1e-6}) {
    package::InterpretedModel module(compile(program_of(graph_)));
    compare(module, inputs, tolerance);
  }
  void compare(package::InterpretedModel& module, const std::vector<Tensor>& inputs,
               const Tolerance& tolerance = {1e-5, 1e-6}) {
    const std::vector<Tensor> got = module.run(inputs);
    const std::vector<Tensor> expected = eval::evaluate(graph_, inputs);
    ASSERT_EQ(got.size(), expected.size());
    const auto wrong = difference(got[0], expected[0], tolerance);
    EXPECT_FALSE(wrong.has_value()) << *wrong;
  }

  Graph graph_;
  Builder b_{graph_};
};

TEST_F(NestTest, ElementwiseWithTail) {
  Value* x = input(DType::f32, {3, 7});
  output(b_.map1(x, [](const Expr& e) { return ir::max(e, Expr(0.0)) * Expr(2.0) + Expr(1.0); }));
  check({random_tensor(DType::f32, {3, 7}, 1)});
}

TEST_F(NestTest, Transcendental) {
  Value* x = input(DType::f32, {19});
  output(b_.map1(x, [](const Expr& e) { return ir::unary(ir::ExprOp::sigmoid, e) * e; }));
  check({random_tensor(DType::f32, {19}, 2)});
}

TEST_F(NestTest, BroadcastPerChannel) {
  Value* x = input(DType::f32, {2, 5, 9});
  Value* scale = input(DType::f32, {5, 1});
  output(b_.map(DType::f32, {x, scale},
                [](std::span<const Expr> e) { return e[0] * ir::unary(ir::ExprOp::sqrt, e[1] * e[1]); }));
  check({random_tensor(DType::f32, {2, 5, 9}, 3), random_tensor(DType::f32, {5, 1}, 4)});
}

TEST_F(NestTest, TransposedRead) {
  Value* x = input(DType::f32, {6, 11});
  output(b_.transpose(x, {1, 0}));
  check({random_tensor(DType::f32, {6, 11}, 5)});
}

TEST_F(NestTest, SumOverRows) {
  Value* x = input(DType::f32, {5, 23});
  output(b_.reduce_axes(Combiner::sum, x, {1}, false));
  check({random_tensor(DType::f32, {5, 23}, 6)});
}

TEST_F(NestTest, SumOverColumns) {
  Value* x = input(DType::f32, {8, 13});
  output(b_.reduce_axes(Combiner::sum, x, {0}, false));
  check({random_tensor(DType::f32, {8, 13}, 7)});
}

// Long enough for rounds of several vectors, one vector and single elements.
TEST_F(NestTest, LongRowsWithNaN) {
  Value* x = input(DType::f32, {3, 43});
  output(b_.reduce_axes(Combiner::max, x, {1}, false));
  Tensor data = random_tensor(DType::f32, {3, 43}, 31);
  data.set_double(50, std::nan(""));
  check({data});
}

TEST_F(NestTest, SumOverColumnsOfManyVectors) {
  Value* x = input(DType::f32, {7, 43});
  output(b_.reduce_axes(Combiner::sum, x, {0}, false));
  check({random_tensor(DType::f32, {7, 43}, 32)});
}

TEST_F(NestTest, MinimumOverColumns) {
  Value* x = input(DType::i32, {5, 39});
  output(b_.reduce_axes(Combiner::min, x, {0}, false));
  check({random_tensor(DType::i32, {5, 39}, 33)});
}

// Whole blocks, and rows and columns that are left at both edges.
TEST_F(NestTest, PermutesPlaneByPlane) {
  Value* x = input(DType::f32, {2, 21, 3, 38});
  output(b_.transpose(x, {3, 2, 0, 1}));
  check({random_tensor(DType::f32, {2, 21, 3, 38}, 34)});
}

TEST_F(NestTest, PermutesOfAnySize) {
  const ir::Dim n = ir::Dim::symbol(graph_.new_symbol("n", 0, 1000, true));
  const ir::Dim m = ir::Dim::symbol(graph_.new_symbol("m", 0, 1000, true));
  Value* x = input(DType::i32, {n, m, 3});
  output(b_.transpose(x, {2, 1, 0}));
  package::InterpretedModel module(compile(program_of(graph_)));
  for (const auto& [rows, columns] :
       std::vector<std::pair<int64_t, int64_t>>{{3, 5}, {1, 1}, {17, 4}, {0, 4}, {34, 19}}) {
    SCOPED_TRACE(rows);
    compare(module, {random_tensor(DType::i32, {rows, columns, 3}, 35)});
  }
}

// Both sides of a choice by value, one of which is a call in scalar code, in vectors.
TEST_F(NestTest, ChoiceByValue) {
  Value* x = input(DType::f32, {27});
  Value* slope = input(DType::f32, {1});
  output(b_.map(DType::f32, {x, slope}, [](std::span<const Expr> e) {
    return ir::select(ir::lt(e[0], Expr(0.0)), e[1] * (ir::unary(ir::ExprOp::exp, e[0]) - Expr(1.0)), e[0]);
  }));
  check({random_tensor(DType::f32, {27}, 36), random_tensor(DType::f32, {1}, 37)});
}

TEST_F(NestTest, EveryVectorFunction) {
  Value* x = input(DType::f32, {26});
  output(b_.map1(x, [](const Expr& e) {
    const auto f = [&](ir::ExprOp op) { return ir::unary(op, e); };
    return f(ir::ExprOp::exp) + f(ir::ExprOp::tanh) + f(ir::ExprOp::erf) + f(ir::ExprOp::sigmoid) +
           f(ir::ExprOp::sin) + ir::unary(ir::ExprOp::log, e * e);
  }));
  check({random_tensor(DType::f32, {26}, 38)});
}

TEST_F(NestTest, MaxWithNaN) {
  Value* x = input(DType::f32, {4, 10});
  output(b_.reduce_axes(Combiner::max, x, {1}, true));
  Tensor data = random_tensor(DType::f32, {4, 10}, 8);
  data.set_double(13, std::nan(""));
  check({data});
}

TEST_F(NestTest, ArgMax) {
  Value* x = input(DType::f32, {4, 10});
  output(b_.reduce_axes(Combiner::arg_max, x, {1}, false));
  Tensor data = random_tensor(DType::f32, {4, 10}, 9);
  data.set_double(13, std::nan(""));
  check({data});
}

Tensor with_nan(std::vector<int64_t> dims, uint32_t seed, const std::vector<int64_t>& places) {
  Tensor data = random_tensor(DType::f32, std::move(dims), seed);
  for (const int64_t place : places) data.set_double(place, std::nan(""));
  return data;
}

// The first NaN of a row, wherever it stands: in vectors, beyond them, several in one vector.
const std::vector<int64_t> kFirstNaN = {0,       30 + 29,  60 + 9,   60 + 6,  90 + 14,
                                        90 + 13, 120 + 28, 120 + 27, 150 + 4, 150 + 29};

TEST_F(NestTest, ArgMaxOfNaN) {
  output(b_.reduce_axes(Combiner::arg_max, input(DType::f32, {7, 30}), {1}, false));
  check({with_nan({7, 30}, 41, kFirstNaN)});
}

TEST_F(NestTest, ArgMinOfNaN) {
  output(b_.reduce_axes(Combiner::arg_min, input(DType::f32, {7, 30}), {1}, false));
  check({with_nan({7, 30}, 42, kFirstNaN)});
}

TEST_F(NestTest, MaxOverColumnsWithNaN) {
  output(b_.reduce_axes(Combiner::max, input(DType::f32, {5, 39}), {0}, false));
  check({with_nan({5, 39}, 43, {3, 39 + 17, 78 + 38, 156 + 20})});
}

TEST_F(NestTest, MinOverColumnsWithNaN) {
  output(b_.reduce_axes(Combiner::min, input(DType::f32, {5, 39}), {0}, false));
  check({with_nan({5, 39}, 44, {3, 39 + 17, 78 + 38, 156 + 20})});
}

TEST_F(NestTest, WindowedMaximumWithPadding) {
  // Channels last, 3x3, one element of padding: guarded reads.
  Value* x = input(DType::f32, {6, 6, 10});
  output(b_.reduce(
      Combiner::max, DType::f32, {6, 6, 10}, {3, 3},
      [&](Body& body, Builder::Indices i) {
        return body.at(x, {i[0] + i[3] - Expr(1), i[1] + i[4] - Expr(1), i[2]});
      },
      [&](Body&, Builder::Indices i) {
        const Expr r = i[0] + i[3] - Expr(1);
        const Expr c = i[1] + i[4] - Expr(1);
        return ir::ge(r, Expr(0)) && ir::lt(r, Expr(6)) && ir::ge(c, Expr(0)) && ir::lt(c, Expr(6));
      }));
  check({random_tensor(DType::f32, {6, 6, 10}, 10)});
}

TEST_F(NestTest, PadInnermost) {
  Value* x = input(DType::f32, {3, 5});
  output(b_.tabulate(DType::f32, {3, 13}, [&](Body& body, Builder::Indices i) {
    const Expr column = i[1] - Expr(4);
    return ir::select(ir::ge(column, Expr(0)) && ir::lt(column, Expr(5)), body.at(x, {i[0], column}),
                      Expr(-1.0));
  }));
  check({random_tensor(DType::f32, {3, 5}, 11)});
}

TEST_F(NestTest, QuantizeToBytes) {
  Value* x = input(DType::f32, {21});
  output(b_.map(DType::u8, {x}, [](std::span<const Expr> e) {
    return ir::cast(DType::u8, ir::unary(ir::ExprOp::round_even, e[0] * Expr(50.0)) + Expr(128.0));
  }));
  check({random_tensor(DType::f32, {21}, 12)});
}

TEST_F(NestTest, DequantizeBytes) {
  Value* x = input(DType::i8, {21});
  output(b_.map(DType::f32, {x},
                [](std::span<const Expr> e) { return ir::cast(DType::f32, e[0]) * Expr(0.25); }));
  check({random_tensor(DType::i8, {21}, 13)});
}

TEST_F(NestTest, ComparisonsMakeBooleans) {
  Value* x = input(DType::f32, {3, 9});
  Value* y = input(DType::f32, {9});
  output(b_.map(DType::boolean, {x, y},
                [](std::span<const Expr> e) { return ir::lt(e[0], e[1]) || ir::gt(e[0], Expr(2.0)); }));
  check({random_tensor(DType::f32, {3, 9}, 14), random_tensor(DType::f32, {9}, 15)});
}

TEST_F(NestTest, IntegerDivisionNeverTraps) {
  for (const DType type : {DType::i8, DType::i32, DType::i64, DType::u8, DType::u32}) {
    graph_ = Graph();
    b_ = Builder(graph_);
    Value* x = input(type, {16});
    Value* y = input(type, {16});
    output(b_.map(type, {x, y}, [](std::span<const Expr> e) {
      return e[0] / e[1] + ir::mod(e[0], e[1]) * Expr(3) + ir::floordiv(e[0], e[1]) * Expr(5) +
             ir::binary(ir::ExprOp::fmod, e[0], e[1]) * Expr(7);
    }));
    Tensor a = random_tensor(type, {16}, 16);
    Tensor c = random_tensor(type, {16}, 17);
    c.set_int(0, 0);
    c.set_int(1, -1);
    if (type == DType::i8) a.set_int(1, -128);
    if (type == DType::i32) a.set_int(1, INT32_MIN);
    if (type == DType::i64) a.set_int(1, INT64_MIN);
    SCOPED_TRACE(ir::name(type));
    check({a, c});
  }
}

TEST_F(NestTest, GatherWithCheckedIndex) {
  Value* table = input(DType::f32, {6, 9});
  Value* rows = input(DType::i64, {4});
  output(b_.tabulate(DType::f32, {4, 9}, [&](Body& body, Builder::Indices i) {
    const Expr row = ir::checked_index(ir::cast(DType::index, body.at(rows, {i[0]})), 6);
    return body.at(table, {row, i[1]});
  }));
  schedule::Program program = program_of(graph_);
  std::get<schedule::Call>(program.steps[0].what).error = 0;
  package::InterpretedModel module(compile(program));
  Tensor indices(DType::i64, {4});
  indices.set_int(0, 5);
  indices.set_int(1, -6);
  indices.set_int(2, 0);
  indices.set_int(3, 3);
  const Tensor data = random_tensor(DType::f32, {6, 9}, 18);
  compare(module, {data, indices});
  indices.set_int(2, int64_t{1} << 32);
  EXPECT_THROW(module.run({data, indices}), ModelError);
  indices.set_int(2, 1);  // and it still works
  compare(module, {data, indices});
}

TEST_F(NestTest, DynamicSizesFromOneModule) {
  const ir::Dim n = ir::Dim::symbol(graph_.new_symbol("n", 0, 1000, true));
  const ir::Dim m = ir::Dim::symbol(graph_.new_symbol("m", 0, 1000, true));
  Value* x = input(DType::f32, {n, m});
  Value* y = input(DType::f32, {m});
  output(b_.map(DType::f32, {x, y}, [](std::span<const Expr> e) { return e[0] - e[1]; }));
  package::InterpretedModel module(compile(program_of(graph_)));
  for (const auto& [rows, columns] :
       std::vector<std::pair<int64_t, int64_t>>{{3, 5}, {1, 1}, {7, 16}, {0, 4}, {2, 33}}) {
    SCOPED_TRACE(rows);
    compare(module,
            {random_tensor(DType::f32, {rows, columns}, 19), random_tensor(DType::f32, {columns}, 20)});
  }
}

TEST_F(NestTest, BroadcastKnownOnlyAtRunTime) {
  const ir::Dim n = ir::Dim::symbol(graph_.new_symbol("n", 1, 1000, true));
  const ir::Dim m = ir::Dim::symbol(graph_.new_symbol("m", 1, 1000, true));
  Value* x = input(DType::f32, {4, n});
  Value* y = input(DType::f32, {4, m});
  output(b_.map(DType::f32, {x, y}, [](std::span<const Expr> e) { return e[0] * Expr(2.0) - e[1]; }));
  package::InterpretedModel module(compile(program_of(graph_)));
  for (const auto& [a, c] : std::vector<std::pair<int64_t, int64_t>>{{9, 9}, {1, 9}, {9, 1}, {1, 1}}) {
    compare(module, {random_tensor(DType::f32, {4, a}, 21), random_tensor(DType::f32, {4, c}, 22)});
  }
}

TEST_F(NestTest, HalfPrecision) {
  Value* x = input(DType::f16, {11});
  output(b_.map1(x, [](const Expr& e) { return e * e + Expr(0.5); }));
  check({random_tensor(DType::f16, {11}, 23)});
}

TEST_F(NestTest, DoublesAndLongs) {
  Value* x = input(DType::f64, {7});
  output(b_.map(DType::i64, {x}, [](std::span<const Expr> e) {
    return ir::cast(DType::i64, ir::unary(ir::ExprOp::floor, e[0] * Expr(1e10)));
  }));
  Tensor data = random_tensor(DType::f64, {7}, 24);
  data.set_double(0, std::nan(""));
  data.set_double(1, 1e300);
  check({data});
}

TEST(SoftmaxNest, StagesShareRows) {
  constexpr int64_t kRow = 39;
  const Shape shape = {3, kRow};
  schedule::LoopNest nest;
  nest.outer = {3};
  nest.operands = {row_major(DType::f32, shape), row_major(DType::f32, shape)};
  nest.temps = 2;
  const std::vector<Expr> at = {ir::index_var(0), ir::index_var(1)};
  const Expr x = ir::read(0, DType::f32, at);
  const Expr y = ir::read(1, DType::f32, at);
  schedule::Stage max{.loops = {kRow}, .body = x, .combiner = Combiner::max, .temp = 0};
  schedule::Stage exp{.loops = {kRow},
                      .body = ir::unary(ir::ExprOp::exp, x - ir::temp(0, DType::f32)),
                      .target = 1,
                      .target_indices = at};
  schedule::Stage sum{.loops = {kRow}, .body = y, .combiner = Combiner::sum, .temp = 1};
  schedule::Stage scale{
      .loops = {kRow}, .body = y * (Expr(1.0) / ir::temp(1, DType::f32)), .target = 1, .target_indices = at};
  nest.stages = {max, exp, sum, scale};
  package::InterpretedModel module(compile(program_of(nest)));
  const Tensor data = random_tensor(DType::f32, {3, kRow}, 30);
  const Tensor got = module.run({data})[0];
  for (int64_t row = 0; row < 3; ++row) {
    double total = 0;
    for (int64_t k = 0; k < kRow; ++k) total += std::exp(data.as_double(row * kRow + k));
    for (int64_t k = 0; k < kRow; ++k) {
      EXPECT_NEAR(got.as_double(row * kRow + k), std::exp(data.as_double(row * kRow + k)) / total, 1e-6);
    }
  }
}

}  // namespace
}  // namespace o2w::test
