#include "compiler/package/interpreted_model.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "compiler/support/error.h"

namespace o2w::package {

// Calls a function that returns an errno.
void InterpretedModel::check(const std::string& function, const std::vector<WasmNumber>& arguments) {
  const int32_t error = instance_.call_i32(function, arguments);
  if (error == abi::kSuccess) return;
  const auto text = static_cast<uint32_t>(instance_.call_i32("o2w_last_error"));
  ensure(text < instance_.memory_size(), "the last error's text lies outside of memory");
  const char* begin = reinterpret_cast<const char*>(instance_.memory() + text);
  fail_model("{} (errno {})", std::string(begin, strnlen(begin, instance_.memory_size() - text)), error);
}

abi::PortDescriptor InterpretedModel::port(const std::string& function, std::size_t number) {
  const auto address = static_cast<uint32_t>(instance_.call_i32(function, {static_cast<int32_t>(number)}));
  ensure(address != 0, "the module does not describe all of its ports");
  return instance_.read<abi::PortDescriptor>(address);
}

uint8_t* InterpretedModel::bytes(uint32_t address, std::size_t count) {
  ensure(address <= instance_.memory_size() && count <= instance_.memory_size() - address,
         "a tensor lies outside of the module's memory");
  return instance_.memory() + address;
}

void InterpretedModel::set_shape(std::size_t input, const std::vector<int64_t>& dims) {
  const auto space =
      static_cast<uint32_t>(instance_.call_i32("o2w_alloc", {static_cast<int32_t>(4 * dims.size() + 4)}));
  ensure(space != 0, "no memory for a shape");
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] > std::numeric_limits<int32_t>::max())
      fail_model("input {} has a size of {}", input, dims[i]);
    instance_.write(space + 4 * static_cast<uint32_t>(i), static_cast<int32_t>(dims[i]));
  }
  check("o2w_set_input_shape",
        {static_cast<int32_t>(input), static_cast<int32_t>(space), static_cast<int32_t>(dims.size())});
  instance_.call("o2w_free", {static_cast<int32_t>(space)});
}

void InterpretedModel::set_inputs(const std::vector<ir::Tensor>& inputs) {
  const auto count = static_cast<uint32_t>(instance_.call_i32("o2w_input_count"));
  if (count != inputs.size()) fail_model("the model has {} inputs, got {}", count, inputs.size());
  for (std::size_t i = 0; i < count; ++i) set_shape(i, inputs[i].dims());
  check("o2w_prepare");
  free_strings();
  for (std::size_t i = 0; i < count; ++i) {
    const abi::PortDescriptor wanted = port("o2w_input", i);
    const ir::Tensor& tensor = inputs[i];
    if (wanted.dtype != static_cast<uint32_t>(ir::onnx_code(tensor.type())) ||
        static_cast<int64_t>(wanted.bytes) != tensor.byte_count()) {
      fail_model("input {} takes {} bytes of ONNX's element type {}, got {} bytes of type {}", i,
                 wanted.bytes, wanted.dtype, tensor.byte_count(), ir::onnx_code(tensor.type()));
    }
    if (tensor.type() == ir::DType::string) {
      write_strings(tensor, wanted.data);
    } else {
      std::copy_n(tensor.bytes(), wanted.bytes, bytes(wanted.data, wanted.bytes));
    }
  }
}

void InterpretedModel::free_strings() {
  for (const uint32_t block : string_blocks_) instance_.call("o2w_free", {static_cast<int32_t>(block)});
  string_blocks_.clear();
}

// The elements' bytes go to a block of their own, {address, length} of each to `address`.
void InterpretedModel::write_strings(const ir::Tensor& tensor, uint32_t address) {
  std::string all;
  for (int64_t i = 0; i < tensor.count(); ++i) all += tensor.string_at(i);
  const auto block =
      static_cast<uint32_t>(instance_.call_i32("o2w_alloc", {static_cast<int32_t>(all.size() + 1)}));
  ensure(block != 0, "no memory for an input's strings");
  string_blocks_.push_back(block);
  std::copy(all.begin(), all.end(), bytes(block, all.size()));
  uint32_t start = block;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const auto length = static_cast<uint32_t>(tensor.string_at(i).size());
    instance_.write(address + static_cast<uint32_t>(i * sizeof(abi::String)), abi::String{start, length});
    start += length;
  }
}

ir::Tensor InterpretedModel::read_strings(std::vector<int64_t> dims, uint32_t address) {
  ir::Tensor tensor(ir::DType::string, std::move(dims));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const auto element =
        instance_.read<abi::String>(address + static_cast<uint32_t>(i * sizeof(abi::String)));
    const uint8_t* text = bytes(element.address, element.length);
    tensor.set_string(i, {reinterpret_cast<const char*>(text), element.length});
  }
  return tensor;
}

void InterpretedModel::compute() { check("o2w_run"); }

std::vector<ir::Tensor> InterpretedModel::outputs() {
  std::vector<ir::Tensor> tensors;
  const auto count = static_cast<uint32_t>(instance_.call_i32("o2w_output_count"));
  for (std::size_t i = 0; i < count; ++i) {
    const abi::PortDescriptor made = port("o2w_output", i);
    const auto type = ir::dtype_from_onnx(static_cast<int>(made.dtype));
    ensure(type.has_value() && made.rank <= abi::kMaxRank, "an output with a broken descriptor");
    const std::vector<int64_t> dims(made.dims, made.dims + made.rank);
    ensure(std::all_of(dims.begin(), dims.end(), [](int64_t size) { return size >= 0; }),
           "an output has no size after the run");
    ir::Tensor tensor(*type, dims);
    ensure(tensor.byte_count() == static_cast<int64_t>(made.bytes),
           "an output's size is not that of its shape");
    if (*type == ir::DType::string) {
      tensor = read_strings(dims, made.data);
    } else {
      std::copy_n(bytes(made.data, made.bytes), made.bytes, tensor.mutable_bytes());
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

std::vector<ir::Tensor> InterpretedModel::run(const std::vector<ir::Tensor>& inputs) {
  set_inputs(inputs);
  compute();
  return outputs();
}

}  // namespace o2w::package
