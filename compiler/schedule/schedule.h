// Graph IR -> program: fusion, layouts, kernel choice, memory plan.
#pragma once

#include <functional>

#include "compiler/ir/graph.h"
#include "compiler/schedule/kernel_alternatives.h"
#include "compiler/schedule/program.h"
#include "compiler/support/diagnostics.h"

namespace o2w::schedule {

struct ScheduleOptions {
  int level = 2;          // -O0: no fusion, no layout choice, generic kernels only
  KernelChoices kernels;  // measured ones; without, the cost model chooses
  bool exact = false;     // only algorithms that sum products as operators define: no Winograd
  // Called after every step of the schedule with its name and a text dump.
  std::function<void(const std::string&, const std::string&)> dump;
};

Result<Program> make_program(const ir::Graph& graph, const ScheduleOptions& options,
                             Diagnostics& diagnostics);

}  // namespace o2w::schedule
