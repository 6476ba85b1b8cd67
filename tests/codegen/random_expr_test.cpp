// Random expressions over every element type, against the reference evaluator.
#include <gtest/gtest.h>

#include <random>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"
#include "compiler/package/interpreted_model.h"
#include "compiler/package/package.h"
#include "tests/codegen/nest_program.h"
#include "tests/support/tensors.h"

namespace o2w::test {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;

// Operators whose results are exact, so that any difference is a mistake.
class RandomExpr {
 public:
  RandomExpr(std::mt19937& engine, std::vector<Expr> leaves) : engine_(engine), leaves_(std::move(leaves)) {}

  Expr make(int depth) {
    if (depth == 0) return pick(leaves_);
    const DType type = leaves_[0]->type;
    const Expr a = make(depth - 1);
    const Expr b = below(4) == 0 ? a : make(depth - 1);  // shared at times
    switch (below(12)) {
      case 0:
        return a + b;
      case 1:
        return a - b;
      case 2:
        return a * b;
      case 3:
        return a / b;
      case 4:
        return ir::min(a, b);
      case 5:
        return ir::max(a, b);
      case 6:
        return ir::select(ir::lt(a, b), make(depth - 1), b);
      case 7:
        return ir::select(ir::eq(a, b) || ir::gt(a, b), a, make(depth - 1));
      case 8:
        return ir::unary(ExprOp::abs, a);
      case 9:
        return ir::max(a, ir::literal_of(type, 1));
      case 10:
        return ir::cast(type, ir::cast(below(2) == 0 ? DType::i32 : DType::f32, a));
      default:
        return ir::is_float(type) ? ir::unary(ExprOp::floor, a) : ir::floordiv(a, b) + ir::mod(b, a);
    }
  }

 private:
  int below(int n) { return static_cast<int>(engine_() % static_cast<unsigned>(n)); }
  Expr pick(const std::vector<Expr>& from) { return from[engine_() % from.size()]; }

  std::mt19937& engine_;
  std::vector<Expr> leaves_;
};

class RandomExprTest : public ::testing::TestWithParam<DType> {};

TEST_P(RandomExprTest, AgreesWithTheEvaluator) {
  const DType type = GetParam();
  for (unsigned seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 engine(seed * 100 + static_cast<unsigned>(type));
    ir::Graph graph;
    ir::Builder builder(graph);
    std::vector<ir::Value*> values;
    std::vector<ir::Tensor> tensors;
    for (int k = 0; k < 2; ++k) {
      ir::Value* value = graph.new_value(type, {2, 9}, "x" + std::to_string(k));
      graph.region.parameters.push_back(value);
      graph.inputs.push_back({value->name, value});
      values.push_back(value);
      ir::Tensor tensor(type, {2, 9});
      for (int64_t i = 0; i < tensor.count(); ++i) {
        const int number = static_cast<int>(engine() % 201) - 100;
        if (ir::is_float(type)) {
          tensor.set_double(i, number / 8.0);
        } else {
          tensor.set_int(i, number);
        }
      }
      tensors.push_back(tensor);
    }
    ir::Value* result = builder.map(type, values, [&](std::span<const Expr> e) {
      RandomExpr random(engine, {e[0], e[1]});
      return random.make(4) + e[0] + e[1];
    });
    graph.region.results.push_back(result);
    graph.outputs.push_back({"y", result});
    Diagnostics diagnostics;
    const auto package =
        package::make_package(program_of(graph), {.level = 0, .version = "test"}, diagnostics);
    ASSERT_TRUE(package.has_value()) << diagnostics.to_string();
    package::InterpretedModel module(package->wasm.joined());
    const ir::Tensor got = module.run(tensors)[0];
    const ir::Tensor expected = eval::evaluate(graph, tensors)[0];
    const auto wrong = difference(got, expected, {0, 0});
    EXPECT_FALSE(wrong.has_value()) << *wrong;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, RandomExprTest,
                         ::testing::Values(DType::f32, DType::f64, DType::i8, DType::u8, DType::i16,
                                           DType::u16, DType::i32, DType::u32, DType::i64, DType::u64),
                         [](const auto& instance) { return std::string(ir::name(instance.param)); });

}  // namespace
}  // namespace o2w::test
