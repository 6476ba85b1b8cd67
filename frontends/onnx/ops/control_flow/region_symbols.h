// Which symbols have a meaning outside of a region.
#pragma once

#include <set>
#include <string>

#include "compiler/ir/graph.h"

namespace o2w::onnx_frontend {

// Names of the symbols that nodes of the region, nested ones included, define.
std::set<std::string> symbols_defined_in(const ir::Region& region);
bool uses_any(const ir::Dim& dim, const std::set<std::string>& symbols);

}  // namespace o2w::onnx_frontend
