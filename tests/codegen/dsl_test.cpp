#include "compiler/codegen/dsl.h"

#include <gtest/gtest.h>

#include "compiler/support/error.h"

namespace o2w::codegen {
namespace {

class DslTest : public ::testing::Test {
 protected:
  DslTest() {
    BinaryenModuleSetFeatures(module_, BinaryenFeatureSIMD128() | BinaryenFeatureBulkMemory());
    BinaryenSetMemory(module_, 1, -1, "memory", nullptr, nullptr, nullptr, nullptr, 0, false);
  }
  ~DslTest() override { BinaryenModuleDispose(module_); }
  BinaryenModuleRef module_ = BinaryenModuleCreate();
};

TEST_F(DslTest, LoopOverVectorsValidates) {
  FunctionBuilder f(module_, "scale");
  Var<I32> x = f.param<I32>(), n = f.param<I32>();
  Var<V128> two = f.local<V128>(f32x4::splat(2.0f + f.f32(0)));
  Var<I32> i = f.local<I32>();
  f.for_range(i, 0, n, 16, [&] { f.store_v128(x + i, f32x4::mul(load_v128(x + i), two)); });
  f.finish();
  EXPECT_TRUE(BinaryenModuleValidate(module_));
}

TEST_F(DslTest, UsingAValueTwiceIsAnInternalError) {
  FunctionBuilder f(module_, "twice");
  Var<I32> x = f.param<I32>();
  I32 sum = x + 1;
  f.drop(std::move(sum));
  EXPECT_THROW(f.drop(std::move(sum)), InternalError);
}

TEST_F(DslTest, WrongTypeIsAnInternalError) {
  FunctionBuilder f(module_, "types");
  const Local x = f.add_param(WasmType::f32);
  EXPECT_THROW(I32(x.get()), InternalError);
  EXPECT_THROW(x.set(f.i32(1)), InternalError);
}

TEST_F(DslTest, ConstantAddressesFold) {
  FunctionBuilder f(module_, "fold");
  Var<I32> x = f.param<I32>();
  I32 sum = (f.i32(4) * 8) + 1;
  EXPECT_EQ(sum.constant_i32(), 33);
  I32 same = x * 1 + 0;
  f.drop(std::move(same));
  f.finish();
  EXPECT_TRUE(BinaryenModuleValidate(module_));
}

}  // namespace
}  // namespace o2w::codegen
