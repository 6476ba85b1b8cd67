// Lists: what hosts may do with them, and the routines that make them.
#include "runtime-lib/lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "runtime-lib/allocator.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/run_region.h"
#include "tests/runtime/linear_memory.h"

extern "C" {
uint32_t o2w_alloc(uint32_t bytes);
void o2w_free(uint32_t address);
uint32_t o2w_list_new();
void o2w_list_free(uint32_t list);
int32_t o2w_list_append(uint32_t list, uint32_t dtype, uint32_t rank, uint32_t dims, uint32_t data);
int32_t o2w_list_append_list(uint32_t list, uint32_t inner);
uint32_t o2w_list_length(uint32_t list);
uint32_t o2w_list_element(uint32_t list, uint32_t index);
#define ROUTINE(name)                                                                                 \
  int32_t o2w_routine_##name(o2w::abi::TensorArg*, uint32_t, uint32_t, const int64_t*, const double*, \
                             int64_t*)
ROUTINE(list_construct);
ROUTINE(list_insert);
ROUTINE(list_erase);
ROUTINE(list_get);
ROUTINE(list_split);
ROUTINE(list_concat_dims);
}

namespace o2w::runtime {
namespace {

using runtime_test::last_error;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int32_t kFloat = 1, kInt64 = 7;

class Lists : public testing::Test {
 protected:
  void SetUp() override {
    runtime_test::install_model();
    scratch_ = o2w_alloc(1 << 16);
    next_ = scratch_;
  }
  void TearDown() override {
    o2w_free(scratch_);
    reset_region();
  }

  template <typename T>
  uint32_t put(const std::vector<T>& values) {
    const uint32_t address = next_;
    std::memcpy(at<char>(address), values.data(), values.size() * sizeof(T));
    next_ += (static_cast<uint32_t>(values.size() * sizeof(T)) + 63) & ~63u;
    return address;
  }
  template <typename T>
  abi::TensorArg tensor(int32_t dtype, std::vector<int32_t> dims, const std::vector<T>& values) {
    abi::TensorArg arg{put(values), dtype, static_cast<int32_t>(dims.size()), {}};
    std::copy(dims.begin(), dims.end(), arg.dims);
    return arg;
  }
  abi::TensorArg list(uint32_t handle) { return tensor<uint32_t>(0, {}, {handle}); }
  abi::TensorArg position(int64_t where) { return tensor<int64_t>(kInt64, {}, {where}); }

  // The list that a routine makes of the arguments.
  template <typename Routine>
  uint32_t make(Routine routine, std::vector<abi::TensorArg> args, std::vector<int64_t> ints = {}) {
    args.push_back(list(0));
    EXPECT_EQ(routine(args.data(), static_cast<uint32_t>(args.size()) - 1, 1, ints.data(), nullptr, nullptr),
              abi::kSuccess)
        << last_error();
    return *at<uint32_t>(args.back().data);
  }
  static std::vector<float> first_elements(uint32_t handle) {
    std::vector<float> values;
    for (uint32_t i = 0; i < list_count(handle); ++i)
      values.push_back(*at<float>(list_element(handle, i).data));
    return values;
  }
  abi::TensorArg number(float value) { return tensor<float>(kFloat, {1}, {value}); }

  uint32_t scratch_ = 0, next_ = 0;
};

TEST_F(Lists, GrowWithoutChangingWhatTheyWereMadeFrom) {
  uint32_t handle = 0;
  std::vector<uint32_t> all;
  for (int i = 0; i < 20; ++i) {
    handle = make(o2w_routine_list_insert, {list(handle), number(static_cast<float>(i))});
    all.push_back(handle);
  }
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(list_count(all[i]), i + 1);
  // Two lists that grow out of one do not see each other's elements.
  const uint32_t a = make(o2w_routine_list_insert, {list(all[4]), number(100)});
  const uint32_t b = make(o2w_routine_list_insert, {list(all[4]), number(200)});
  EXPECT_THAT(first_elements(a), ElementsAre(0, 1, 2, 3, 4, 100));
  EXPECT_THAT(first_elements(b), ElementsAre(0, 1, 2, 3, 4, 200));
  EXPECT_EQ(first_elements(all[19])[5], 5);
}

TEST_F(Lists, InsertAndEraseAtAnyPosition) {
  uint32_t handle = make(o2w_routine_list_construct, {number(1), number(2), number(3)});
  handle = make(o2w_routine_list_insert, {list(handle), number(9), position(-1)});
  EXPECT_THAT(first_elements(handle), ElementsAre(1, 2, 9, 3));
  EXPECT_THAT(first_elements(make(o2w_routine_list_erase, {list(handle), position(0)})),
              ElementsAre(2, 9, 3));
  EXPECT_THAT(first_elements(make(o2w_routine_list_erase, {list(handle), position(-2)})),
              ElementsAre(1, 2, 3));
  const uint32_t shorter = make(o2w_routine_list_erase, {list(handle)});
  EXPECT_THAT(first_elements(shorter), ElementsAre(1, 2, 9));
  EXPECT_THAT(first_elements(make(o2w_routine_list_insert, {list(shorter), number(7)})),
              ElementsAre(1, 2, 9, 7));
  EXPECT_THAT(first_elements(handle), ElementsAre(1, 2, 9, 3));
}

TEST_F(Lists, SayWhatIsWrong) {
  const uint32_t handle = make(o2w_routine_list_construct, {number(1), number(2)});
  std::vector<abi::TensorArg> args{list(handle), position(2), number(0)};
  const int64_t ints[] = {0};
  EXPECT_EQ(o2w_routine_list_get(args.data(), 2, 1, ints, nullptr, nullptr), abi::kRuntimeError);
  EXPECT_THAT(last_error(), HasSubstr("position 2 is outside of a sequence of 2 elements"));
  args = {list(handle), position(0), tensor<float>(kFloat, {2}, {0, 0})};
  EXPECT_EQ(o2w_routine_list_get(args.data(), 2, 1, ints, nullptr, nullptr), abi::kRuntimeError);
  EXPECT_THAT(last_error(), HasSubstr("f32[1], but the model was made for f32[2]"));
  args = {tensor<float>(kFloat, {3}, {1, 2, 3}), tensor<int64_t>(kInt64, {2}, {1, 1}), list(0)};
  EXPECT_EQ(o2w_routine_list_split(args.data(), 2, 1, std::vector<int64_t>{0, 1}.data(), nullptr, nullptr),
            abi::kRuntimeError);
  EXPECT_THAT(last_error(), HasSubstr("add up to 3"));
  args = {list(0), tensor<int64_t>(kInt64, {1}, {0})};
  EXPECT_EQ(
      o2w_routine_list_concat_dims(args.data(), 1, 1, std::vector<int64_t>{0, 0}.data(), nullptr, nullptr),
      abi::kRuntimeError);
}

TEST_F(Lists, OfHostsGiveTheirMemoryBack) {
  HeapStatistics before, after;
  ASSERT_TRUE(inspect_heap(before));
  const uint32_t outer = o2w_list_new();
  const uint32_t dims = put<int32_t>({2, 3}), data = put<float>({1, 2, 3, 4, 5, 6});
  for (int i = 0; i < 10; ++i) {
    const uint32_t inner = o2w_list_new();
    for (int k = 0; k < i; ++k)
      ASSERT_EQ(o2w_list_append(inner, kFloat, 2, dims, data), abi::kSuccess) << last_error();
    ASSERT_EQ(o2w_list_append_list(outer, inner), abi::kSuccess) << last_error();
    EXPECT_FALSE(is_host_list(inner));  // belongs to the other
  }
  EXPECT_EQ(o2w_list_length(outer), 10u);
  const auto& third = *at<abi::ListElement>(o2w_list_element(outer, 3));
  EXPECT_EQ(third.dtype, abi::kListType);
  ASSERT_EQ(o2w_list_length(third.data), 3u);
  const auto& element = *at<abi::ListElement>(o2w_list_element(third.data, 2));
  EXPECT_EQ(element.bytes, 24u);
  EXPECT_EQ(element.dims[1], 3);
  EXPECT_EQ(at<float>(element.data)[5], 6);
  o2w_list_free(outer);
  o2w_list_free(outer);
  ASSERT_TRUE(inspect_heap(after));
  EXPECT_EQ(after.used_bytes, before.used_bytes);
}

TEST_F(Lists, OfHostsRefuseWhatIsNoList) {
  const uint32_t list = o2w_list_new();
  const uint32_t dims = put<int32_t>({2, -1, 1 << 30, 1 << 30}), data = put<float>({1, 2});
  EXPECT_EQ(o2w_list_append(data, kFloat, 1, dims, data), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append(list, 99, 1, dims, data), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append(list, abi::kListType, 0, dims, data), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append(list, kFloat, 9, dims, data), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append(list, kFloat, 2, dims, data), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append(list, kFloat, 2, dims + 8, data), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append(list, kFloat, 1, 0xfffffff0, data), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append(list, kFloat, 1, dims, 0xfffffff0), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append_list(list, list), abi::kInvalidArgument);
  EXPECT_EQ(o2w_list_append_list(list, 12345), abi::kInvalidArgument);
  for (const uint32_t wild : {1u, 4u, 0xfffffffcu, data, dims}) {
    EXPECT_EQ(o2w_list_length(wild), 0u);
    EXPECT_EQ(o2w_list_element(wild, 0), 0u);
    o2w_list_free(wild);
  }
  EXPECT_EQ(o2w_list_length(list), 0u);
  o2w_list_free(list);
}

}  // namespace
}  // namespace o2w::runtime
