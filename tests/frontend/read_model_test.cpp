// Files: every damage gives a diagnostic, never a crash.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "compiler/support/error.h"
#include "frontends/onnx/import.h"
#include "frontends/onnx/model.h"
#include "frontends/onnx/tensor_data.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Tensor;
using ::testing::HasSubstr;

const std::filesystem::path conformance = "/usr/share/libonnx-testdata/data/node";

std::string contents_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class Files : public ::testing::Test {
 protected:
  Files() : folder(std::filesystem::temp_directory_path() / ("o2w_frontend_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder);
  }
  ~Files() override { std::filesystem::remove_all(folder); }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  std::string error_for(const std::string& name) const {
    Diagnostics diagnostics;
    EXPECT_FALSE(read_model(path(name), diagnostics));
    EXPECT_TRUE(diagnostics.has_errors());
    return diagnostics.to_string();
  }

  std::filesystem::path folder;
};

TEST_F(Files, WhatIsNotAModelIsAnError) {
  write("empty.onnx", "");
  write("text.onnx", "<html>not found</html>");
  write("pointer.onnx", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  std::filesystem::create_directories(folder / "folder.onnx");
  EXPECT_THAT(error_for("missing.onnx"), HasSubstr("No such file"));
  EXPECT_THAT(error_for("empty.onnx"), HasSubstr("empty"));
  EXPECT_THAT(error_for("folder.onnx"), HasSubstr("directory"));
  EXPECT_THAT(error_for("text.onnx"), HasSubstr("cannot be read as an ONNX model"));
  EXPECT_THAT(error_for("pointer.onnx"), HasSubstr("git lfs pull"));
}

TEST_F(Files, TensorsSurviveARoundTrip) {
  for (const DType type : {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i8, DType::i16, DType::i32,
                           DType::i64, DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean,
                           DType::f8e4m3fn, DType::f8e5m2, DType::i4, DType::u4, DType::i2, DType::u2}) {
    Tensor tensor(type, {3, 1});
    for (int64_t i = 0; i < 3; ++i) tensor.set_int(i, i % 2);
    Diagnostics diagnostics;
    ASSERT_TRUE(write_tensor_file(path("t.pb"), "t", tensor, diagnostics));
    const Result<Tensor> read = read_tensor_file(path("t.pb"), diagnostics);
    ASSERT_TRUE(read) << diagnostics.to_string();
    EXPECT_TRUE(read->same_bits(tensor)) << ir::name(type);
  }
}

TEST(TensorData, FourBitNumbersAreSignExtended) {
  const std::string packed = "\x8f\x07";
  const Tensor tensor =
      tensor_from_raw(DType::i4, {3}, nullptr, reinterpret_cast<const uint8_t*>(packed.data()), 2);
  EXPECT_EQ(tensor.as_int(0), -1);
  EXPECT_EQ(tensor.as_int(1), -8);
  EXPECT_EQ(tensor.as_int(2), 7);
  EXPECT_EQ(raw_from_tensor(tensor), packed);
}

TEST(TensorData, DimsAreChecked) {
  EXPECT_THROW(checked_element_count({-1}), ModelError);
  EXPECT_THROW(checked_element_count({int64_t{1} << 40}), ModelError);
  EXPECT_THROW(checked_element_count({0, 1 << 30, 1 << 30, 1 << 30}), ModelError);
  EXPECT_EQ(checked_element_count({0, 1 << 20}), 0);
  const uint8_t byte = 0;
  EXPECT_THROW(tensor_from_raw(DType::f32, {1}, nullptr, &byte, 1), ModelError);
}

TEST(TensorData, SparseTensorsStayWithinTheirLimit) {
  Tensor indices(DType::i64, {1, 2});
  indices.set_int(0, 1);
  const Tensor value = Tensor::scalar(DType::f32, 5.0).reshaped({1});
  const Tensor dense = dense_from_sparse(value, indices, {2, 3}, 1000);
  EXPECT_EQ(dense.as_double(3), 5);
  EXPECT_THROW(dense_from_sparse(value, indices, {1 << 15, 1 << 15}, 1000), ModelError);
  indices.set_int(0, 2);
  EXPECT_THROW(dense_from_sparse(value, indices, {2, 3}, 1000), ModelError);
}

TEST_F(Files, ExternalDataStaysInItsFolder) {
  write("weights.bin", std::string(16, '\1'));
  ExternalData data(folder.string());
  using Entries = std::map<std::string, std::string>;
  EXPECT_EQ(data.read(DType::i8, {4}, Entries{{"location", "weights.bin"}, {"offset", "12"}}).as_int(3), 1);
  for (const Entries& bad :
       {Entries{}, Entries{{"location", "../weights.bin"}}, Entries{{"location", "/etc/passwd"}},
        Entries{{"location", "a/../../weights.bin"}}, Entries{{"location", "absent.bin"}},
        Entries{{"location", "."}}, Entries{{"location", "weights.bin"}, {"offset", "13"}},
        Entries{{"location", "weights.bin"}, {"offset", "-1"}},
        Entries{{"location", "weights.bin"}, {"offset", "9223372036854775807"}},
        Entries{{"location", "weights.bin"}, {"length", "5"}}}) {
    EXPECT_THROW(data.read(DType::i8, {4}, bad), ModelError);
  }
}

// Seeded damage to real files: truncations and bit flips. Anything may come of it but a crash or an internal
// error.
TEST(Hostile, DamagedModelsGiveDiagnostics) {
  if (!std::filesystem::exists(conformance)) GTEST_SKIP() << "libonnx-testdata is not installed";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(conformance)) {
    const std::filesystem::path file = entry.path() / "model.onnx";
    std::error_code error;
    if (std::filesystem::file_size(file, error) < 4096 && !error) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  std::mt19937 random(20240229);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 400; ++round) {
    const std::filesystem::path& file = files[below(files.size())];
    std::string bytes = contents_of(file);
    if (round % 4 == 0) {
      bytes.resize(below(bytes.size()));
    } else {
      for (std::size_t flips = 1 + below(4); flips > 0; --flips) {
        bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
      }
    }
    SCOPED_TRACE(file.string() + " round " + std::to_string(round));
    Diagnostics diagnostics;
    try {
      const auto model = parse_model(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                                     file.parent_path().string(), diagnostics);
      const bool good = model && import_model(*model, {}, diagnostics);
      EXPECT_NE(good, diagnostics.has_errors());
    } catch (const InternalError& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

}  // namespace
}  // namespace o2w::onnx_frontend
