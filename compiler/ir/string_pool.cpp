#include "compiler/ir/string_pool.h"

#include <deque>
#include <mutex>
#include <unordered_map>

#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

struct Pool {
  std::mutex mutex;
  std::deque<std::string> strings{""};  // by handle
  std::unordered_map<std::string_view, uint64_t> handles{{"", 0}};
};

Pool& pool() {
  static Pool* strings = new Pool;  // never taken down: tensors with static lifetime refer to it
  return *strings;
}

}  // namespace

uint64_t string_handle(std::string_view text) {
  Pool& known = pool();
  const std::lock_guard lock(known.mutex);
  if (const auto found = known.handles.find(text); found != known.handles.end()) return found->second;
  const uint64_t handle = known.strings.size();
  known.handles.emplace(known.strings.emplace_back(text), handle);
  return handle;
}

const std::string& string_of(uint64_t handle) {
  Pool& known = pool();
  const std::lock_guard lock(known.mutex);
  ensure(handle < known.strings.size(), "a string tensor holds a handle of no string");
  return known.strings[handle];
}

}  // namespace o2w::ir
