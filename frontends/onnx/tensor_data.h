// Tensor contents as .onnx files store them -> ir::Tensor. Knows nothing of protobuf.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "frontends/onnx/file.h"

namespace o2w::onnx_frontend {

// A wasm32 module can address no more.
inline constexpr int64_t max_tensor_bytes = (int64_t{1} << 32) - 1;
inline constexpr int64_t max_dim = (int64_t{1} << 31) - 1;

// The number of elements of a tensor with these dims. ModelError: a negative dim, one over max_dim, more
// elements than can be addressed.
int64_t checked_element_count(const std::vector<int64_t>& dims);
// Bits of an element in a file: 4 and 2 for the packed types.
int bits_in_file(ir::DType type);
// Bytes in a file of so many elements: packed types round up to whole bytes.
int64_t bytes_in_file(ir::DType type, int64_t count);

// Little-endian contents as in TensorProto.raw_data. `owner` keeps `bytes` alive; they are copied only where
// they are packed or not aligned. ModelError when the size does not fit the dims.
ir::Tensor tensor_from_raw(ir::DType type, std::vector<int64_t> dims, std::shared_ptr<const void> owner,
                           const uint8_t* bytes, std::size_t size);
// The inverse of tensor_from_raw.
std::string raw_from_tensor(const ir::Tensor& tensor);

// Coordinate format (SparseTensorProto) -> dense. `indices` is i64: [nnz] of flat positions or [nnz, rank].
// The result may not be larger than `byte_limit`: a few bytes of file may claim any size.
ir::Tensor dense_from_sparse(const ir::Tensor& values, const ir::Tensor& indices, std::vector<int64_t> dims,
                             int64_t byte_limit);

// Weights stored beside the model (TensorProto.external_data). Files are mapped once and stay mapped while
// tensors refer to them.
class ExternalData {
 public:
  explicit ExternalData(std::string folder) : folder_(std::move(folder)) {}
  // Keys: location, offset, length (the others are informative). ModelError for a path outside of the model's
  // folder, a missing file, a range outside of the file.
  ir::Tensor read(ir::DType type, std::vector<int64_t> dims,
                  const std::map<std::string, std::string>& entries);

 private:
  std::string folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace o2w::onnx_frontend
