#include "compiler/package/package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compiler/package/loader_template.h"
#include "compiler/package/metadata.h"
#include "compiler/package/model_tables.h"
#include "compiler/package/wasm_binary.h"
#include "compiler/support/error.h"
#include "tests/package/hand_made_programs.h"

namespace o2w::package {
namespace {

using testing::HasSubstr;
using testing::Not;

Package package_of(const schedule::Program& program,
                   const PackageOptions& options = {.level = 2, .version = "1.2.3"}) {
  Diagnostics diagnostics;
  auto package = make_package(program, options, diagnostics);
  EXPECT_TRUE(package.has_value()) << diagnostics.to_string();
  return std::move(*package);
}

const Section* find(const std::vector<Section>& sections, SectionId id, std::string_view name = {}) {
  for (const Section& section : sections) {
    if (section.id == id && section.name == name) return &section;
  }
  return nullptr;
}

TEST(Package, ImportsNothingAndHasOnlyItsOwnCustomSection) {
  const Package package = package_of(package_test::static_program());
  const std::vector<uint8_t> wasm = package.wasm.joined();
  const std::vector<Section> sections = read_sections(wasm);
  EXPECT_EQ(find(sections, SectionId::import), nullptr);
  EXPECT_EQ(find(sections, SectionId::start), nullptr);
  for (const Section& section : sections) {
    if (section.id == SectionId::custom) {
      EXPECT_EQ(section.name, kMetadataSection);
    }
  }
}

TEST(Package, HoldsOnlyCodeThatTheModelUses) {
  const Package package = package_of(package_test::static_program());
  EXPECT_EQ(package.weight_bytes, 16);
  EXPECT_LT(package.code_bytes, 50000);
  const std::string text =
      to_wat(package_of(package_test::static_program(), {.level = 2, .keep_names = true}).wasm.joined());
  const auto has = [&](const char* function) { return text.find(function) != std::string::npos; };
  EXPECT_TRUE(has("o2w_sigmoid_f32x4"));
  EXPECT_FALSE(has("o2w_erf_f32x4"));
  EXPECT_FALSE(has("o2w_routine_sort"));
}

TEST(Package, IsTheSameEachTime) {
  EXPECT_EQ(package_of(package_test::dynamic_program()).wasm.joined(),
            package_of(package_test::dynamic_program()).wasm.joined());
}

TEST(Package, IsValidAtAllLevels) {
  for (int level = 0; level <= 3; ++level) {
    package_of(package_test::static_program(), {.level = level});
    package_of(package_test::dynamic_program(), {.level = level});
    package_of(package_test::sort_program(), {.level = level});
  }
}

TEST(Package, DescribesItself) {
  const Package package = package_of(package_test::dynamic_program());
  const std::vector<uint8_t> wasm = package.wasm.joined();
  const std::vector<Section> sections = read_sections(wasm);
  const Section* section = find(sections, SectionId::custom, kMetadataSection);
  ASSERT_NE(section, nullptr);
  const auto json = nlohmann::json::parse(section->contents.begin(), section->contents.end());
  EXPECT_EQ(json["compiler"], "onnx2wasm 1.2.3");
  EXPECT_EQ(json["inputs"][1]["name"], "k");
  EXPECT_EQ(json["inputs"][1]["dtype"], "int64");
  EXPECT_EQ(json["inputs"][1]["shape"], nlohmann::json::parse("[\"n\", 4]"));
  EXPECT_EQ(json["dims"]["n"]["max"], 100000);
  EXPECT_TRUE(json["memory"]["arena"].is_null());
}

TEST(Package, SurvivesNamesThatAreNoUtf8) {
  schedule::Program program = package_test::static_program();
  program.name = "\xff\xfe";
  program.inputs[0].name = "a\"b\\c\n\x80";
  package_of(program);
}

TEST(Package, RefusesModelsBeyondMemory) {
  schedule::Program program = package_test::static_program();
  program.arena_bytes = int64_t{1} << 33;
  Diagnostics diagnostics;
  EXPECT_FALSE(make_package(program, {}, diagnostics).has_value());
  EXPECT_THAT(diagnostics.to_string(), HasSubstr("32-bit WebAssembly memory ends at 4096 MiB"));
}

TEST(Package, RefusesPortsThatItsInterfaceCannotCarry) {
  schedule::Program program = package_test::static_program();
  program.inputs[0].shape = ir::Shape(9, ir::Dim(1));
  Diagnostics diagnostics;
  EXPECT_FALSE(make_package(program, {}, diagnostics).has_value());
  EXPECT_THAT(diagnostics.to_string(), HasSubstr("input 'x': has 9 dimensions"));
}

TEST(MemoryLayout, PlacesWeightsOnceAndAligned) {
  schedule::Program program = package_test::static_program();
  program.buffers.push_back(program.buffers[2]);  // the same bytes again
  const MemoryLayout layout = lay_out(program, 70001, {.dim_count = 5});
  EXPECT_EQ(layout.weights.size(), 1u);
  EXPECT_EQ(layout.map.buffer_address[2], layout.map.buffer_address[4]);
  EXPECT_EQ(layout.map.buffer_address[2] % 16, 0);
  EXPECT_EQ(layout.map.buffer_address[3] % 64, 0);
  EXPECT_GE(layout.tables_address, 70001);
  EXPECT_GE(layout.map.pointer_table, layout.tables_address + static_cast<int64_t>(layout.tables.size()));
  EXPECT_GE(layout.heap_start, layout.map.buffer_address[3] + program.arena_bytes);
}

TEST(MemoryLayout, PlacesLargeWeightsFirstAndByLinesOfTheCache) {
  schedule::Program program = package_test::static_program();
  schedule::Buffer large = program.buffers[2];
  for (const int64_t elements : {int64_t{1001}, int64_t{1024}, int64_t{3}}) {
    large.contents = ir::Tensor(ir::DType::f32, {elements});
    large.bytes = ir::Dim(4 * elements);
    program.buffers.push_back(large);
  }
  const std::vector<int64_t> address = lay_out(program, 70001, {.dim_count = 5}).map.buffer_address;
  EXPECT_EQ(address[4] % 64, 0);
  EXPECT_EQ(address[5] % 64, 0);
  EXPECT_EQ(address[6] % 16, 0);
  EXPECT_LT(address[5], address[4]);  // after a whole number of lines the next begins without a gap
}

TEST(MemoryLayout, LaysTheArenaOverWeightsThatOnlyTheSetupReads) {
  schedule::Program program = package_test::static_program();
  schedule::Buffer filters = program.buffers[2];
  filters.contents = ir::Tensor(ir::DType::f32, {4096});
  filters.bytes = ir::Dim(4 * 4096);
  program.buffers.push_back(filters);
  schedule::Call call{.kernel = schedule::CopyBytes{ir::Dim(16)}, .pointers = {{4, {}}, {4, {}}}};
  program.setup.push_back({std::move(call), nullptr});
  const MemoryLayout alone = lay_out(program, 70001, {.dim_count = 5});
  EXPECT_EQ(alone.map.buffer_address[3], alone.map.buffer_address[4]);
  EXPECT_GT(alone.map.buffer_address[4], alone.map.buffer_address[2]);
  EXPECT_GE(alone.map.zeros, alone.map.buffer_address[4] + 4 * 4096);
  // A step that reads them keeps them.
  schedule::Call reader{.kernel = schedule::CopyBytes{ir::Dim(16)}, .pointers = {{4, {}}, {3, {}}}};
  program.steps.push_back({std::move(reader), nullptr});
  const MemoryLayout shared = lay_out(program, 70001, {.dim_count = 5});
  EXPECT_GE(shared.map.buffer_address[3], shared.map.buffer_address[4] + 4 * 4096);
}

TEST(LoaderTemplate, LeavesOutWhatNobodyNeeds) {
  const char* text =
      "//! Kept.\n"
      "// Left out.\n"
      "const url = 'http://x';\n"
      "//: lists {\n"
      "  list();\n"
      "  //: strings {\n"
      "  both();\n"
      "  //: }\n"
      "//: }\n"
      "  one();  //: strings\n";
  EXPECT_EQ(text_for(text, {}), "// Kept.\nconst url = 'http://x';\n");
  EXPECT_EQ(text_for(text, {"strings"}), "// Kept.\nconst url = 'http://x';\none();\n");
  EXPECT_EQ(text_for(text, {"strings", "lists"}),
            "// Kept.\nconst url = 'http://x';\nlist();\nboth();\none();\n");
}

TEST(Loader, NamesTheModuleAndItsPorts) {
  const schedule::Program program = package_test::dynamic_program();
  EXPECT_THAT(loader_js(package_of(program), "my \"model\".wasm"),
              HasSubstr("const FILE = \"my \\\"model\\\".wasm\";"));
  EXPECT_THAT(loader_dts(program, "m.wasm"), HasSubstr("\"k\": Tensor<BigInt64Array> | BigInt64Array;"));
  EXPECT_THAT(loader_js(package_of(program), "m.wasm"), Not(HasSubstr("@")));
}

}  // namespace
}  // namespace o2w::package
