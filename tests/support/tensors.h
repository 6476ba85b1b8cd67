// Tensors in tests: reading them from files and comparing them.
#pragma once

#include <optional>
#include <string>

#include "compiler/ir/tensor.h"
#include "frontends/onnx/model.h"

namespace o2w::test {

// A TensorProto file (.pb). Throws std::runtime_error with the reader's message.
ir::Tensor load_tensor(const std::string& path);

// A value of any type: tensor, sequence or optional.
ir::Tensor load_value(const std::string& path, const onnx_frontend::TypeDef& type);

// |got - expected| <= absolute + relative * |expected|, as ONNX's backend tests have it
// (onnx/backend/test/runner).
struct Tolerance {
  double relative = 1e-3;
  double absolute = 1e-7;
};

// Nothing when the tensors agree: same type and shape, floats within the tolerance (NaN equals NaN,
// infinities of one sign are equal), all else exactly. Otherwise what differs, the worst element first.
std::optional<std::string> difference(const ir::Tensor& got, const ir::Tensor& expected,
                                      const Tolerance& tolerance = {});

std::string to_string(const std::vector<int64_t>& dims);  // "[2, 3]"

}  // namespace o2w::test
