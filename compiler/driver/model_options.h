// The options that every verb which compiles has in common: shapes, dims, optimisation level, dumps.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "compiler/driver/pipeline.h"

namespace o2w::driver {

struct ModelOptions {
  std::string model;
  std::vector<std::string> shapes;   // "input=1,3,224,224"
  std::vector<std::string> dims;     // "name=4" or "name=1..512"
  std::string max_memory;            // "256M"; empty: no limit
  std::string weights = "embedded";  // or "sidecar"
  std::string weights_part;          // "25M"; empty: the usual
  std::string level = "2";           // or "s"
  bool exact = false;
  int unroll = codegen::Target().unroll;
  std::string dump_folder;
  bool quiet = false, verbose = false;

  // Adds the options to a verb; `model` is its first positional argument.
  void add_to(CLI::App& app);
  // Parses the texts; a wrong one is a CLI::ValidationError (usage, exit code 2).
  CompileOptions compile_options() const;
};

// "1,3,224,224" -> numbers; CLI::ValidationError naming `option` on anything else.
std::vector<int64_t> parse_dims(const std::string& option, const std::string& text);

}  // namespace o2w::driver
