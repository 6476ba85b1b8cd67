// Kernels that can compute a result in more than one way, and which way is taken: that which a table of
// choices names (--tune measures them, --kernels reads them), else the one that the cost model says is
// quickest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/schedule/program.h"

namespace o2w::schedule {

// Site -> name of an algorithm. The site "*" stands for all others; a name that a site does not have is
// passed over.
using KernelChoices = std::map<std::string, std::string>;

// What a kernel computes, without how: equal sites are equally quick. "" of kernels that there is one way to
// compute.
std::string site_of(const Kernel& kernel);
// "windows", "winograd_4x4", "winograd_2x2", "depthwise"; "packed", "direct" (rows of a product's left side).
std::string algorithm_of(const Conv2d& kernel);
std::string algorithm_of(const Matmul& kernel);

// The names of all ways to compute a site's result.
std::vector<std::string> alternatives_of(const Kernel& kernel);

// Sets `algorithm`, `pack_lhs`. exact: see ScheduleOptions.
void choose_algorithm(Conv2d& kernel, const KernelChoices& choices, bool exact);
void choose_algorithm(Matmul& kernel, const KernelChoices& choices);

}  // namespace o2w::schedule
