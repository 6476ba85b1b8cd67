// What `check` finds out about a model: whether it compiles, what stands in the way, and what would come out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/pipeline.h"
#include "frontends/onnx/summary.h"

namespace o2w::driver {

// A size that only a run of the model tells.
struct RunTimeSize {
  std::string name;
  int64_t lower = 0, upper = 0;
  std::string node, op;  // that define it
};

struct CheckReport {
  std::string model;
  bool compiles = false;
  // The stage that was reached: "read", "lower", "schedule", "code"; "done" when all went well.
  const char* stage = "read";
  Diagnostics diagnostics;
  onnx_frontend::ModelSummary summary;  // empty when the file cannot be read
  std::vector<RunTimeSize> run_time_sizes;

  // Bytes; nothing where the pipeline did not get that far.
  std::optional<int64_t> weight_bytes, code_bytes, module_bytes;
  std::optional<int64_t> initial_memory_bytes;  // of an instance, before its shapes are set
  // Of all tensors that live at one time, ports included: at the smallest and at the largest sizes of the
  // dynamic dimensions, which are the same for a static model. The largest is nothing where a dimension has
  // no upper bound. Tensors whose size depends on data are counted at their bounds as well.
  std::optional<int64_t> least_tensor_bytes, most_tensor_bytes;
};

// Runs the whole pipeline; with `quick` all but the generation of code, whose size is then not known. Only
// broken invariants of the compiler throw.
CheckReport check_model(const std::string& path, CompileOptions options, bool quick);

// No upper bound: what a dimension has that nothing limits.
bool is_unbounded(int64_t upper);

}  // namespace o2w::driver
