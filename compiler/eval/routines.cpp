#include "compiler/eval/routines.h"

#include <map>

#include "compiler/support/error.h"

namespace o2w::eval {
namespace {

// A function's static: routines register from other files' initialisers.
std::map<std::string, Routine>& table() {
  static std::map<std::string, Routine> routines;
  return routines;
}

}  // namespace

RegisterRoutine::RegisterRoutine(const char* name, Routine routine) {
  ensure(table().emplace(name, std::move(routine)).second, "two routines have one name");
}

const Routine* find_routine(const std::string& name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

}  // namespace o2w::eval
