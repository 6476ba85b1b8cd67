#include "compiler/driver/tensor_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xnpy.hpp>

#include "compiler/driver/atomic_file.h"
#include "compiler/support/error.h"
#include "frontends/onnx/model.h"

namespace o2w::driver {
namespace {

// Calls `use` with a value of the C++ type that .npy stores `type` as; false if it has none.
template <typename Use>
bool with_npy_type(ir::DType type, const Use& use) {
  switch (type) {
    case ir::DType::f32:
      use(float{});
      return true;
    case ir::DType::f64:
      use(double{});
      return true;
    case ir::DType::i8:
      use(int8_t{});
      return true;
    case ir::DType::i16:
      use(int16_t{});
      return true;
    case ir::DType::i32:
      use(int32_t{});
      return true;
    case ir::DType::i64:
      use(int64_t{});
      return true;
    case ir::DType::u8:
      use(uint8_t{});
      return true;
    case ir::DType::u16:
      use(uint16_t{});
      return true;
    case ir::DType::u32:
      use(uint32_t{});
      return true;
    case ir::DType::u64:
      use(uint64_t{});
      return true;
    case ir::DType::boolean:
      use(bool{});
      return true;
    default:
      return false;
  }
}

ir::Tensor read_npy(const std::string& path, ir::DType type) {
  ir::Tensor tensor;
  const bool known = with_npy_type(type, [&](auto zero) {
    using T = decltype(zero);
    try {
      const xt::xarray<T, xt::layout_type::row_major> array =
          xt::load_npy<T, xt::layout_type::row_major>(path);
      tensor = ir::Tensor(type, {array.shape().begin(), array.shape().end()});
      std::copy(array.begin(), array.end(), tensor.mutable_data<T>());
    } catch (const std::exception& error) {
      fail_model("cannot read '{}' as a .npy array of {}: {}", path, ir::user_name(type), error.what());
    }
  });
  if (!known)
    fail_model("'{}': .npy has no element type {}; use a .pb or .raw file", path, ir::user_name(type));
  return tensor;
}

using nlohmann::json;

void add_strings(const std::string& path, const json& list, std::size_t depth, std::vector<int64_t>& dims,
                 std::vector<std::string>& strings) {
  if (list.is_string()) {
    if (depth != dims.size()) fail_model("'{}': the lists are not nested alike", path);
    strings.push_back(list.get<std::string>());
    return;
  }
  if (!list.is_array()) fail_model("'{}': expected strings and lists of strings", path);
  const auto size = static_cast<int64_t>(list.size());
  if (depth == dims.size()) {
    if (!strings.empty()) fail_model("'{}': the lists are not nested alike", path);
    dims.push_back(size);
  }
  if (dims[depth] != size) fail_model("'{}': the lists are not of equal lengths", path);
  for (const json& part : list) add_strings(path, part, depth + 1, dims, strings);
}

ir::Tensor read_json(const std::string& path, ir::DType type) {
  if (type != ir::DType::string) fail_model("'{}': .json is for strings; use a .npy, .pb or .raw file", path);
  const std::vector<uint8_t> bytes = read_file(path);
  const json lists = json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (lists.is_discarded()) fail_model("'{}' is no JSON", path);
  std::vector<int64_t> dims;
  std::vector<std::string> strings;
  add_strings(path, lists, 0, dims, strings);
  return ir::Tensor::of_strings(dims, strings);
}

json nested_lists(const ir::Tensor& tensor, std::size_t depth, int64_t& next) {
  if (depth == tensor.dims().size()) return tensor.string_at(next++);
  json list = json::array();
  for (int64_t i = 0; i < tensor.dims()[depth]; ++i) list.push_back(nested_lists(tensor, depth + 1, next));
  return list;
}

}  // namespace

ir::Tensor read_tensor(const std::string& path, ir::DType type, const std::vector<int64_t>& dims) {
  if (path.ends_with(".npy")) return read_npy(path, type);
  if (path.ends_with(".pb")) {
    Diagnostics diagnostics;
    std::optional<ir::Tensor> tensor = onnx_frontend::read_tensor_file(path, diagnostics);
    if (!tensor)
      fail_model("'{}': {}", path, diagnostics.all().empty() ? "not a tensor" : diagnostics.all()[0].message);
    return *std::move(tensor);
  }
  if (path.ends_with(".json")) return read_json(path, type);
  if (!path.ends_with(".raw")) fail_model("'{}': the file's ending must be .npy, .pb, .json or .raw", path);
  if (type == ir::DType::string) fail_model("'{}': strings have no raw form; use a .json or .pb file", path);
  std::vector<uint8_t> bytes = read_file(path);
  int64_t expected = ir::byte_size(type);
  for (const int64_t dim : dims) expected *= dim;
  if (expected != static_cast<int64_t>(bytes.size())) {
    fail_model("'{}' has {} bytes, but its tensor takes {}", path, bytes.size(), expected);
  }
  return ir::Tensor(type, dims, std::move(bytes));
}

std::string write_tensor(const std::string& folder, const std::string& name, const ir::Tensor& tensor) {
  // Tensor names are free text; file names are not.
  std::string file = name;
  for (char& letter : file) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '-' && letter != '.' &&
        letter != '_')
      letter = '_';
  }
  std::string path = fmt::format("{}/{}.npy", folder, file);
  const bool known = with_npy_type(tensor.type(), [&](auto zero) {
    using T = decltype(zero);
    const std::vector<std::size_t> dims(tensor.dims().begin(), tensor.dims().end());
    const auto view =
        xt::adapt(tensor.data<T>(), static_cast<std::size_t>(tensor.count()), xt::no_ownership(), dims);
    write_file_atomically(path, xt::dump_npy(view));
  });
  if (tensor.type() == ir::DType::string) {
    path = fmt::format("{}/{}.json", folder, file);
    int64_t next = 0;
    write_file_atomically(
        path, nested_lists(tensor, 0, next).dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  } else if (!known) {
    path = fmt::format("{}/{}.raw", folder, file);
    write_file_atomically(path, {tensor.bytes(), static_cast<std::size_t>(tensor.byte_count())});
  }
  return path;
}

ir::Tensor random_tensor(ir::DType type, const std::vector<int64_t>& dims, uint64_t seed) {
  ir::Tensor tensor(type, dims);
  std::mt19937_64 engine(seed);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const uint64_t bits = engine() >> 11;  // 53 bits; the distributions of <random> differ between libraries
    if (type == ir::DType::string) {
      tensor.set_string(i, std::to_string(bits % 1000));
    } else if (ir::is_float(type) || ir::is_opaque(type)) {
      tensor.set_double(i, static_cast<double>(bits) * 0x1p-52 - 1.0);
    } else {
      tensor.set_int(i, static_cast<int64_t>(bits % (type == ir::DType::boolean ? 2 : 10)));
    }
  }
  return tensor;
}

}  // namespace o2w::driver
