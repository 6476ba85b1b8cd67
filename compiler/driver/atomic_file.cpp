#include "compiler/driver/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "compiler/support/error.h"

namespace o2w::driver {
namespace {

// A file under a temporary name that vanishes unless it is committed.
class PendingFile {
 public:
  PendingFile(std::string path, const std::vector<std::span<const uint8_t>>& pieces)
      : path_(std::move(path)) {
    struct stat info{};
    if (stat(path_.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      fail_model("cannot write '{}': it is a directory", path_);
    }
    temporary_ = path_ + ".XXXXXX";
    const int descriptor = mkstemp(temporary_.data());
    if (descriptor < 0) fail("create");
    pending_ = true;
    const char* step = nullptr;
    for (std::span<const uint8_t> bytes : pieces) {
      while (!bytes.empty() && step == nullptr) {
        const ssize_t count = write(descriptor, bytes.data(), bytes.size());
        if (count > 0) {
          bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (count == 0 || errno != EINTR) {
          step = "write";
        }
      }
    }
    // mkstemp makes files for the owner alone; give the mode an ordinary file would have had.
    const mode_t mask = umask(0);
    umask(mask);
    if (step == nullptr && fchmod(descriptor, 0666 & ~mask) != 0) step = "set the mode of";
    if (step == nullptr && fsync(descriptor) != 0) step = "flush";
    const int cause = errno;
    if (close(descriptor) != 0 && step == nullptr) fail("close");
    if (step != nullptr) {
      errno = cause;
      fail(step);
    }
  }
  ~PendingFile() {
    if (pending_) unlink(temporary_.c_str());
  }
  PendingFile(PendingFile&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::move(other.temporary_)), pending_(other.pending_) {
    other.pending_ = false;
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  PendingFile& operator=(PendingFile&&) = delete;

  void commit() {
    if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename to");
    pending_ = false;
  }

 private:
  [[noreturn]] void fail(const char* step) {
    const std::string cause = std::strerror(errno);
    // A throwing constructor runs no destructor: clean up here.
    if (pending_) unlink(temporary_.c_str());
    pending_ = false;
    fail_model("cannot {} '{}': {}", step, path_, cause);
  }

  std::string path_, temporary_;
  bool pending_ = false;
};

}  // namespace

void write_files_atomically(const std::vector<OutputFile>& files) {
  std::vector<PendingFile> pending;
  pending.reserve(files.size());
  for (const OutputFile& file : files) pending.emplace_back(file.path, file.bytes.spans());
  for (PendingFile& file : pending) file.commit();
}

void write_file_atomically(const std::string& path, std::span<const uint8_t> bytes) {
  PendingFile(path, std::vector{bytes}).commit();
}

void write_file_atomically(const std::string& path, const package::Pieces& bytes) {
  PendingFile(path, bytes.spans()).commit();
}

void write_file_atomically(const std::string& path, const std::string& text) {
  write_file_atomically(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::vector<uint8_t> read_file(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_model("cannot open '{}': {}", path, std::strerror(errno));
  std::vector<uint8_t> bytes;
  struct stat info{};
  if (fstat(descriptor, &info) == 0 && info.st_size > 0)
    bytes.reserve(static_cast<std::size_t>(info.st_size));
  uint8_t block[1 << 16];
  for (;;) {
    const ssize_t count = read(descriptor, block, sizeof block);
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      const std::string cause = std::strerror(errno);
      close(descriptor);
      fail_model("cannot read '{}': {}", path, cause);
    }
    bytes.insert(bytes.end(), block, block + count);
  }
  close(descriptor);
  return bytes;
}

}  // namespace o2w::driver
