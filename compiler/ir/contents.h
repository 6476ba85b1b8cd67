// What is known of small integer tensors' elements, as Dims: computed for any node from its definition and
// what is known of its inputs.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/graph.h"

namespace o2w::ir {

// Elements of `output` (made by `node`), row-major; nothing unless it is a static shape of at most 64
// integers or bools and every element follows as an expression over symbols. Symbolic sizes are assumed not
// to overflow i32 and wider types.
std::optional<std::vector<Dim>> compute_contents(const Node& node, const Value& output);
// The tensor of known contents that are all constants.
Tensor tensor_of_contents(const Value& value);

}  // namespace o2w::ir
