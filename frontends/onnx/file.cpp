#include "frontends/onnx/file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "compiler/support/error.h"

namespace o2w::onnx_frontend {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, const std::string& what) {
  // O_NONBLOCK: opening a FIFO that nobody writes to must not hang.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_model("cannot open {} '{}': {}", what, path, std::strerror(errno));
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};

  struct stat status{};
  if (::fstat(descriptor, &status) != 0)
    fail_model("cannot read {} '{}': {}", what, path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail_model("{} '{}' is a directory, not a file", what, path);
  if (!S_ISREG(status.st_mode)) fail_model("{} '{}' is not a regular file", what, path);

  std::shared_ptr<MappedFile> file(new MappedFile);
  file->size_ = static_cast<std::size_t>(status.st_size);
  if (file->size_ == 0) return file;
  void* mapped = ::mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapped == MAP_FAILED) fail_model("cannot read {} '{}': {}", what, path, std::strerror(errno));
  file->bytes_ = static_cast<const uint8_t*>(mapped);
  return file;
}

MappedFile::~MappedFile() {
  if (bytes_ != nullptr) ::munmap(const_cast<uint8_t*>(bytes_), size_);
}

std::string sha256_hex(const uint8_t* bytes, std::size_t size) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(bytes, size, digest, &length, EVP_sha256(), nullptr) != 1)
    fail_internal("SHA-256 is not available");
  std::string text;
  text.reserve(2 * static_cast<std::size_t>(length));
  for (unsigned int i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

}  // namespace o2w::onnx_frontend
