#include "frontends/onnx/tensor_data.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "compiler/support/error.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Tensor;

int64_t checked_element_count(const std::vector<int64_t>& dims) {
  // Zeros are left out of the product, so that no arithmetic on the dims that follows can overflow either.
  int64_t product = 1;
  bool empty = false;
  for (const int64_t dim : dims) {
    if (dim < 0) fail_model("has the negative dimension {}", dim);
    if (dim > max_dim)
      fail_model("has a dimension of {}, the most that a module can address is {}", dim, max_dim);
    if (dim == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, dim, &product) || product > max_tensor_bytes) {
      fail_model("has more elements than a module can address (4 GiB)");
    }
  }
  return empty ? 0 : product;
}

int bits_in_file(DType type) {
  switch (type) {
    case DType::i4:
    case DType::u4:
    case DType::f4e2m1:
      return 4;
    case DType::i2:
    case DType::u2:
      return 2;
    default:
      return 8 * ir::byte_size(type);
  }
}

int64_t bytes_in_file(DType type, int64_t count) { return (count * bits_in_file(type) + 7) / 8; }

namespace {

// First element in the lowest bits.
std::vector<uint8_t> unpack(DType type, int64_t count, const uint8_t* bytes) {
  const int bits = bits_in_file(type);
  const int per_byte = 8 / bits;
  const int mask = (1 << bits) - 1;
  const int sign = (type == DType::i4 || type == DType::i2) ? 1 << (bits - 1) : 0;
  std::vector<uint8_t> result(count);
  for (int64_t i = 0; i < count; ++i) {
    const int code = (bytes[i / per_byte] >> (bits * static_cast<int>(i % per_byte))) & mask;
    result[i] = static_cast<uint8_t>((code ^ sign) - sign);
  }
  return result;
}

bool is_packed(DType type) { return bits_in_file(type) < 8; }

int alignment(DType type) {
  if (type == DType::c64) return 4;
  if (type == DType::c128) return 8;
  return ir::byte_size(type);
}

}  // namespace

Tensor tensor_from_raw(DType type, std::vector<int64_t> dims, std::shared_ptr<const void> owner,
                       const uint8_t* bytes, std::size_t size) {
  if (type == DType::string) fail_model("holds strings, which cannot be stored as raw data");
  const int64_t count = checked_element_count(dims);
  const int64_t expected = bytes_in_file(type, count);
  if (size != static_cast<std::size_t>(expected)) {
    fail_model("has {} bytes of data, but its dimensions and type ({}) need {}", size, ir::user_name(type),
               expected);
  }
  if (count == 0) return Tensor(type, std::move(dims));
  if (is_packed(type)) return Tensor(type, std::move(dims), unpack(type, count, bytes));
  if (type == DType::boolean && std::any_of(bytes, bytes + size, [](uint8_t byte) { return byte > 1; })) {
    std::vector<uint8_t> normal(bytes, bytes + size);
    for (uint8_t& byte : normal) byte = byte != 0;
    return Tensor(type, std::move(dims), std::move(normal));
  }
  if (reinterpret_cast<uintptr_t>(bytes) % alignment(type) != 0) {
    return Tensor(type, std::move(dims), std::vector<uint8_t>(bytes, bytes + size));
  }
  return Tensor(type, std::move(dims), std::move(owner), bytes);
}

std::string raw_from_tensor(const Tensor& tensor) {
  const DType type = tensor.type();
  ensure(type != DType::string, "strings have no raw form");
  const int64_t count = tensor.count();
  if (!is_packed(type))
    return std::string(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_count());
  const int bits = bits_in_file(type);
  const int per_byte = 8 / bits;
  std::string packed(bytes_in_file(type, count), '\0');
  for (int64_t i = 0; i < count; ++i) {
    const int code = tensor.bytes()[i] & ((1 << bits) - 1);
    char& byte = packed[i / per_byte];
    byte = static_cast<char>(static_cast<uint8_t>(byte) | (code << (bits * static_cast<int>(i % per_byte))));
  }
  return packed;
}

Tensor dense_from_sparse(const Tensor& values, const Tensor& indices, std::vector<int64_t> dims,
                         int64_t byte_limit) {
  const int64_t count = checked_element_count(dims);
  const DType type = values.type();
  const int size = ir::byte_size(type);
  if (count > byte_limit / size)
    fail_model("is sparse and would take {} bytes when dense, which is too much", count * size);
  if (indices.type() != DType::i64)
    fail_model("has sparse indices of {}, expected int64", ir::user_name(indices.type()));
  const int64_t nonzeros = values.count();
  const auto rank = static_cast<int64_t>(dims.size());
  const bool flat = indices.rank() == 1;
  if (indices.count() != (flat ? nonzeros : nonzeros * rank)) {
    fail_model("has {} sparse indices for {} values of rank {}", indices.count(), nonzeros, rank);
  }
  Tensor dense(type, dims);
  if (nonzeros == 0) return dense;
  const int64_t* at = indices.data<int64_t>();
  uint8_t* out = dense.mutable_bytes();
  for (int64_t i = 0; i < nonzeros; ++i) {
    int64_t position = 0;
    if (flat) {
      position = at[i];
    } else {
      for (int64_t k = 0; k < rank; ++k) {
        const int64_t index = at[i * rank + k];
        if (index < 0 || index >= dims[k])
          fail_model("has the sparse index {} in a dimension of {}", index, dims[k]);
        position = position * dims[k] + index;
      }
    }
    if (position < 0 || position >= count)
      fail_model("has the sparse position {} among {} elements", position, count);
    std::memcpy(out + position * size, values.bytes() + i * size, size);
  }
  return dense;
}

namespace {

int64_t number(const std::map<std::string, std::string>& entries, const char* key, int64_t otherwise) {
  const auto found = entries.find(key);
  if (found == entries.end()) return otherwise;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    fail_model("has external data with the {} '{}', expected a number of bytes", key, text);
  }
  return value;
}

}  // namespace

Tensor ExternalData::read(DType type, std::vector<int64_t> dims,
                          const std::map<std::string, std::string>& entries) {
  const auto location = entries.find("location");
  if (location == entries.end() || location->second.empty())
    fail_model("has external data without a location");
  if (location->second.find('\0') != std::string::npos)
    fail_model("has external data with a zero byte in its location");
  // The model's text may only name what lies in its folder. Symbolic links in there are followed: they are
  // the file system owner's doing, not the model's (download caches keep large files that way).
  const std::filesystem::path relative = std::filesystem::path(location->second).lexically_normal();
  if (relative.is_absolute() || relative.empty() || *relative.begin() == "..") {
    fail_model("has external data at '{}', which is outside of the model's folder", location->second);
  }
  const int64_t count = checked_element_count(dims);
  const int64_t expected = bytes_in_file(type, count);
  const int64_t offset = number(entries, "offset", 0);
  const int64_t length = number(entries, "length", expected);
  if (length != expected) {
    fail_model("has {} bytes of external data, but its dimensions and type ({}) need {}", length,
               ir::user_name(type), expected);
  }
  auto& file = files_[relative.string()];
  if (file == nullptr) {
    file =
        MappedFile::open((std::filesystem::path(folder_) / relative).string(), "the model's external data");
  }
  const auto size = static_cast<int64_t>(file->size());
  if (offset > size || length > size - offset) {
    fail_model("has external data at {} to {} of '{}', which has only {} bytes", offset, offset + length,
               relative.string(), size);
  }
  return tensor_from_raw(type, std::move(dims), file, file->bytes() + offset,
                         static_cast<std::size_t>(length));
}

}  // namespace o2w::onnx_frontend
