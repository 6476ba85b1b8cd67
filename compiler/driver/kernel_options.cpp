#include "compiler/driver/kernel_options.h"

#include "compiler/driver/atomic_file.h"
#include "compiler/driver/tune.h"

namespace o2w::driver {

void KernelOptions::add_to(CLI::App& app) {
  CLI::Option* tuning = app.add_flag(
      "--tune", tune, "Measure the kernels that could compute each node, and take the quickest ones");
  app.add_option("--engine", engine, "Where --tune measures: a Node.js command or its path")
      ->capture_default_str()
      ->needs(tuning);
  app.add_option("--kernels", file,
                 "Kernel choices: read from this file, or with --tune written to it for another time")
      ->type_name("FILE.json");
}

bool KernelOptions::apply(const std::string& model, CompileOptions& options,
                          const std::function<void(const std::string&)>& say,
                          Diagnostics& diagnostics) const {
  if (tune) {
    Result<schedule::KernelChoices> choices = driver::tune(model, options, engine, say, diagnostics);
    if (!choices) return false;
    options.kernels = *std::move(choices);
    if (!file.empty()) write_file_atomically(file, kernel_choices_text(options.kernels));
  } else if (!file.empty()) {
    options.kernels = read_kernel_choices(file);
  }
  return true;
}

}  // namespace o2w::driver
