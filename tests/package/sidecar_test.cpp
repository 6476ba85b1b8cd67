#include "compiler/package/sidecar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "compiler/package/interpreted_model.h"
#include "compiler/package/metadata.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "runtime-lib/weights_hash.h"
#include "tests/package/hand_made_programs.h"

namespace o2w::package {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint8_t> counting(std::size_t count) {
  std::vector<uint8_t> bytes(count);
  std::iota(bytes.begin(), bytes.end(), uint8_t{1});
  return bytes;
}

Pieces pieces_of(const std::vector<std::vector<uint8_t>>& parts) {
  Pieces pieces;
  for (const std::vector<uint8_t>& part : parts) pieces.add(part);
  return pieces;
}

TEST(Pieces, FollowEachOther) {
  Pieces pieces = pieces_of({{1, 2}, {}, {3}});
  pieces.add_zeros(2);
  pieces.add(ir::Tensor(ir::DType::u8, {3}, {4, 5, 6}));
  EXPECT_EQ(pieces.size(), 8);
  EXPECT_THAT(pieces.joined(), ElementsAre(1, 2, 3, 0, 0, 4, 5, 6));
  EXPECT_THAT(pieces.part(1, 3).joined(), ElementsAre(2, 3, 0));
  EXPECT_THAT(pieces.part(6, 2).joined(), ElementsAre(5, 6));
  EXPECT_EQ(pieces.part(8, 0).size(), 0);
  EXPECT_THROW(pieces.part(7, 2), InternalError);
}

TEST(Sidecar, TheHashDoesNotDependOnThePieces) {
  const std::vector<uint8_t> bytes = counting(256);
  const auto cut = [&](std::size_t from, std::size_t to) {
    return std::vector<uint8_t>(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                                bytes.begin() + static_cast<std::ptrdiff_t>(to));
  };
  const uint64_t hash = weights_hash(pieces_of({bytes}));
  EXPECT_EQ(weights_hash(pieces_of({cut(0, 1), cut(1, 63), cut(63, 65), cut(65, 200), cut(200, 256)})), hash);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::vector<uint8_t> other = bytes;
    other[at] ^= 0x80;
    EXPECT_NE(weights_hash(pieces_of({other})), hash);
  }
}

TEST(Sidecar, IsCutIntoFiles) {
  const Pieces weights = pieces_of({counting(320)});
  const auto files = weights_files(weights, "m.x.weights", 130);
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].name, "m.x.weights");
  EXPECT_EQ(files[1].name, "m.x.1.weights");
  EXPECT_EQ(files[2].name, "m.x.2.weights");
  EXPECT_EQ(files[0].bytes.size(), 128);
  EXPECT_EQ(files[2].bytes.size(), 64);
  EXPECT_EQ(files[0].sha256.size(), 64u);
  EXPECT_EQ(weights_files(weights, "m.weights", 1000).size(), 1u);
}

Package sidecar_package() {
  Diagnostics diagnostics;
  auto package = make_package(package_test::static_program(), {.weights_name = "s.weights"}, diagnostics);
  EXPECT_TRUE(package.has_value()) << diagnostics.to_string();
  return std::move(*package);
}

ir::Tensor input() {
  ir::Tensor x(ir::DType::f32, {2, 4});
  for (int k = 0; k < 8; ++k) x.set_double(k, k - 4);
  return x;
}

TEST(Sidecar, ModulesRunWithTheirWeightsOnly) {
  const Package package = sidecar_package();
  ASSERT_EQ(package.weights.size(), 1u);
  InterpretedModel model(package.wasm.joined());
  const auto fails = [&](const auto& what, const char* text) {
    try {
      what();
      ADD_FAILURE() << "no error";
    } catch (const ModelError& error) {
      EXPECT_THAT(error.what(), HasSubstr(text));
    }
  };
  fails([&] { model.run({input()}); }, "weights are not loaded: 0 of 64 bytes are there");
  fails([&] { model.load_weights("other", counting(64)); }, "'other': these are not the weights");
  fails([&] { model.load_weights("long", counting(65)); }, "'long' has 65 bytes");
  model.load_weights("right", package.weights[0].bytes.joined());
  Diagnostics diagnostics;
  const auto embedded = make_package(package_test::static_program(), {}, diagnostics);
  ASSERT_TRUE(embedded.has_value());
  EXPECT_TRUE(model.run({input()})[0].same_bits(InterpretedModel(embedded->wasm.joined()).run({input()})[0]));
}

TEST(Sizes, PartsAddUpAndKernelsNameTheirNodes) {
  for (const char* weights : {"", "s.weights"}) {
    schedule::Program program = package_test::static_program();
    const auto origin = std::make_shared<const ir::Origin>(ir::Origin{"n", "Sigmoid-13"});
    for (schedule::Step& step : program.steps) step.origin = origin;
    Diagnostics diagnostics;
    const auto package = make_package(program, {.weights_name = weights, .report_sizes = true}, diagnostics);
    ASSERT_TRUE(package.has_value());
    const SizeReport& sizes = package->sizes;
    int64_t all = 0, functions = 0;
    for (const SizeReport::Part& part : sizes.parts) {
      EXPECT_GE(part.bytes, 0) << part.name;
      all += part.bytes;
    }
    EXPECT_EQ(all, package->wasm.size());
    for (const SizeReport::Function& function : sizes.functions) {
      functions += function.bytes;
      if (function.kind == SizeReport::Kind::kernel) {
        EXPECT_THAT(function.nodes, ElementsAre("n (Sigmoid-13)"));
      }
    }
    EXPECT_LE(functions, sizes.parts[0].bytes);
    EXPECT_GE(functions, sizes.parts[0].bytes - 2);  // their count
    ASSERT_EQ(sizes.nodes.size(), 1u);
    EXPECT_EQ(sizes.nodes[0].weight_bytes, 16);
    EXPECT_GT(sizes.nodes[0].code_bytes, 0);
  }
}

}  // namespace
}  // namespace o2w::package
