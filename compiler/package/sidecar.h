// Weights in files of their own, beside the module (--weights=sidecar).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/package/pieces.h"

namespace o2w::package {

struct WeightsFile {
  std::string name;  // without folder
  Pieces bytes;
  std::string sha256;
};

// What o2w_weights_commit() computes of the bytes, whose number is a multiple of WeightsHash::kBlockBytes.
uint64_t weights_hash(const Pieces& weights);

// The weights cut into files of at most `part_bytes` (at least a block; rounded down to blocks): the first is
// called `name`, the others have a number before the ending: model.weights, model.1.weights, model.2.weights.
std::vector<WeightsFile> weights_files(const Pieces& weights, const std::string& name, int64_t part_bytes);

}  // namespace o2w::package
