// One line of progress on a terminal; silent everywhere else.
#pragma once

#include <string>

namespace o2w::driver {

class Progress {
 public:
  // Shows stages only if `wanted` and standard error is a terminal.
  explicit Progress(bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void stage(const std::string& what);
  void clear();

 private:
  bool shown_ = false;
  bool dirty_ = false;
};

}  // namespace o2w::driver
