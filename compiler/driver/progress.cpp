#include "compiler/driver/progress.h"

#include <unistd.h>

#include <cstdio>

namespace o2w::driver {

Progress::Progress(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { clear(); }

void Progress::stage(const std::string& what) {
  if (!shown_) return;
  std::fprintf(stderr, "\r\033[K%s...", what.c_str());
  std::fflush(stderr);
  dirty_ = true;
}

void Progress::clear() {
  if (!dirty_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  dirty_ = false;
}

}  // namespace o2w::driver
