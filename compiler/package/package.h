// Program -> the finished module's bytes (and what goes beside it).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "compiler/codegen/function_table.h"
#include "compiler/package/pieces.h"
#include "compiler/package/sidecar.h"
#include "compiler/package/size_report.h"
#include "compiler/schedule/program.h"
#include "compiler/support/diagnostics.h"

namespace o2w::package {

struct PackageOptions {
  int level = 2;  // Binaryen optimisation: 0 none, 1..3
  codegen::Target target;
  std::string version;      // of the compiler, for the metadata
  int64_t max_memory = 0;   // bytes that the module's memory may grow to; 0: what 32 bits reach
  bool keep_names = false;  // the "name" section: function names for debuggers and profilers
  // Every step of the plan becomes an export, described in the custom section "onnx2wasm.steps"
  // (docs/module-interface.md).
  bool profile = false;
  // Weights go to files beside the module, called by this name (sidecar.h), each of at most so many bytes.
  // Empty: they are part of the module.
  std::string weights_name;
  int64_t weights_part = int64_t{512} << 20;
  bool report_sizes = false;
};

struct Package {
  Pieces wasm;
  std::vector<WeightsFile> weights;  // empty: they are part of the module, or there are none
  int64_t code_bytes = 0;            // all but the weights
  int64_t weight_bytes = 0;
  int64_t memory_bytes = 0;  // linear memory that an instance starts with
  SizeReport sizes;          // if wanted
  // What the loader has to do with: "strings", "lists", ... (loader_template.h).
  std::set<std::string> loader_features;
};

// Emits, packs and validates (libwabt). A module that does not validate is an InternalError.
Result<Package> make_package(const schedule::Program& program, const PackageOptions& options,
                             Diagnostics& diagnostics);

// Text form of a module; data of more than 1 MiB is left out, with a comment that says so.
std::string to_wat(const std::vector<uint8_t>& wasm);
std::set<std::string> loader_features(const schedule::Program& program);
// The loader (ES module) and its types for a module whose file is called `wasm_name`.
std::string loader_js(const Package& package, const std::string& wasm_name);
std::string loader_dts(const schedule::Program& program, const std::string& wasm_name);

}  // namespace o2w::package
