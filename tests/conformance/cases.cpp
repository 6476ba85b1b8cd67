#include "tests/conformance/cases.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace o2w::conformance {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sorted_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  if (!fs::is_directory(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// prefix0.pb, prefix1.pb, ... as far as there are files. Gaps do not occur: an absent optional input is not
// numbered.
std::vector<std::string> numbered(const fs::path& folder, const std::string& prefix) {
  std::vector<std::string> files;
  for (int i = 0;; ++i) {
    const fs::path file = folder / (prefix + std::to_string(i) + ".pb");
    if (!fs::exists(file)) return files;
    files.push_back(file.string());
  }
}

}  // namespace

std::vector<Case> find_cases(const std::string& folder) {
  std::vector<Case> cases;
  for (const char* family : {"node", "simple", "pytorch-operator", "pytorch-converted"}) {
    for (const fs::path& path : sorted_folders(fs::path(folder) / family)) {
      Case found;
      found.name = std::string(family) + "/" + path.filename().string();
      found.model = (path / "model.onnx").string();
      for (const fs::path& data : sorted_folders(path)) {
        found.data_sets.push_back({numbered(data, "input_"), numbered(data, "output_")});
      }
      if (fs::exists(found.model)) cases.push_back(std::move(found));
    }
  }
  if (cases.empty()) throw std::runtime_error("no conformance cases in '" + folder + "'");
  return cases;
}

}  // namespace o2w::conformance
