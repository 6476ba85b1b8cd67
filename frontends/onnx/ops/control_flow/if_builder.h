// Builds `if` nodes.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/builder.h"
#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// Whether the branches' results can be those of one node: as many, of the same element types and ranks. Where
// one gives an optional and the other its element, both come to give optionals. ModelError where element
// types differ.
bool agree_in_rank(ir::Builder& builder, Alternative& then_branch, Alternative& else_branch);

// The node for branches that agree; `names` are for the symbols of sizes that differ. Returns its outputs.
std::vector<ir::Value*> build_if(ir::Builder& builder, ir::Value* condition, Alternative then_branch,
                                 Alternative else_branch, const std::vector<std::string>& names);

}  // namespace o2w::onnx_frontend
