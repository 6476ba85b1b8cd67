// What the arena takes for given sizes, where a module plans it itself.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "compiler/schedule/program.h"

namespace o2w::schedule {

struct ArenaNeed {
  int64_t bytes = 0;
  int64_t lower_bound = 0;  // bytes that live at the worst step
};

// By the module's own plan, for sizes by symbol; nothing if one is missing.
std::optional<ArenaNeed> arena_need(const Program& program, const std::map<std::string, int64_t>& sizes);

}  // namespace o2w::schedule
