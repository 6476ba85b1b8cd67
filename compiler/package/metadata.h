// The custom section "onnx2wasm": what a host may want to know of a module without running it, as JSON.
//
//   {
//     "format": 1,
//     "compiler": "onnx2wasm 0.1.0",
//     "model": {"name": "...", "opset": 17, "sha256": "..."},
//     "inputs": [{"name": "x", "dtype": "float32", "onnx_dtype": 1, "shape": [1, 3, "height"]}],
//     "outputs": [...],
//     "dims": {"height": {"min": 1, "max": 4096}},
//     "memory": {"weights": 123, "arena": 456},
//     "weights": {"address": 4096, "bytes": 192, "hash": "0123456789abcdef",
//                 "files": [{"name": "model.weights", "bytes": 192, "sha256": "..."}]}
//   }
//
// `dims` are the named sizes that the inputs' shapes define; a size that is computed from others is an
// expression over their names ("floordiv(height + 3, 4)"). `memory` is in bytes, arena null where it depends
// on shapes. `weights` is there where they lie in files beside the module.
#pragma once

#include <string>

#include "compiler/package/sidecar.h"
#include "compiler/schedule/program.h"
#include "runtime-lib/model_abi.h"

namespace o2w::package {

inline constexpr const char* kMetadataSection = "onnx2wasm";

std::string metadata_json(const schedule::Program& program, const std::string& compiler_version,
                          int64_t weight_bytes, const abi::WeightsDescriptor& sidecar = {},
                          const std::vector<WeightsFile>& files = {});

}  // namespace o2w::package
