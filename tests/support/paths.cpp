#include "tests/support/paths.h"

#include <cstdlib>
#include <filesystem>

namespace o2w::test {
namespace {

std::string from_environment(const char* variable, const char* otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

std::string conformance_folder() {
  return from_environment("ONNX2WASM_TESTDATA", "/usr/share/libonnx-testdata/data");
}

std::string zoo_folder() { return from_environment("ONNX2WASM_ZOO", O2W_SOURCE_DIR "/.cache/zoo"); }

std::string zoo_model(const std::string& file) {
  const std::filesystem::path path = std::filesystem::path(zoo_folder()) / file;
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) ? path.string() : std::string();
}

}  // namespace o2w::test
