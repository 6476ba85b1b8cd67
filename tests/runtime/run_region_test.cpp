#include "runtime-lib/run_region.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "runtime-lib/allocator.h"
#include "runtime-lib/platform.h"
#include "tests/runtime/linear_memory.h"

namespace o2w::runtime {
namespace {

class RunRegion : public testing::Test {
 protected:
  void SetUp() override {
    runtime_test::install_model();
    reset_region();
  }
  void TearDown() override { reset_region(); }
  static HeapStatistics statistics() {
    HeapStatistics result;
    EXPECT_TRUE(inspect_heap(result));
    return result;
  }
};

TEST_F(RunRegion, GivesPiecesThatDoNotOverlap) {
  std::vector<std::pair<unsigned char*, std::size_t>> pieces;
  for (std::size_t i = 0; i < 2000; ++i) {
    const std::size_t bytes = i * 37 % 3001;
    auto* piece = static_cast<unsigned char*>(region_alloc(bytes));
    ASSERT_NE(piece, nullptr);
    ASSERT_EQ(address_of(piece) % 16, 0u);
    std::memset(piece, static_cast<int>(i % 251), bytes);
    pieces.emplace_back(piece, bytes);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    for (std::size_t k = 0; k < pieces[i].second; ++k) ASSERT_EQ(pieces[i].first[k], i % 251);
  }
}

TEST_F(RunRegion, AlignsAsAsked) {
  for (const uint32_t alignment : {1u, 2u, 8u, 64u, 1u, 64u}) {
    EXPECT_EQ(address_of(region_alloc(3, alignment)) % alignment, 0u) << alignment;
  }
  const auto* first = static_cast<char*>(region_alloc(5, 1));
  EXPECT_EQ(static_cast<char*>(region_alloc(5, 1)), first + 5);
}

TEST_F(RunRegion, ServesPiecesLargerThanItsChunks) {
  for (const uint64_t bytes : {uint64_t{4096}, uint64_t{5} << 20, uint64_t{1} << 20}) {
    auto* piece = static_cast<char*>(region_alloc(bytes, 64));
    ASSERT_NE(piece, nullptr);
    piece[0] = piece[bytes - 1] = 1;
  }
}

TEST_F(RunRegion, LeavesTheHeapAsItWas) {
  const HeapStatistics before = statistics();
  uint64_t memory = 0;
  for (int run = 0; run < 1000; ++run) {
    begin_run_allocations();
    for (uint64_t i = 0; i < 100; ++i) ASSERT_NE(region_alloc(i * 100), nullptr);
    end_run_allocations();
    release_run_allocations();
    std::memset(region_alloc(64), 1, 64);  // the region outlives the run's own allocations
    reset_region();
    ASSERT_EQ(statistics().used_blocks, before.used_blocks);
    if (run == 0) memory = memory_bytes();
  }
  EXPECT_EQ(memory_bytes(), memory);
}

TEST_F(RunRegion, SaysWhenMemoryIsExhausted) {
  EXPECT_EQ(region_alloc(runtime_test::kMaxBytes), nullptr);
  EXPECT_NE(runtime_test::last_error().find("out of memory"), std::string::npos);
  EXPECT_EQ(region_alloc(uint64_t{1} << 40), nullptr);
  EXPECT_NE(region_alloc(10), nullptr);
}

}  // namespace
}  // namespace o2w::runtime
