// ModelDef -> the bytes of an .onnx file: the inverse of the reader, for models that tests make.
#pragma once

#include <cstdint>
#include <vector>

#include "frontends/onnx/model.h"

namespace o2w::property {

std::vector<uint8_t> to_bytes(const onnx_frontend::ModelDef& model);

}  // namespace o2w::property
