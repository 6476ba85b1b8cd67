// The plain ABI over the stand-in model of linear_memory.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "compiler/codegen/dim_bytes.h"
#include "runtime-lib/allocator.h"
#include "runtime-lib/dims.h"
#include "runtime-lib/model_abi.h"
#include "runtime-lib/platform.h"
#include "tests/runtime/linear_memory.h"

extern "C" {
uint32_t o2w_alloc(uint32_t bytes);
void o2w_free(uint32_t address);
uint32_t o2w_input_count();
uint32_t o2w_output_count();
uint32_t o2w_input(uint32_t index);
uint32_t o2w_output(uint32_t index);
int32_t o2w_set_input_shape(uint32_t index, uint32_t dims, uint32_t rank);
int32_t o2w_prepare();
int32_t o2w_run();
}

namespace o2w::runtime {
namespace {

using runtime_test::last_error;
using testing::ElementsAre;
using testing::HasSubstr;

class Plain : public testing::Test {
 protected:
  void SetUp() override { runtime_test::install_model(); }

  static int32_t set_shape(uint32_t index, const std::vector<uint32_t>& dims) {
    const uint32_t address = o2w_alloc(64);
    std::memcpy(at<char>(address), dims.data(), dims.size() * 4);
    const int32_t error = o2w_set_input_shape(index, address, static_cast<uint32_t>(dims.size()));
    o2w_free(address);
    return error;
  }
  static const abi::PortDescriptor& input(uint32_t index) {
    return *at<abi::PortDescriptor>(o2w_input(index));
  }
  static const abi::PortDescriptor& output(uint32_t index) {
    return *at<abi::PortDescriptor>(o2w_output(index));
  }
  template <typename T>
  static std::vector<T> contents(const abi::PortDescriptor& port) {
    std::vector<T> result(port.bytes / sizeof(T));
    if (!result.empty()) std::memcpy(result.data(), at<char>(port.data), port.bytes);
    return result;
  }
  static void fill(const std::vector<float>& x, int64_t k) {
    std::memcpy(at<char>(input(0).data), x.data(), x.size() * sizeof(float));
    std::memcpy(at<char>(input(1).data), &k, sizeof k);
  }
};

TEST_F(Plain, DescribesItsPorts) {
  EXPECT_EQ(o2w_input_count(), 2u);
  EXPECT_EQ(o2w_output_count(), 4u);
  const abi::PortDescriptor& x = input(0);
  EXPECT_EQ(std::string(at<char>(x.name), x.name_length), "x");
  EXPECT_EQ(x.dtype, 1u);
  EXPECT_EQ(x.rank, 2u);
  EXPECT_EQ(x.dims[1], 3);
  EXPECT_EQ(o2w_input(2), 0u);
  EXPECT_THAT(last_error(), HasSubstr("no input 2"));
  EXPECT_EQ(o2w_output(4), 0u);
}

TEST_F(Plain, RunsInPlaceAndAgain) {
  ASSERT_EQ(set_shape(0, {1, 3}), abi::kSuccess) << last_error();
  ASSERT_EQ(o2w_prepare(), abi::kSuccess) << last_error();
  fill({1, -2, 3}, 1);
  ASSERT_EQ(o2w_run(), abi::kSuccess) << last_error();
  EXPECT_THAT(contents<float>(output(0)), ElementsAre(3, -3, 7));
  EXPECT_THAT(contents<float>(output(1)), ElementsAre(1, 3));
  EXPECT_EQ(output(1).dims[0], 2);
  EXPECT_THAT(contents<int64_t>(output(2)), ElementsAre(7, 9));
  EXPECT_EQ(output(3).data, output(0).data);

  const uint32_t data = input(0).data;
  ASSERT_EQ(set_shape(0, {1, 3}), abi::kSuccess);
  ASSERT_EQ(o2w_prepare(), abi::kSuccess);
  EXPECT_EQ(input(0).data, data) << "a shape set again must not move the input";
  fill({0, 0, 0}, 0);
  ASSERT_EQ(o2w_run(), abi::kSuccess);
  EXPECT_EQ(output(1).bytes, 0u);

  ASSERT_EQ(set_shape(0, {2, 3}), abi::kSuccess);
  EXPECT_EQ(input(0).data, 0u) << "not valid before the next prepare";
  ASSERT_EQ(o2w_prepare(), abi::kSuccess);
  fill({1, 2, 3, 4, 5, 6}, 0);
  ASSERT_EQ(o2w_run(), abi::kSuccess);
  EXPECT_THAT(contents<float>(output(0)), ElementsAre(2, 4, 6, 8, 10, 12));
}

TEST_F(Plain, SteadyStateAllocatesNothing) {
  ASSERT_EQ(set_shape(0, {4, 3}), abi::kSuccess);
  ASSERT_EQ(o2w_prepare(), abi::kSuccess);
  fill(std::vector<float>(12, 1.0f), 0);
  ASSERT_EQ(o2w_run(), abi::kSuccess);
  HeapStatistics before, after;
  ASSERT_TRUE(inspect_heap(before));
  const uint64_t memory = memory_bytes();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(o2w_run(), abi::kSuccess);
  ASSERT_TRUE(inspect_heap(after));
  EXPECT_EQ(after.used_bytes, before.used_bytes);
  EXPECT_EQ(memory_bytes(), memory);
}

TEST_F(Plain, RefusesBadShapes) {
  EXPECT_EQ(set_shape(0, {1, 2}), abi::kInvalidArgument);
  EXPECT_EQ(set_shape(0, {1, 3, 1}), abi::kInvalidArgument);
  EXPECT_EQ(set_shape(5, {1}), abi::kInvalidArgument);
  EXPECT_EQ(o2w_set_input_shape(0, 0, 2), abi::kInvalidArgument);
  EXPECT_EQ(o2w_set_input_shape(0, 0xfffffff0, 0xffffffff), abi::kInvalidArgument);
  EXPECT_EQ(set_shape(0, {1000001, 3}), abi::kTooLarge);
  EXPECT_THAT(last_error(), HasSubstr("1..1000000"));
}

TEST(Dims, RunLikeTheCompilersOwn) {
  const auto make = [](const char* name) {
    return std::make_shared<const ir::Symbol>(ir::Symbol{name, 0, 1 << 20, true});
  };
  const std::vector<ir::SymbolRef> symbols = {make("a"), make("b")};
  const ir::Dim a = ir::Dim::symbol(symbols[0]), b = ir::Dim::symbol(symbols[1]);
  const ir::Dim dims[] = {ir::Dim(0),
                          ir::Dim(-5),
                          a,
                          a * b * 3 - b + 7,
                          a * a,
                          ir::floordiv(a - 7, 3),
                          ir::ceildiv(a * 2 - 9, 4),
                          ir::mod(a - b, 5),
                          ir::min(a, ir::max(b, 4)) * 2,
                          ir::broadcast(a, b),
                          ir::floordiv(ir::ceildiv(a, 2) + ir::mod(b, 3), ir::max(a, 1))};
  for (const ir::Dim& dim : dims) {
    const std::vector<uint8_t> code = codegen::DimBytes(symbols).code(dim);
    for (int64_t x : {0, 1, 2, 5, 17, 1000}) {
      for (int64_t y : {0, 1, 3, 8, 999}) {
        const int64_t values[] = {x, y};
        EXPECT_EQ(evaluate(code.data(), values), dim.evaluate({{"a", x}, {"b", y}})) << dim.to_string();
      }
    }
  }
}

TEST(Dims, Saturate) {
  EXPECT_EQ(multiply_saturating(INT64_MAX, 2), INT64_MAX);
  EXPECT_EQ(multiply_saturating(INT64_MAX, -2), INT64_MIN);
  EXPECT_EQ(multiply_saturating(INT64_MIN, INT64_MIN), INT64_MAX);
  EXPECT_EQ(multiply_saturating(int64_t{1} << 32, int64_t{1} << 31), INT64_MAX);
  EXPECT_EQ(multiply_saturating(3037000499, 3037000499), int64_t{3037000499} * 3037000499);
  EXPECT_EQ(multiply_saturating(-3, 5), -15);
  EXPECT_EQ(add_saturating(INT64_MAX, 1), INT64_MAX);
  EXPECT_EQ(add_saturating(INT64_MIN, -1), INT64_MIN);
}

}  // namespace
}  // namespace o2w::runtime
