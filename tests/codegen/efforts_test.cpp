#include "compiler/codegen/efforts.h"

#include <gtest/gtest.h>

#include "compiler/codegen/canonical_nest.h"
#include "tests/codegen/nest_program.h"

namespace o2w::codegen {
namespace {

using namespace schedule;
using ir::Dim;
using ir::DType;
using ir::Expr;

// target[i] = a function of the old target[i], another one for every `number`.
LoopNest nest(const Dim& count, int number) {
  LoopNest made;
  made.outer = {count};
  made.operands = {test::row_major(DType::f32, {count})};
  const std::vector<Expr> at = {ir::index_var(0)};
  made.stages = {
      {.body = ir::read(0, DType::f32, at) * Expr(1.5 + number), .target = 0, .target_indices = at}};
  return made;
}

class Efforts : public testing::Test {
 protected:
  static Step call(LoopNest nest) {
    Call call;
    call.kernel = std::move(nest);
    return {std::move(call), {}};
  }
  Effort of(const LoopNest& nest, bool small = false) const {
    const std::map<std::string, Effort> efforts = nest_efforts(program_, small);
    const auto found = efforts.find(key_of(canonicalize(nest)));
    return found == efforts.end() ? Effort::most : found->second;
  }
  Program program_;
};

TEST_F(Efforts, GoWithTheTimeThatNestsTake) {
  program_.steps.push_back(call(nest(1000000, 0)));
  program_.steps.push_back(call(nest(900, 1)));
  program_.steps.push_back(call(nest(3000, 2)));
  program_.steps.push_back(call(nest(20000, 3)));
  EXPECT_EQ(of(nest(1000000, 0)), Effort::most);
  EXPECT_EQ(of(nest(900, 1)), Effort::least);
  EXPECT_EQ(of(nest(3000, 2)), Effort::some);
  EXPECT_EQ(of(nest(20000, 3)), Effort::most);
  EXPECT_EQ(of(nest(3000, 2), true), Effort::least);
}

TEST_F(Efforts, CountRepetitionsAndTakeOpenSizesAsLarge) {
  program_.steps.push_back(call(nest(1000000, 0)));
  const auto n = std::make_shared<ir::Symbol>(ir::Symbol{"n", 1, 1 << 20, true});
  program_.steps.push_back(call(nest(Dim::symbol(n) * 100, 1)));
  Repeat repeat;
  repeat.trip_count = Dim(1000);
  repeat.body = std::make_unique<Steps>();
  repeat.body->push_back(call(nest(900, 2)));
  program_.steps.push_back({std::move(repeat), {}});
  EXPECT_EQ(of(nest(Dim::symbol(n) * 100, 1)), Effort::most);
  EXPECT_EQ(of(nest(900, 2)), Effort::most);
}

TEST_F(Efforts, ANestAloneIsWorthTheMost) {
  program_.steps.push_back(call(nest(10, 0)));
  EXPECT_EQ(of(nest(10, 0)), Effort::most);
}

}  // namespace
}  // namespace o2w::codegen
