// Files as bytes: mapped read-only, so that weights need not be copied, and hashed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace o2w::onnx_frontend {

// A regular file mapped into memory for as long as the object lives.
class MappedFile {
 public:
  // ModelError when the path is a directory, a device, missing or unreadable. `what` names the file's role in
  // the message.
  static std::shared_ptr<const MappedFile> open(const std::string& path, const std::string& what);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* bytes() const { return bytes_; }
  std::size_t size() const { return size_; }

 private:
  MappedFile() = default;
  const uint8_t* bytes_ = nullptr;
  std::size_t size_ = 0;
};

// Lower-case hexadecimal SHA-256 (FIPS 180-4).
std::string sha256_hex(const uint8_t* bytes, std::size_t size);

}  // namespace o2w::onnx_frontend
