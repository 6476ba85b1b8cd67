// Chooses kernels by measuring them in an engine.
#pragma once

#include <functional>
#include <string>

#include "compiler/driver/pipeline.h"

namespace o2w::driver {

// Compiles the model with every algorithm wherever it is possible, times all steps of these modules in `node`
// (a command or a path), and gives the quickest algorithm of each site. Dynamic dimensions are measured at 1
// (a tensor's first one) and 64, or the nearest size in their range. `say`: what is being done, and sizes
// that were assumed.
Result<schedule::KernelChoices> tune(const std::string& model, const CompileOptions& options,
                                     const std::string& node,
                                     const std::function<void(const std::string&)>& say,
                                     Diagnostics& diagnostics);

// A file of choices: a JSON object, site -> algorithm. ModelError if it is none.
schedule::KernelChoices read_kernel_choices(const std::string& path);
std::string kernel_choices_text(const schedule::KernelChoices& choices);

}  // namespace o2w::driver
