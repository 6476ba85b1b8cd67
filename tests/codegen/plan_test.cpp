// Steps other than kernels: sizes bound from data, loops, branches, failures.
#include <gtest/gtest.h>

#include "compiler/package/interpreted_model.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "tests/codegen/nest_program.h"

namespace o2w::test {
namespace {

using namespace schedule;
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Tensor;

class PlanTest : public ::testing::Test {
 protected:
  int buffer(Storage storage, const Dim& bytes, int port = -1) {
    Buffer made;
    made.storage = storage;
    made.bytes = bytes;
    made.port = port;
    if (storage == Storage::arena) {
      made.offset = program_.arena_bytes;
      program_.arena_bytes += 64;
      made.last_use = 100;
    }
    program_.buffers.push_back(made);
    return static_cast<int>(program_.buffers.size()) - 1;
  }
  int input(DType type, const ir::Shape& shape) {
    const int port = static_cast<int>(program_.inputs.size());
    const int made = buffer(Storage::input, ir::element_count(shape) * Dim(ir::byte_size(type)), port);
    program_.inputs.push_back({"x" + std::to_string(port), type, shape, made});
    return made;
  }
  int output(DType type, const ir::Shape& shape) {
    const int made = buffer(Storage::output, ir::element_count(shape) * Dim(ir::byte_size(type)), 0);
    program_.outputs.push_back({"y", type, shape, made});
    return made;
  }
  static Step step(decltype(Step::what) what) {
    Step made;
    made.what = std::move(what);
    return made;
  }
  // target[i] = body(i, old target[i]), over `count` elements.
  static Step fill(int target, DType type, const Dim& count, const std::function<Expr(Expr, Expr)>& body) {
    LoopNest nest;
    nest.outer = {count};
    nest.operands = {row_major(type, {count})};
    const std::vector<Expr> at = {ir::index_var(0)};
    nest.stages = {{.body = body(at[0], ir::read(0, type, at)), .target = 0, .target_indices = at}};
    Call call;
    call.kernel = std::move(nest);
    call.pointers = {{target, 0}};
    return step(std::move(call));
  }
  package::InterpretedModel& module() {
    Diagnostics diagnostics;
    const auto package = package::make_package(program_, {.level = 1, .version = "test"}, diagnostics);
    if (!package) throw std::runtime_error(diagnostics.to_string());
    module_ = std::make_unique<package::InterpretedModel>(package->wasm.joined());
    return *module_;
  }
  static Tensor longs(const std::vector<int64_t>& values) {
    Tensor tensor(DType::i64, {static_cast<int64_t>(values.size())});
    for (std::size_t k = 0; k < values.size(); ++k) tensor.set_int(static_cast<int64_t>(k), values[k]);
    return tensor;
  }

  Program program_;
  std::unique_ptr<package::InterpretedModel> module_;
};

TEST_F(PlanTest, OutputSizedByDataWithinBounds) {
  const int sizes = input(DType::i64, {1});
  auto symbol = std::make_shared<ir::Symbol>(ir::Symbol{"n", 0, 1000, false});
  const Dim n = Dim::symbol(symbol);
  const int y = output(DType::i32, {n * Dim(2)});
  program_.buffers[static_cast<std::size_t>(y)].allocated_by_run = true;
  program_.symbols = {symbol};
  program_.is_static = false;
  program_.errors = {"n is out of range"};
  program_.steps.push_back(step(BindSymbols{{sizes, 0}, DType::i64, {symbol}, 0}));
  program_.steps.push_back(step(Allocate{y}));
  program_.steps.push_back(
      fill(y, DType::i32, n * Dim(2), [](Expr i, Expr) { return ir::cast(DType::i32, i) * Expr(3); }));
  package::InterpretedModel& wasm = module();
  for (int64_t count : {5, 0, 9}) {
    const Tensor got = wasm.run({longs({count})})[0];
    ASSERT_EQ(got.count(), 2 * count);
    for (int64_t k = 0; k < got.count(); ++k) EXPECT_EQ(got.as_int(k), 3 * k);
  }
  EXPECT_THROW(wasm.run({longs({1001})}), ModelError);
  EXPECT_THROW(wasm.run({longs({-1})}), ModelError);
  EXPECT_EQ(wasm.run({longs({2})})[0].count(), 4);
}

TEST_F(PlanTest, RepeatsUntilTheTripCountIsReached) {
  const int x = input(DType::i64, {1});
  const int y = output(DType::i64, {1});
  const int iteration = buffer(Storage::arena, 8);
  Call copy;
  copy.kernel = CopyBytes{8};
  copy.pointers = {{x, 0}, {y, 0}};
  program_.steps.push_back(step(std::move(copy)));
  Repeat repeat;
  repeat.trip_count = Dim(5);
  repeat.iteration = {iteration, 0};
  repeat.body = std::make_unique<Steps>();
  repeat.body->push_back(fill(y, DType::i64, 1, [](Expr, Expr old) { return old * Expr(2); }));
  program_.steps.push_back(step(std::move(repeat)));
  EXPECT_EQ(module().run({longs({3})})[0].as_int(0), 96);
}

TEST_F(PlanTest, BranchRunsOneSide) {
  const int condition = input(DType::boolean, {1});
  const int y = output(DType::i32, {3});
  Branch branch;
  branch.condition = {condition, 0};
  branch.then_steps = std::make_unique<Steps>();
  branch.else_steps = std::make_unique<Steps>();
  branch.then_steps->push_back(
      fill(y, DType::i32, 3, [](Expr, Expr) { return ir::literal_int(DType::i32, 1); }));
  branch.else_steps->push_back(
      fill(y, DType::i32, 3, [](Expr, Expr) { return ir::literal_int(DType::i32, 2); }));
  program_.steps.push_back(step(std::move(branch)));
  package::InterpretedModel& wasm = module();
  for (int64_t value : {1, 0}) {
    Tensor tensor(DType::boolean, {1});
    tensor.set_int(0, value);
    EXPECT_EQ(wasm.run({tensor})[0].as_int(2), value == 1 ? 1 : 2);
  }
}

}  // namespace
}  // namespace o2w::test
