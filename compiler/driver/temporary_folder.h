// A folder under the system's temporary one that is removed with the object.
#pragma once

#include <string>

namespace o2w::driver {

class TemporaryFolder {
 public:
  TemporaryFolder();  // ModelError if none can be made
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace o2w::driver
