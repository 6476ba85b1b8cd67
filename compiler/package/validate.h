// libwabt on finished modules.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace o2w::package {

// InternalError with libwabt's message if the module is not valid WebAssembly 1.0 + SIMD, bulk memory, sign
// extension, saturating conversions.
void validate_module(const std::vector<uint8_t>& wasm);

// By function: the functions that it calls. Functions go by their index.
std::map<uint32_t, std::set<uint32_t>> call_graph(const std::vector<uint8_t>& wasm);

}  // namespace o2w::package
