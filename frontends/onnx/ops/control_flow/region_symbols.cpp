#include "frontends/onnx/ops/control_flow/region_symbols.h"

#include <algorithm>

namespace o2w::onnx_frontend {

std::set<std::string> symbols_defined_in(const ir::Region& region) {
  std::set<std::string> names;
  ir::for_each_node(region, [&](const ir::Node& node) {
    for (const ir::SymbolRef& symbol : ir::symbols_defined_by(node)) names.insert(symbol->name);
  });
  return names;
}

bool uses_any(const ir::Dim& dim, const std::set<std::string>& symbols) {
  if (symbols.empty()) return false;
  const std::vector<ir::SymbolRef> used = dim.symbols();
  return std::any_of(used.begin(), used.end(),
                     [&](const ir::SymbolRef& symbol) { return symbols.contains(symbol->name); });
}

}  // namespace o2w::onnx_frontend
