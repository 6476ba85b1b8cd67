#include "compiler/driver/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "compiler/support/error.h"

namespace o2w::driver {

TemporaryFolder::TemporaryFolder() {
  std::error_code error;
  path_ = (std::filesystem::temp_directory_path(error) / "onnx2wasm-XXXXXX").string();
  if (mkdtemp(path_.data()) == nullptr)
    fail_model("cannot make a temporary folder '{}': {}", path_, std::strerror(errno));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace o2w::driver
