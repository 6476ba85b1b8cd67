// A tensor's contents on the compiler's side: constants, test data, evaluator results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/dtype.h"

namespace o2w::ir {

// Dense, row-major, little-endian, copy-on-write: copies of a Tensor share their bytes.
class Tensor {
 public:
  Tensor() = default;
  // Zero-filled.
  Tensor(DType type, std::vector<int64_t> dims);
  // Takes over bytes whose size must be count() * byte_size(type).
  Tensor(DType type, std::vector<int64_t> dims, std::vector<uint8_t> bytes);
  // Views bytes that `owner` keeps alive (a mapped file).
  Tensor(DType type, std::vector<int64_t> dims, std::shared_ptr<const void> owner, const uint8_t* bytes);
  // The elements are handles of the strings (string_pool.h).
  static Tensor of_strings(std::vector<int64_t> dims, const std::vector<std::string>& strings);
  // A list of tensors and lists: a scalar of DType::list. Tensor(DType::list, {}) is the empty one.
  static Tensor of_list(std::vector<Tensor> elements);
  template <typename T>
  static Tensor scalar(DType type, T value);

  DType type() const { return type_; }
  const std::vector<int64_t>& dims() const { return dims_; }
  int64_t rank() const { return static_cast<int64_t>(dims_.size()); }
  int64_t count() const;  // number of elements
  int64_t byte_count() const;

  const uint8_t* bytes() const { return view_; }
  uint8_t* mutable_bytes();  // makes the bytes this tensor's own
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(view_);
  }
  template <typename T>
  T* mutable_data() {
    return reinterpret_cast<T*>(mutable_bytes());
  }
  std::vector<std::string> strings() const;
  const std::string& string_at(int64_t flat_index) const;
  void set_string(int64_t flat_index, std::string_view text);
  const std::vector<Tensor>& elements() const;  // of a list

  // Element as a double or int64 whatever the type (narrow floats are decoded, bool is 0/1).
  double as_double(int64_t flat_index) const;
  int64_t as_int(int64_t flat_index) const;
  void set_double(int64_t flat_index, double value);  // rounds to the type, to nearest even; ints truncate
  void set_int(int64_t flat_index, int64_t value);

  // The same bytes under other dims (same count).
  Tensor reshaped(std::vector<int64_t> dims) const;
  bool same_bits(const Tensor& other) const;  // type, dims and bytes

 private:
  DType type_ = DType::f32;
  std::vector<int64_t> dims_;
  std::shared_ptr<const void> owner_;
  const uint8_t* view_ = nullptr;
  std::shared_ptr<std::vector<uint8_t>> own_;
  std::shared_ptr<const std::vector<Tensor>> list_;
};

template <typename T>
Tensor Tensor::scalar(DType type, T value) {
  Tensor tensor(type, {});
  if constexpr (std::is_floating_point_v<T>) {
    tensor.set_double(0, value);
  } else {
    tensor.set_int(0, static_cast<int64_t>(value));
  }
  return tensor;
}

// Conversions of narrow floats, IEEE 754 round to nearest even; f8 as in the ONNX "float8" specification.
float decode_narrow(DType type, uint32_t bits);
uint32_t encode_narrow(DType type, float value, bool saturate = true);

}  // namespace o2w::ir
