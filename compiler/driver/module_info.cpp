// Reads the metadata section of a module: what its inputs and outputs are, without running it.
#include <fmt/core.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/session.h"
#include "compiler/support/error.h"

namespace o2w::driver {
namespace {

// Walks the sections of a WebAssembly binary (core specification, 5.5.2 "Sections") to the custom section of
// the given name.
class SectionReader {
 public:
  SectionReader(const std::vector<uint8_t>& bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  std::optional<std::string_view> custom_section(std::string_view wanted) {
    static constexpr uint8_t header[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    if (end_ - at_ < 8 || std::memcmp(at_, header, 8) != 0) return std::nullopt;
    at_ += 8;
    while (at_ < end_) {
      const uint8_t id = *at_++;
      const std::optional<std::string_view> body = text();
      if (!body) return std::nullopt;
      if (id != 0) continue;
      SectionReader inside(*body);
      const std::optional<std::string_view> name = inside.text();
      if (name && *name == wanted) return inside.rest();
    }
    return std::nullopt;
  }

 private:
  explicit SectionReader(std::string_view text)
      : at_(reinterpret_cast<const uint8_t*>(text.data())), end_(at_ + text.size()) {}

  std::string_view rest() const {
    return {reinterpret_cast<const char*>(at_), static_cast<std::size_t>(end_ - at_)};
  }

  // A length in LEB128 and that many bytes.
  std::optional<std::string_view> text() {
    uint64_t length = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at_ == end_) return std::nullopt;
      const uint8_t byte = *at_++;
      length |= uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) != 0) continue;
      if (length > static_cast<uint64_t>(end_ - at_)) return std::nullopt;
      const std::string_view found(reinterpret_cast<const char*>(at_), length);
      at_ += length;
      return found;
    }
    return std::nullopt;
  }

  const uint8_t *at_, *end_;
};

std::vector<ModulePort> ports_from(const nlohmann::json& list) {
  std::vector<ModulePort> ports;
  for (const nlohmann::json& entry : list) {
    ModulePort port;
    port.name = entry.at("name");
    if (entry.contains("list")) {
      fail_model(
          "'{}' is a sequence or an optional, which this command cannot pass; use the loader (--emit js)",
          port.name);
    }
    const std::optional<ir::DType> type = ir::dtype_from_onnx(entry.at("onnx_dtype").get<int>());
    if (!type) fail_model("port '{}' has an unknown element type", port.name);
    port.type = *type;
    // The rank of some outputs is only told by the run.
    if (entry.at("shape").is_null()) port.dims.push_back({std::nullopt, "..."});
    for (const nlohmann::json& size : entry.at("shape")) {
      if (size.is_number_integer()) {
        port.dims.push_back({size.get<int64_t>(), {}});
      } else {
        port.dims.push_back({std::nullopt, size.get<std::string>()});
      }
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

}  // namespace

std::string ModulePort::to_string() const {
  std::string text;
  for (const Size& size : dims)
    text += (text.empty() ? "" : ", ") + (size.value ? std::to_string(*size.value) : size.name);
  return fmt::format("{}[{}]", ir::user_name(type), text);
}

std::vector<std::string> weights_paths(const std::string& wasm_path, const ModuleInfo& info) {
  std::vector<std::string> paths;
  for (const std::string& name : info.weights) {
    // A name only: a module must not point at files elsewhere.
    const std::string file = std::filesystem::path(name).filename().string();
    paths.push_back(std::filesystem::absolute(wasm_path).replace_filename(file).string());
  }
  return paths;
}

ModuleInfo read_module_info(const std::string& path, const std::vector<uint8_t>& wasm) {
  const std::optional<std::string_view> section = SectionReader(wasm).custom_section("onnx2wasm");
  if (!section) fail_model("'{}' is not a module made by onnx2wasm (it has no metadata section)", path);
  try {
    const nlohmann::json metadata = nlohmann::json::parse(section->begin(), section->end());
    ModuleInfo info{ports_from(metadata.at("inputs")), ports_from(metadata.at("outputs")), {}};
    if (const auto weights = metadata.find("weights"); weights != metadata.end()) {
      for (const nlohmann::json& file : weights->at("files")) info.weights.push_back(file.at("name"));
    }
    return info;
  } catch (const nlohmann::json::exception& error) {
    fail_model("'{}' has a damaged metadata section: {}", path, error.what());
  }
}

void write_module(const std::string& wasm_path, const package::Package& package) {
  write_file_atomically(wasm_path, package.wasm);
  for (const package::WeightsFile& file : package.weights) {
    write_file_atomically(std::filesystem::path(wasm_path).replace_filename(file.name).string(), file.bytes);
  }
}

}  // namespace o2w::driver
