// Tensors from and to files and the command line: .npy, .pb (TensorProto), .raw (bytes alone), .json
// (strings, as nested lists), random.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"

namespace o2w::driver {

// Reads by the file's ending. `dims` gives a raw file its shape. ModelErrors name the file.
ir::Tensor read_tensor(const std::string& path, ir::DType type, const std::vector<int64_t>& dims);
// Writes `folder`/`name`.npy, .json for strings, .raw for other types that .npy has no code for (f16 and
// narrower, complex numbers). Returns the path.
std::string write_tensor(const std::string& folder, const std::string& name, const ir::Tensor& tensor);
// Repeatable: floats uniform in [-1, 1), integers 0..9 of the type, bools half and half, strings of digits.
ir::Tensor random_tensor(ir::DType type, const std::vector<int64_t>& dims, uint64_t seed);

}  // namespace o2w::driver
