// --input name=@file | name=random, and the tensors they stand for.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <string>
#include <vector>

#include "compiler/driver/model_options.h"
#include "compiler/driver/session.h"

namespace o2w::driver {

struct InputOptions {
  std::vector<std::string> inputs;
  uint64_t seed = 1;

  void add_to(CLI::App& app);
  // A tensor for every input of the module. Inputs not named on the command line are random where
  // `default_random`, else a ModelError that lists what is missing. Sizes of dynamic dimensions come from
  // --shape and --dim.
  std::vector<NamedTensor> tensors(const ModuleInfo& info, const CompileOptions& sizes,
                                   bool default_random) const;
};

}  // namespace o2w::driver
