// libwabt on finished modules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace o2w::package {

// InternalError with libwabt's message if the module is not valid WebAssembly 1.0 + SIMD, bulk memory, sign
// extension, saturating conversions.
void validate_module(const std::vector<uint8_t>& wasm);

}  // namespace o2w::package
