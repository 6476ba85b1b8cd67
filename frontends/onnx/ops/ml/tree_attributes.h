// Reads decision trees out of attributes: the lists of TreeEnsembleClassifier and TreeEnsembleRegressor, and
// the tensors of TreeEnsemble.
#pragma once

#include <vector>

#include "frontends/onnx/ops/ml/forest.h"

namespace o2w::onnx_frontend::ml {

// Numbers given as the attribute `name`, a list of floats, or as `name`_as_tensor; empty when neither is
// there.
std::vector<double> numbers_attribute(Lowering& l, const std::string& name);

// `prefix` is that of the weights' attributes: "target" or "class". Without `targets`.
TreeEnsembleDef listed_trees(Lowering& l, const std::string& prefix);
TreeEnsembleDef tensor_trees(Lowering& l);

}  // namespace o2w::onnx_frontend::ml
