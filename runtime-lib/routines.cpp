#include "runtime-lib/routines.h"

#include "runtime-lib/allocator.h"
#include "runtime-lib/model.h"
#include "runtime-lib/narrow_floats.h"

namespace o2w::runtime {

uint32_t element_bytes(DType type) {
  switch (type) {
    case DType::i64:
    case DType::u64:
    case DType::f64:
    case DType::string:
    case DType::c64:
      return 8;
    case DType::c128:
      return 16;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16:
      return 2;
    default:
      return 1;
  }
}

uint64_t element_count(const abi::TensorArg& tensor) {
  uint64_t count = 1;
  for (int32_t d = 0; d < tensor.rank; ++d) count *= static_cast<uint32_t>(tensor.dims[d]);
  return count;
}

namespace {

uint32_t load_bits(const abi::TensorArg& tensor, uint64_t index) {
  return element_bytes(dtype_of(tensor)) == 2 ? at<const uint16_t>(tensor.data)[index]
                                              : at<const uint8_t>(tensor.data)[index];
}

// Towards zero, saturating, NaN gives 0: like the casts of generated code.
int64_t to_integer(double value) {
  if (value != value) return 0;
  if (value >= 0x1p63) return INT64_MAX;
  if (value < -0x1p63) return INT64_MIN;
  return static_cast<int64_t>(value);
}

}  // namespace

double load_element(const abi::TensorArg& tensor, uint64_t index) {
  switch (dtype_of(tensor)) {
    case DType::f32:
      return static_cast<double>(at<const float>(tensor.data)[index]);
    case DType::f64:
      return at<const double>(tensor.data)[index];
    case DType::i64:
      return static_cast<double>(at<const int64_t>(tensor.data)[index]);
    case DType::u64:
      return static_cast<double>(at<const uint64_t>(tensor.data)[index]);
    case DType::i32:
      return at<const int32_t>(tensor.data)[index];
    case DType::u32:
      return at<const uint32_t>(tensor.data)[index];
    case DType::i16:
      return at<const int16_t>(tensor.data)[index];
    case DType::i8:
    case DType::i4:
    case DType::i2:
      return at<const int8_t>(tensor.data)[index];
    case DType::u16:
    case DType::u8:
    case DType::boolean:
    case DType::u4:
    case DType::u2:
      return load_bits(tensor, index);
    default:
      return static_cast<double>(o2w_decode_narrow(dtype_of(tensor), load_bits(tensor, index)));
  }
}

void store_element(const abi::TensorArg& tensor, uint64_t index, double value) {
  switch (dtype_of(tensor)) {
    case DType::f32:
      at<float>(tensor.data)[index] = static_cast<float>(value);
      return;
    case DType::f64:
      at<double>(tensor.data)[index] = value;
      return;
    case DType::i64:
    case DType::u64:
      at<int64_t>(tensor.data)[index] = to_integer(value);
      return;
    case DType::i32:
    case DType::u32:
      at<uint32_t>(tensor.data)[index] = static_cast<uint32_t>(to_integer(value));
      return;
    case DType::i16:
    case DType::u16:
      at<uint16_t>(tensor.data)[index] = static_cast<uint16_t>(to_integer(value));
      return;
    case DType::i8:
    case DType::u8:
    case DType::i4:
    case DType::u4:
    case DType::i2:
    case DType::u2:
      at<uint8_t>(tensor.data)[index] = static_cast<uint8_t>(to_integer(value));
      return;
    case DType::boolean:
      at<uint8_t>(tensor.data)[index] = value != 0;
      return;
    default: {
      const uint32_t bits = o2w_encode_narrow(dtype_of(tensor), static_cast<float>(value));
      if (element_bytes(dtype_of(tensor)) == 2) {
        at<uint16_t>(tensor.data)[index] = static_cast<uint16_t>(bits);
      } else {
        at<uint8_t>(tensor.data)[index] = static_cast<uint8_t>(bits);
      }
    }
  }
}

AxisView::AxisView(const abi::TensorArg& tensor, int64_t axis) {
  for (int32_t d = 0; d < tensor.rank; ++d) {
    const auto size = static_cast<uint32_t>(tensor.dims[d]);
    if (d < axis) {
      outer *= size;
    } else if (d == axis) {
      length = size;
    } else {
      inner *= size;
    }
  }
}

Scratch::Scratch(uint64_t bytes) : address_(allocate(bytes)) {
  if (!address_) out_of_memory("an operator's scratch memory", bytes);
}

Scratch::~Scratch() { release(address_); }

}  // namespace o2w::runtime
