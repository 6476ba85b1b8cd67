#include "compiler/ir/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "compiler/ir/numeric.h"
#include "compiler/ir/string_pool.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

// Far above what a 32-bit module can hold, far below where byte counts would overflow.
constexpr int64_t kMaxBytes = int64_t{1} << 36;

int64_t checked_count(DType type, const std::vector<int64_t>& dims) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0) fail_model("a tensor has the negative dimension {}", dim);
    if (dim == 0) empty = true;
  }
  if (empty) return 0;
  const int64_t limit = kMaxBytes / std::max(byte_size(type), 1);
  for (int64_t dim : dims) {
    if (dim > limit / count) {
      fail_model("a constant tensor of {} is larger than {} GiB; a WebAssembly module cannot hold it",
                 user_name(type), kMaxBytes >> 30);
    }
    count *= dim;
  }
  return count;
}

// Bytes of a mapped file need not be aligned; typed access must be.
bool aligned(const uint8_t* bytes, DType type) {
  const std::size_t alignment = std::min(std::max(byte_size(type), 1), 8);
  return reinterpret_cast<std::uintptr_t>(bytes) % alignment == 0;
}

}  // namespace

Tensor::Tensor(DType type, std::vector<int64_t> dims) : type_(type), dims_(std::move(dims)) {
  ensure(type != DType::index, "a tensor of type index");
  const int64_t elements = checked_count(type, dims_);
  own_ = std::make_shared<std::vector<uint8_t>>(elements * byte_size(type));
  view_ = own_->data();
}

Tensor::Tensor(DType type, std::vector<int64_t> dims, std::vector<uint8_t> bytes)
    : type_(type), dims_(std::move(dims)), own_(std::make_shared<std::vector<uint8_t>>(std::move(bytes))) {
  view_ = own_->data();
  ensure(checked_count(type, dims_) * byte_size(type) == static_cast<int64_t>(own_->size()),
         "a tensor's bytes do not fit its dims");
}

Tensor::Tensor(DType type, std::vector<int64_t> dims, std::shared_ptr<const void> owner, const uint8_t* bytes)
    : type_(type), dims_(std::move(dims)), owner_(std::move(owner)), view_(bytes) {
  const int64_t size = checked_count(type, dims_) * byte_size(type);
  if (!aligned(bytes, type)) {
    own_ = std::make_shared<std::vector<uint8_t>>(bytes, bytes + size);
    view_ = own_->data();
    owner_ = nullptr;
  }
}

Tensor Tensor::of_strings(std::vector<int64_t> dims, const std::vector<std::string>& strings) {
  Tensor tensor(DType::string, std::move(dims));
  ensure(tensor.count() == static_cast<int64_t>(strings.size()),
         "a string tensor's elements do not fit its dims");
  auto* handles = tensor.mutable_data<uint64_t>();
  for (const std::string& text : strings) *handles++ = string_handle(text);
  return tensor;
}

Tensor Tensor::of_list(std::vector<Tensor> elements) {
  Tensor tensor(DType::list, {});
  tensor.list_ = std::make_shared<const std::vector<Tensor>>(std::move(elements));
  return tensor;
}

int64_t Tensor::count() const {
  int64_t count = 1;
  for (int64_t dim : dims_) count *= dim;
  return count;
}

int64_t Tensor::byte_count() const { return count() * byte_size(type_); }

uint8_t* Tensor::mutable_bytes() {
  if (!own_ || own_.use_count() > 1) {
    own_ = std::make_shared<std::vector<uint8_t>>(view_, view_ + byte_count());
    owner_ = nullptr;
    view_ = own_->data();
  }
  return own_->data();
}

std::vector<std::string> Tensor::strings() const {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count(); ++i) texts.push_back(string_at(i));
  return texts;
}

const std::string& Tensor::string_at(int64_t i) const {
  ensure(type_ == DType::string, "strings of a tensor of another type");
  return string_of(data<uint64_t>()[i]);
}

void Tensor::set_string(int64_t i, std::string_view text) {
  ensure(type_ == DType::string, "a string in a tensor of another type");
  mutable_data<uint64_t>()[i] = string_handle(text);
}

const std::vector<Tensor>& Tensor::elements() const {
  ensure(type_ == DType::list, "elements of a tensor that is no list");
  static const std::vector<Tensor> none;
  return list_ ? *list_ : none;
}

double Tensor::as_double(int64_t i) const {
  switch (type_) {
    case DType::f32:
      return data<float>()[i];
    case DType::f64:
      return data<double>()[i];
    case DType::c64:
      return data<float>()[2 * i];
    case DType::c128:
      return data<double>()[2 * i];
    case DType::u64:
      return static_cast<double>(data<uint64_t>()[i]);
    default:
      if (!is_float(type_)) return static_cast<double>(as_int(i));
      return decode_narrow(type_, byte_size(type_) == 2 ? data<uint16_t>()[i] : data<uint8_t>()[i]);
  }
}

int64_t Tensor::as_int(int64_t i) const {
  switch (type_) {
    case DType::i8:
    case DType::i4:
    case DType::i2:
      return data<int8_t>()[i];
    case DType::u8:
    case DType::u4:
    case DType::u2:
      return data<uint8_t>()[i];
    case DType::boolean:
      return data<uint8_t>()[i] != 0;
    case DType::i16:
      return data<int16_t>()[i];
    case DType::u16:
      return data<uint16_t>()[i];
    case DType::i32:
    case DType::list:  // what stands for the list in memory; it means nothing here
      return data<int32_t>()[i];
    case DType::u32:
      return data<uint32_t>()[i];
    case DType::i64:
    case DType::u64:
      return data<int64_t>()[i];
    case DType::string:
    case DType::index:
      fail_internal("a tensor of {} has no numbers", name(type_));
    default:
      return float_to_int(DType::i64, as_double(i));
  }
}

void Tensor::set_double(int64_t i, double value) {
  switch (type_) {
    case DType::f32:
      mutable_data<float>()[i] = static_cast<float>(value);
      return;
    case DType::f64:
      mutable_data<double>()[i] = value;
      return;
    case DType::c64:
      mutable_data<float>()[2 * i] = static_cast<float>(value);
      mutable_data<float>()[2 * i + 1] = 0;
      return;
    case DType::c128:
      mutable_data<double>()[2 * i] = value;
      mutable_data<double>()[2 * i + 1] = 0;
      return;
    case DType::boolean:
      mutable_bytes()[i] = value != 0;
      return;
    default:
      break;
  }
  if (!is_float(type_)) {
    set_int(i, float_to_int(type_, value));
  } else if (byte_size(type_) == 2) {
    mutable_data<uint16_t>()[i] = static_cast<uint16_t>(encode_narrow(type_, static_cast<float>(value)));
  } else {
    mutable_bytes()[i] = static_cast<uint8_t>(encode_narrow(type_, static_cast<float>(value)));
  }
}

void Tensor::set_int(int64_t i, int64_t value) {
  if (is_float(type_) || type_ == DType::c64 || type_ == DType::c128) {
    // i64 -> f32 must round once.
    if (type_ == DType::f32) {
      mutable_data<float>()[i] = static_cast<float>(value);
    } else {
      set_double(i, static_cast<double>(value));
    }
    return;
  }
  if (type_ == DType::string) fail_model("the number {} cannot be an element of a string tensor", value);
  if (type_ == DType::list) return;
  const int64_t wrapped = wrap_int(type_, value);
  switch (byte_size(type_)) {
    case 1:
      mutable_bytes()[i] = static_cast<uint8_t>(wrapped);
      return;
    case 2:
      mutable_data<uint16_t>()[i] = static_cast<uint16_t>(wrapped);
      return;
    case 4:
      mutable_data<uint32_t>()[i] = static_cast<uint32_t>(wrapped);
      return;
    case 8:
      mutable_data<int64_t>()[i] = wrapped;
      return;
    default:
      fail_internal("a tensor of {} has no numbers", name(type_));
  }
}

Tensor Tensor::reshaped(std::vector<int64_t> dims) const {
  ensure(checked_count(type_, dims) == count(), "reshaped to another number of elements");
  Tensor result = *this;
  result.dims_ = std::move(dims);
  return result;
}

bool Tensor::same_bits(const Tensor& other) const {
  if (type_ != other.type_ || dims_ != other.dims_) return false;
  if (type_ == DType::list) {
    return std::equal(elements().begin(), elements().end(), other.elements().begin(), other.elements().end(),
                      [](const Tensor& a, const Tensor& b) { return a.same_bits(b); });
  }
  return view_ == other.view_ || byte_count() == 0 ||
         std::memcmp(view_, other.view_, static_cast<std::size_t>(byte_count())) == 0;
}

}  // namespace o2w::ir
