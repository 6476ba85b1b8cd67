// The whole compiler as one function: file in, module out. All verbs that compile call it.
#pragma once

#include <functional>
#include <string>

#include "compiler/ir/graph.h"
#include "compiler/package/package.h"
#include "compiler/schedule/kernel_alternatives.h"
#include "compiler/schedule/program.h"
#include "compiler/support/diagnostics.h"
#include "frontends/onnx/import.h"

namespace o2w::driver {

struct CompileOptions {
  onnx_frontend::ImportOptions import;
  int level = 2;                                     // -O0..-O3
  bool small = false;                                // -Os
  bool exact = false;                                // --exact
  schedule::KernelChoices kernels;                   // --kernels, --tune
  int unroll = codegen::Target().unroll;             // --unroll
  int64_t max_memory = 0;                            // of the module, in bytes; 0: what 32 bits reach
  bool profile = false;                              // --profile
  std::string weights_name;                          // of the file beside the module; empty: in the module
  int64_t weights_part = 0;                          // bytes of such a file at most; 0: the usual
  bool report_sizes = false;                         // Package::sizes
  std::string dump_folder;                           // --dump-phases; empty: none. Made if it does not exist
  std::function<void(const std::string&)> progress;  // may be null
  // Sees the model and what was imported of it (null: nothing), before the passes; may be null.
  std::function<void(const onnx_frontend::ModelDef&, const ir::Graph*)> imported;
};

struct CompiledModel {
  schedule::Program program;
  package::Package package;
};

// Reads, imports and runs the graph passes.
Result<ir::Graph> build_graph(const std::string& path, const CompileOptions& options,
                              Diagnostics& diagnostics);
Result<schedule::Program> build_program(const std::string& path, const CompileOptions& options,
                                        Diagnostics& diagnostics);
Result<package::Package> build_package(const schedule::Program& program, const CompileOptions& options,
                                       Diagnostics& diagnostics);
// All of it.
Result<CompiledModel> compile_model(const std::string& path, const CompileOptions& options,
                                    Diagnostics& diagnostics);

// "1.2.3"
const char* compiler_version();

}  // namespace o2w::driver
