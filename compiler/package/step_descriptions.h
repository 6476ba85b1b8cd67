// What the steps of a profiled module are: the text of its custom section "onnx2wasm.steps".
#pragma once

#include <string>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/schedule/program.h"

namespace o2w::package {

inline constexpr const char* kStepsSection = "onnx2wasm.steps";

// A JSON array with an object per step, in the order of a run: {"export", "node", "op" (null: the module's
// own work), "family", "function" (null: the step calls no kernel), "site" (null: there is one way to compute
// it), "algorithm", "flops", "bytes" (null: they depend on dynamic sizes or data), "work" (what the cost
// model counts, of products and convolutions)}.
std::string steps_json(const schedule::Program& program, const std::vector<codegen::StepFunction>& functions);

}  // namespace o2w::package
