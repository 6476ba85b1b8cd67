#include "runtime-lib/allocator.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "runtime-lib/platform.h"
#include "tests/runtime/linear_memory.h"

namespace o2w::runtime {
namespace {

class Allocator : public testing::Test {
 protected:
  void SetUp() override { runtime_test::install_model(); }
  static HeapStatistics statistics() {
    HeapStatistics result;
    EXPECT_TRUE(inspect_heap(result));
    return result;
  }
};

TEST_F(Allocator, GivesAlignedMemoryThatDoesNotOverlap) {
  const uint32_t a = allocate(1), b = allocate(100), c = allocate(0);
  for (uint32_t address : {a, b, c}) EXPECT_EQ(address % 64, 0u);
  EXPECT_GE(b, a + 1);
  EXPECT_NE(b, c);
  EXPECT_GE(capacity(b), 100u);
  for (uint32_t address : {a, b, c}) release(address);
}

TEST_F(Allocator, FreeingAllMergesAllNeighbours) {
  release(allocate(1));
  const HeapStatistics before = statistics();
  std::vector<uint32_t> addresses;
  for (int i = 0; i < 100; ++i) addresses.push_back(allocate(static_cast<uint64_t>(i) * 37));
  for (std::size_t i = 0; i < addresses.size(); i += 2) release(addresses[i]);
  for (std::size_t i = 1; i < addresses.size(); i += 2) release(addresses[i]);
  const HeapStatistics after = statistics();
  EXPECT_EQ(after.used_blocks, before.used_blocks);
  EXPECT_LE(after.free_blocks, before.free_blocks + 1);
}

TEST_F(Allocator, SurvivesRandomUse) {
  std::mt19937 random(1);
  struct Piece {
    uint32_t address;
    uint32_t bytes;
    uint8_t fill;
  };
  std::vector<Piece> live;
  const HeapStatistics before = statistics();
  for (int step = 0; step < 20000; ++step) {
    if (live.size() < 60 && random() % 2) {
      const uint32_t bytes = random() % (random() % 8 ? 500 : 60000);
      const uint32_t address = allocate(bytes);
      ASSERT_NE(address, 0u);
      const auto fill = static_cast<uint8_t>(random());
      std::memset(at<char>(address), fill, bytes);
      live.push_back({address, bytes, fill});
    } else if (!live.empty()) {
      const std::size_t at_index = random() % live.size();
      const Piece piece = live[at_index];
      for (uint32_t i = 0; i < piece.bytes; ++i) ASSERT_EQ(at<uint8_t>(piece.address)[i], piece.fill);
      release(piece.address);
      live[at_index] = live.back();
      live.pop_back();
    }
    if (step % 1000 == 0) statistics();
  }
  for (const Piece& piece : live) release(piece.address);
  EXPECT_EQ(statistics().used_bytes, before.used_bytes);
}

TEST_F(Allocator, AnswersZeroWhenMemoryEndsAndGoesOn) {
  EXPECT_EQ(allocate(runtime_test::kMaxBytes), 0u);
  EXPECT_EQ(allocate(UINT64_MAX), 0u);
  const uint32_t address = allocate(1000);
  EXPECT_NE(address, 0u);
  release(address);
}

TEST_F(Allocator, StaysWithinTheModelsLimit) {
  release(allocate(1));
  const uint64_t before = memory_bytes();
  o2w_model.max_pages = static_cast<uint32_t>(before / kPageBytes) + 3;
  const uint64_t most = before + 3 * kPageBytes;
  EXPECT_EQ(allocate(most), 0u);
  std::vector<uint32_t> pieces;
  while (const uint32_t address = allocate(50000)) pieces.push_back(address);
  EXPECT_LE(memory_bytes(), most);
  EXPECT_GT(memory_bytes(), most - 2 * kPageBytes);
  for (uint32_t address : pieces) release(address);
  // What is free at the end counts: nearly all of it is one piece now.
  const uint32_t large = allocate(3 * kPageBytes - 4096);
  EXPECT_NE(large, 0u);
  EXPECT_LE(memory_bytes(), most);
  release(large);
  o2w_model.max_pages = 0;
}

TEST_F(Allocator, GrowsByWhatIsMissingAfterTheFreeEnd) {
  const uint32_t first = allocate(100 * kPageBytes);
  ASSERT_NE(first, 0u);
  release(first);
  const uint64_t before = memory_bytes();
  const uint32_t second = allocate(110 * kPageBytes);
  ASSERT_NE(second, 0u);
  EXPECT_LE(memory_bytes(), before + 16 * kPageBytes);
  release(second);
}

TEST_F(Allocator, IgnoresWhatItDidNotGive) {
  const uint32_t address = allocate(256);
  const HeapStatistics before = statistics();
  for (uint32_t wild : {0u, 1u, 64u, address + 1, address + 64, 0xffffffc0u}) release(wild);
  EXPECT_EQ(statistics().used_blocks, before.used_blocks);
  release(address);
  release(address);
  EXPECT_EQ(statistics().used_blocks, before.used_blocks - 1);
}

TEST_F(Allocator, LeavesMemoryGrownByTheHostAlone) {
  release(allocate(1));  // the heap takes what memory there is when it is first used
  const int64_t host = grow_memory(1);
  ASSERT_GE(host, 0);
  std::memset(at<char>(static_cast<uint32_t>(host)), 0x5a, kPageBytes);
  const uint32_t address = allocate(2 << 20);
  ASSERT_NE(address, 0u);
  std::memset(at<char>(address), 0, 2 << 20);
  for (uint64_t i = 0; i < kPageBytes; ++i) ASSERT_EQ(at<uint8_t>(static_cast<uint32_t>(host))[i], 0x5a);
  statistics();
  release(address);
  statistics();
}

TEST_F(Allocator, FreesWhatARunLeaves) {
  const HeapStatistics before = statistics();
  begin_run_allocations();
  const uint32_t kept = allocate(10), freed = allocate(20);
  allocate(30);
  allocate(40);
  end_run_allocations();
  const uint32_t later = allocate(50);
  release(freed);
  keep(kept);
  release_run_allocations();
  EXPECT_EQ(statistics().used_blocks, before.used_blocks + 2);
  release(kept);
  release(later);
  EXPECT_EQ(statistics().used_blocks, before.used_blocks);
}

}  // namespace
}  // namespace o2w::runtime
