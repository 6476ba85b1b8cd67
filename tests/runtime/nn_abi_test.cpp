// wasi-nn over the stand-in model of linear_memory.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "runtime-lib/allocator.h"
#include "runtime-lib/model_abi.h"
#include "runtime-lib/platform.h"
#include "tests/runtime/linear_memory.h"

extern "C" {
int32_t o2w_nn_load(uint32_t builders, uint32_t count, uint32_t encoding, uint32_t target, uint32_t graph);
int32_t o2w_nn_load_by_name(uint32_t name, uint32_t length, uint32_t graph);
int32_t o2w_nn_init_execution_context(uint32_t graph, uint32_t handle);
int32_t o2w_nn_set_input(uint32_t handle, uint32_t index, uint32_t tensor);
int32_t o2w_nn_compute(uint32_t handle);
int32_t o2w_nn_get_output(uint32_t handle, uint32_t index, uint32_t buffer, uint32_t size, uint32_t written);
int32_t o2w_nn_finalize_execution_context(uint32_t handle);
int32_t o2w_nn_unload(uint32_t graph);
}

namespace o2w::runtime {
namespace {

using runtime_test::last_error;
using testing::ElementsAre;
using testing::HasSubstr;

class Nn : public testing::Test {
 protected:
  void SetUp() override {
    runtime_test::install_model();
    host_ = allocate(4 << 20);
    ASSERT_NE(host_, 0u);
    ASSERT_EQ(o2w_nn_load(0, 0, 1, 0, host_), abi::kSuccess);
  }
  void TearDown() override {
    o2w_nn_unload(0);
    release(host_);
  }

  uint32_t new_context() {
    EXPECT_EQ(o2w_nn_init_execution_context(0, host_), abi::kSuccess);
    return load_unaligned<uint32_t>(host_);
  }
  // Puts the record at an odd address: hosts owe no alignment.
  template <typename T>
  int32_t set_input(uint32_t context, uint32_t index, uint8_t type, const std::vector<uint32_t>& dims,
                    const std::vector<T>& data) {
    const uint32_t record = host_ + 1, dims_at = host_ + 65, data_at = host_ + 257;
    std::memcpy(at<char>(dims_at), dims.data(), dims.size() * 4);
    std::memcpy(at<char>(data_at), data.data(), data.size() * sizeof(T));
    const abi::NnTensor tensor = {dims_at, static_cast<uint32_t>(dims.size()),
                                  type,    {0xaa, 0xbb, 0xcc},
                                  data_at, static_cast<uint32_t>(data.size() * sizeof(T))};
    store_unaligned(record, tensor);
    return o2w_nn_set_input(context, index, record);
  }
  void set_both(uint32_t context, const std::vector<float>& x, int64_t k) {
    EXPECT_EQ(set_input(context, 0, 1, {static_cast<uint32_t>(x.size() / 3), 3}, x), abi::kSuccess)
        << last_error();
    EXPECT_EQ(set_input(context, 1, 5, {}, std::vector<int64_t>{k}), abi::kSuccess) << last_error();
  }
  template <typename T>
  std::vector<T> output(uint32_t context, uint32_t index) {
    const uint32_t buffer = host_ + 1024, size = 1 << 20;
    EXPECT_EQ(o2w_nn_get_output(context, index, buffer, size, host_), abi::kSuccess) << last_error();
    std::vector<T> result(load_unaligned<uint32_t>(host_) / sizeof(T));
    std::memcpy(result.data(), at<char>(buffer), result.size() * sizeof(T));
    return result;
  }

  uint32_t host_ = 0;
};

TEST_F(Nn, Computes) {
  const uint32_t context = new_context();
  set_both(context, {1, -2, 3}, 10);
  ASSERT_EQ(o2w_nn_compute(context), abi::kSuccess) << last_error();
  EXPECT_THAT(output<float>(context, 0), ElementsAre(12, 6, 16));
  EXPECT_THAT(output<float>(context, 1), ElementsAre(1, 3));
  EXPECT_THAT(output<int64_t>(context, 2), ElementsAre(7, 9));
  EXPECT_THAT(output<float>(context, 3), ElementsAre(12, 6, 16));
}

TEST_F(Nn, ContextsDoNotDisturbEachOther) {
  const uint32_t a = new_context(), b = new_context();
  EXPECT_NE(a, b);
  set_both(a, {1, 2, 3}, 0);
  set_both(b, {1, 1, 1, 2, 2, 2}, 1);
  ASSERT_EQ(o2w_nn_compute(a), abi::kSuccess);
  ASSERT_EQ(o2w_nn_compute(b), abi::kSuccess);
  EXPECT_THAT(output<float>(a, 0), ElementsAre(2, 4, 6));
  EXPECT_THAT(output<float>(a, 1), ElementsAre(1, 2, 3));
  EXPECT_THAT(output<float>(b, 0), ElementsAre(3, 3, 3, 5, 5, 5));
}

TEST_F(Nn, ServesManyShapesWithoutLosingMemory) {
  const uint32_t context = new_context();
  HeapStatistics before = {}, after = {};
  for (int round = 0; round < 50; ++round) {
    const std::vector<float> x(static_cast<std::size_t>(3 * (1 + round * 7 % 40)), 1.5f);
    set_both(context, x, round);
    ASSERT_EQ(o2w_nn_compute(context), abi::kSuccess) << last_error();
    EXPECT_EQ(output<float>(context, 0).size(), x.size());
    EXPECT_TRUE(inspect_heap(round == 40 ? before : after));
  }
  EXPECT_EQ(after.used_blocks, before.used_blocks);
}

TEST_F(Nn, PreparesOnlyForNewShapes) {
  const uint32_t context = new_context();
  set_both(context, {1, 2, 3}, 0);
  ASSERT_EQ(o2w_nn_compute(context), abi::kSuccess);
  const int before = runtime_test::prepare_count();
  set_both(context, {4, 5, 6}, 0);
  ASSERT_EQ(o2w_nn_compute(context), abi::kSuccess);
  EXPECT_EQ(runtime_test::prepare_count(), before);
}

TEST_F(Nn, TellsWhatIsWrongWithAnInput) {
  const uint32_t context = new_context();
  const std::vector<float> x = {1, 2, 3};
  EXPECT_EQ(set_input(context, 9, 1, {1, 3}, x), abi::kInvalidArgument);
  EXPECT_THAT(last_error(), HasSubstr("no input 9: the model has 2"));
  EXPECT_EQ(set_input(context, 0, 4, {1, 3}, x), abi::kInvalidArgument);
  EXPECT_THAT(last_error(), HasSubstr("input \"x\": expected f32[n,3], got a tensor of type code 4"));
  EXPECT_EQ(set_input(context, 0, 1, {1, 4}, x), abi::kInvalidArgument);
  EXPECT_THAT(last_error(), HasSubstr("expected f32[n,3], got dims [1,4]"));
  EXPECT_EQ(set_input(context, 0, 1, {3}, x), abi::kInvalidArgument);
  EXPECT_EQ(set_input(context, 0, 1, {0, 3}, x), abi::kInvalidArgument);
  EXPECT_THAT(last_error(), HasSubstr("with n in 1..1000000, got [0,3]"));
  EXPECT_EQ(set_input(context, 0, 1, {0xffffffff, 3}, x), abi::kTooLarge);
  EXPECT_EQ(set_input(context, 0, 1, {2, 3}, x), abi::kInvalidArgument);
  EXPECT_THAT(last_error(), HasSubstr("expected 24 bytes for f32[2,3], got 12"));
  EXPECT_EQ(set_input(context + 1, 0, 1, {1, 3}, x), abi::kInvalidArgument);
  EXPECT_THAT(last_error(), HasSubstr("no execution context"));
}

TEST_F(Nn, RefusesPointersOutsideMemory) {
  const uint32_t context = new_context();
  const uint32_t outside = static_cast<uint32_t>(memory_bytes());
  for (uint32_t address : {0u, 4u, outside, outside - 2, 0xfffffffcu}) {
    EXPECT_EQ(o2w_nn_load(address, 1, 1, 0, host_), abi::kInvalidArgument);
    EXPECT_EQ(o2w_nn_load(0, 0, 1, 0, address), abi::kInvalidArgument);
    EXPECT_EQ(o2w_nn_load_by_name(address, 7, host_), abi::kInvalidArgument);
    EXPECT_EQ(o2w_nn_init_execution_context(0, address), abi::kInvalidArgument);
    EXPECT_EQ(o2w_nn_set_input(context, 0, address), abi::kInvalidArgument);
    EXPECT_EQ(o2w_nn_get_output(context, 0, host_, 0, address), abi::kInvalidArgument);
  }
  EXPECT_EQ(o2w_nn_load(host_, 0xffffffff, 1, 0, host_), abi::kInvalidArgument);
  for (const abi::NnTensor& tensor :
       {abi::NnTensor{0, 2, 1, {}, host_, 12}, abi::NnTensor{host_, 0x40000000, 1, {}, host_, 12},
        abi::NnTensor{host_, 2, 1, {}, outside, 12}, abi::NnTensor{host_, 2, 1, {}, host_, 0xffffffff}}) {
    store_unaligned(host_ + 64, tensor);
    EXPECT_EQ(o2w_nn_set_input(context, 0, host_ + 64), abi::kInvalidArgument);
    EXPECT_THAT(last_error(), HasSubstr("outside memory"));
  }
}

TEST_F(Nn, AsksForTheRightOrder) {
  const uint32_t context = new_context();
  EXPECT_EQ(o2w_nn_compute(context), abi::kInvalidArgument);
  EXPECT_THAT(last_error(), HasSubstr("\"x\", f32[n,3], was not set"));
  EXPECT_EQ(o2w_nn_get_output(context, 0, host_, 100, host_ + 200), abi::kRuntimeError);
  set_both(context, {1, 2, 3}, 0);
  EXPECT_EQ(o2w_nn_get_output(context, 0, host_, 100, host_ + 200), abi::kRuntimeError);
  EXPECT_EQ(o2w_nn_compute(77), abi::kInvalidArgument);
  o2w_nn_unload(0);
  EXPECT_EQ(o2w_nn_init_execution_context(0, host_), abi::kInvalidArgument);
  EXPECT_EQ(o2w_nn_unload(0), abi::kInvalidArgument);
}

TEST_F(Nn, TellsTheSizeOfAnOutputThatDoesNotFit) {
  const uint32_t context = new_context();
  set_both(context, {1, 2, 3}, 0);
  ASSERT_EQ(o2w_nn_compute(context), abi::kSuccess);
  EXPECT_EQ(o2w_nn_get_output(context, 0, host_, 11, host_ + 200), abi::kTooLarge);
  EXPECT_EQ(load_unaligned<uint32_t>(host_ + 200), 12u);
  EXPECT_EQ(o2w_nn_get_output(context, 4, host_, 11, host_ + 200), abi::kInvalidArgument);
  EXPECT_EQ(o2w_nn_get_output(context, 0, 0, 12, host_ + 200), abi::kInvalidArgument);
}

TEST_F(Nn, ReportsTheModelsOwnErrorAndGoesOn) {
  const uint32_t context = new_context();
  set_both(context, {1, 2, 3}, -1);
  HeapStatistics before = {}, after = {};
  EXPECT_EQ(o2w_nn_compute(context), abi::kRuntimeError);
  EXPECT_EQ(last_error(), "node 'check': k must not be negative");
  EXPECT_TRUE(inspect_heap(before));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(o2w_nn_compute(context), abi::kRuntimeError);
  EXPECT_TRUE(inspect_heap(after));
  EXPECT_EQ(after.used_blocks, before.used_blocks);
  set_both(context, {1, 2, 3}, 1);
  EXPECT_EQ(o2w_nn_compute(context), abi::kSuccess);
}

TEST_F(Nn, RunsOutOfMemoryWithAnError) {
  const uint32_t context = new_context();
  const uint32_t rows = 250000;
  const std::vector<float> x(std::size_t{rows} * 3, 1.0f);  // 3 MB each for x, its double, its copy
  EXPECT_EQ(set_input(context, 0, 1, {rows, 3}, x), abi::kSuccess);
  EXPECT_EQ(set_input(context, 1, 5, {}, std::vector<int64_t>{0}), abi::kSuccess);
  std::vector<uint32_t> hog;
  while (const uint32_t address = allocate(1 << 20)) hog.push_back(address);
  EXPECT_EQ(o2w_nn_compute(context), abi::kTooLarge);
  EXPECT_THAT(last_error(), HasSubstr("out of memory"));
  for (uint32_t address : hog) release(address);
  EXPECT_EQ(o2w_nn_compute(context), abi::kSuccess) << last_error();
}

TEST_F(Nn, KnowsTheModelByName) {
  const auto load = [&](const std::string& name) {
    std::memcpy(at<char>(host_ + 8), name.data(), name.size());
    return o2w_nn_load_by_name(host_ + 8, static_cast<uint32_t>(name.size()), host_);
  };
  EXPECT_EQ(load("doubler"), abi::kSuccess);
  EXPECT_EQ(load("default"), abi::kSuccess);
  EXPECT_EQ(load(""), abi::kSuccess);
  EXPECT_EQ(load("other"), abi::kNotFound);
  EXPECT_EQ(o2w_nn_load(0, 0, 0, 0, host_), abi::kInvalidEncoding);
  EXPECT_EQ(o2w_nn_load(0, 0, 5, 0, host_), abi::kSuccess);
  EXPECT_EQ(o2w_nn_load(0, 0, 1, 9, host_), abi::kInvalidArgument);
}

TEST_F(Nn, TakesTheTypeCodesOfAllBindings) {
  const uint32_t context = new_context();
  const std::vector<int64_t> k = {1};
  EXPECT_EQ(set_input(context, 1, 5, {}, k), abi::kSuccess);
  EXPECT_EQ(set_input(context, 1, 6, {}, k), abi::kSuccess);
  EXPECT_EQ(set_input(context, 1, 1, {}, k), abi::kInvalidArgument);
}

TEST_F(Nn, GivesFinalizedContextsBack) {
  HeapStatistics before = {}, after = {};
  EXPECT_EQ(o2w_nn_finalize_execution_context(new_context()), abi::kSuccess);
  EXPECT_TRUE(inspect_heap(before));
  for (int i = 0; i < 20; ++i) {
    const uint32_t context = new_context();
    EXPECT_EQ(context, 0u);
    set_both(context, {1, 2, 3}, 0);
    ASSERT_EQ(o2w_nn_compute(context), abi::kSuccess);
    EXPECT_EQ(o2w_nn_finalize_execution_context(context), abi::kSuccess);
    EXPECT_EQ(o2w_nn_finalize_execution_context(context), abi::kInvalidArgument);
    EXPECT_EQ(o2w_nn_compute(context), abi::kInvalidArgument);
    if (i == 0) {
      EXPECT_TRUE(inspect_heap(before));
    }
  }
  EXPECT_TRUE(inspect_heap(after));
  EXPECT_EQ(after.used_blocks, before.used_blocks);
}

}  // namespace
}  // namespace o2w::runtime
