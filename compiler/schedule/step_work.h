// The program's steps, and how much one has to do: what profiles and cost models divide its time by.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "compiler/schedule/program.h"

namespace o2w::schedule {

// Visits all steps, those of branches and loops after the step that holds them.
void for_each_step(const Steps& steps, const std::function<void(const Step&)>& visit);

// Nothing where it depends on dynamic sizes or on data.
struct StepWork {
  std::optional<int64_t> flops;  // a multiplication and an addition count as two; of a loop nest, operations
                                 // of its expressions
  std::optional<int64_t> bytes;  // of all operands, each counted once
};

StepWork work_of(const Program& program, const Call& call);

// "matmul", "winograd", "depthwise", ...: the family of the kernel that a call runs.
std::string family_of(const Kernel& kernel);

}  // namespace o2w::schedule
