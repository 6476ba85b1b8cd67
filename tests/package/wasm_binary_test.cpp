#include "compiler/package/wasm_binary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace o2w::package {
namespace {

using testing::ElementsAre;

std::vector<uint8_t> leb(uint64_t value) {
  std::vector<uint8_t> out;
  append_leb(out, value);
  return out;
}

std::vector<uint8_t> signed_leb(int64_t value) {
  std::vector<uint8_t> out;
  append_signed_leb(out, value);
  return out;
}

// The examples of the DWARF standard, appendix C.
TEST(WasmBinary, WritesNumbers) {
  EXPECT_THAT(leb(2), ElementsAre(2));
  EXPECT_THAT(leb(127), ElementsAre(127));
  EXPECT_THAT(leb(128), ElementsAre(0x80, 1));
  EXPECT_THAT(leb(12857), ElementsAre(57 + 0x80, 100));
  EXPECT_THAT(signed_leb(-2), ElementsAre(0x7e));
  EXPECT_THAT(signed_leb(127), ElementsAre(127 + 0x80, 0));
  EXPECT_THAT(signed_leb(-127), ElementsAre(1 + 0x80, 0x7f));
  EXPECT_THAT(signed_leb(-129), ElementsAre(0x7f + 0x80, 0x7e));
}

TEST(WasmBinary, PutsDataAndCustomSectionsIn) {
  const std::vector<uint8_t> module = {0, 'a', 's', 'm', 1,   0,   0,
                                       0, 5,   3,   1,   0,   1,         // one page of memory
                                       0, 5,   4,   'n', 'a', 'm', 'e',  // an empty name section
                                       0, 4,   3,   'f', 'o', 'o'};
  const std::vector<uint8_t> bytes = {1, 2, 3};
  const std::vector<DataSegment> data = {{{{16, bytes}, {20, bytes}}}, {{{40, {}}}}};
  const std::vector<uint8_t> out = assemble(module, data, {{"bar", "baz"}}, false).joined();
  const std::vector<Section> sections = read_sections(out);
  ASSERT_EQ(sections.size(), 3u);
  EXPECT_EQ(sections[0].id, SectionId::memory);
  EXPECT_EQ(sections[1].id, SectionId::data);
  EXPECT_EQ(std::vector<uint8_t>(sections[1].contents.begin(), sections[1].contents.end()),
            (std::vector<uint8_t>{1, 0, 0x41, 16, 0x0b, 7, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_EQ(sections[2].name, "bar");
  const std::vector<uint8_t> replaced = assemble(out, {{{{60, bytes}}}}, {}, false).joined();
  const std::vector<Section> again = read_sections(replaced);
  EXPECT_EQ(std::vector<uint8_t>(again[1].contents.begin(), again[1].contents.end()),
            (std::vector<uint8_t>{1, 0, 0x41, 60, 0x0b, 3, 1, 2, 3}));
  const std::vector<uint8_t> named = assemble(module, {}, {}, true).joined();
  EXPECT_EQ(read_sections(named).back().name, "name");
}

}  // namespace
}  // namespace o2w::package
