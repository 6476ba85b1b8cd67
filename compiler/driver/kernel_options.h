// The options that choose kernels: --tune, --engine, --kernels.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>

#include "compiler/driver/pipeline.h"

namespace o2w::driver {

struct KernelOptions {
  bool tune = false;
  std::string engine = "node";
  std::string file;  // --kernels: read, or with --tune written

  void add_to(CLI::App& app);
  // Fills in options.kernels; false where the model does not compile, with the errors in `diagnostics`.
  bool apply(const std::string& model, CompileOptions& options,
             const std::function<void(const std::string&)>& say, Diagnostics& diagnostics) const;
};

}  // namespace o2w::driver
