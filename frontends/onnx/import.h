// ModelDef -> graph IR in one forward walk: lowering is shape inference.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/support/diagnostics.h"
#include "frontends/onnx/model.h"

namespace o2w::onnx_frontend {

// A range for a named dimension; lower == upper fixes it.
struct DimRange {
  int64_t lower = 0, upper = 0;
};

struct ImportOptions {
  std::map<std::string, std::vector<int64_t>> shapes;  // --shape input=1,3,224,224 (-1 leaves a dim as it is)
  std::map<std::string, DimRange> dims;                // --dim name=value | lo..hi
  // Test mode: every input dimension becomes a symbol of its own, but for the declared lengths of vectors of
  // int32 and int64: these hold shapes, axes and the like, and their length is the rank of another tensor.
  bool all_dims_dynamic = false;
  bool fold_constants = true;
  bool initializers_as_inputs = false;  // inputs that have a default value (an initializer) stay inputs
};

// Reports all problems of the model together. Unknown --shape/--dim names are errors that list what there is.
Result<ir::Graph> import_model(const ModelDef& model, const ImportOptions& options, Diagnostics& diagnostics);

}  // namespace o2w::onnx_frontend
