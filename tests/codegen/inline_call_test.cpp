// Which functions of the runtime library stand in place of their calls: loops are half as fast with a call in
// them, and what a C++ compiler makes of a function is straight-line code, or is not.
#include "compiler/codegen/inline_call.h"

#include <gtest/gtest.h>
#include <runtime_blob.h>

#include "compiler/package/wasm_binary.h"

namespace o2w::codegen {
namespace {

class InlineCall : public ::testing::TestWithParam<const char*> {
 protected:
  InlineCall() {
    const auto size = static_cast<std::size_t>(o2w_runtime_blob_end - o2w_runtime_blob_begin);
    std::vector<uint8_t> blob = package::without_linking({o2w_runtime_blob_begin, size});
    module_ = BinaryenModuleRead(reinterpret_cast<char*>(blob.data()), blob.size());
  }
  ~InlineCall() override { BinaryenModuleDispose(module_); }
  BinaryenModuleRef module_ = nullptr;
};

TEST_P(InlineCall, VectorFunctionsAreStraightLineCode) {
  FunctionTable functions(module_);
  FunctionBuilder f(module_, "caller");
  const Var<I32> x = f.param<I32>();
  const std::string callee = std::string("o2w_") + GetParam() + "_f32x4";
  ASSERT_NE(BinaryenGetFunction(module_, callee.c_str()), nullptr);
  f.store_v128(
      x, V128(call_in_place(functions, f, callee, FunctionBuilder::arguments(load_v128(x)), WasmType::v128)));
  f.finish();
  EXPECT_TRUE(functions.copied().contains(callee));
}

INSTANTIATE_TEST_SUITE_P(All, InlineCall, testing::Values("exp", "log", "sigmoid", "tanh", "erf"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace o2w::codegen
