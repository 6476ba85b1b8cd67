// Class probabilities from the scores of pairs of classes.
#pragma once

#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend::ml {

// scores: f32 [rows, pairs], pairs in the order (0, 1), (0, 2), ..., (1, 2), ...; chances f32 [rows,
// classes]. Each score becomes the chance 1 - logistic(a * score + b) of its pair's first class; these are
// made to agree by the second method of Wu, Lin, Weng: Probability estimates for multi-class classification
// by pairwise coupling (JMLR 5, 2004), iterated as libsvm and ONNX Runtime do.
ir::Value* coupled_chances(Lowering& l, ir::Value* scores, int64_t classes, const std::vector<double>& a,
                           const std::vector<double>& b);

}  // namespace o2w::onnx_frontend::ml
