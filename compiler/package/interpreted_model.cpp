#include "compiler/package/interpreted_model.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "compiler/support/error.h"

namespace o2w::package {

void InterpretedModel::load_weights(const std::string& name, const std::vector<uint8_t>& bytes_of_file) {
  const auto address = static_cast<uint32_t>(instance_.call_i32("o2w_weights"));
  const auto weights = instance_.read<abi::WeightsDescriptor>(address);
  const std::size_t room = weights.bytes - weights.committed;
  if (bytes_of_file.size() > room) {
    fail_model("'{}' has {} bytes, more than the {} of weights that are missing", name, bytes_of_file.size(),
               room);
  }
  std::copy(bytes_of_file.begin(), bytes_of_file.end(),
            bytes(weights.address + weights.committed, bytes_of_file.size()));
  try {
    check("o2w_weights_commit", {static_cast<int32_t>(bytes_of_file.size())});
  } catch (const ModelError& error) {
    fail_model("'{}': {}", name, error.what());
  }
}

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

uint32_t InterpretedModel::copy_in(const uint8_t* data, std::size_t count) {
  const auto address = static_cast<uint32_t>(
      instance_.call_i32("o2w_alloc", {static_cast<int32_t>(std::max<std::size_t>(count, 1))}));
  ensure(address != 0, "no memory for an element of a list");
  std::copy_n(data, count, bytes(address, count));
  return address;
}

void InterpretedModel::append(uint32_t list, const ir::Tensor& element) {
  const auto target = static_cast<int32_t>(list);
  if (element.type() == ir::DType::list) {
    const uint32_t inner = make_list(element);
    lists_.pop_back();  // belongs to the other from now on
    check("o2w_list_append_list", {target, static_cast<int32_t>(inner)});
    return;
  }
  const std::vector<int32_t> sizes(element.dims().begin(), element.dims().end());
  const auto dims =
      static_cast<int32_t>(copy_in(reinterpret_cast<const uint8_t*>(sizes.data()), 4 * sizes.size()));
  const auto data =
      static_cast<int32_t>(copy_in(element.bytes(), static_cast<std::size_t>(element.byte_count())));
  check("o2w_list_append", {target, static_cast<int32_t>(ir::onnx_code(element.type())),
                            static_cast<int32_t>(sizes.size()), dims, data});
  instance_.call("o2w_free", {dims});
  instance_.call("o2w_free", {data});
}

uint32_t InterpretedModel::make_list(const ir::Tensor& list) {
  const auto handle = static_cast<uint32_t>(instance_.call_i32("o2w_list_new"));
  ensure(handle != 0, "no memory for a list");
  lists_.push_back(handle);
  for (const ir::Tensor& element : list.elements()) append(handle, element);
  return handle;
}

ir::Tensor InterpretedModel::read_list(uint32_t list) {
  std::vector<ir::Tensor> elements;
  const auto count =
      static_cast<uint32_t>(instance_.call_i32("o2w_list_length", {static_cast<int32_t>(list)}));
  for (uint32_t i = 0; i < count; ++i) {
    const auto address = static_cast<uint32_t>(
        instance_.call_i32("o2w_list_element", {static_cast<int32_t>(list), static_cast<int32_t>(i)}));
    ensure(address != 0, "a list does not give all of its elements");
    const auto element = instance_.read<abi::ListElement>(address);
    if (element.dtype == abi::kListType) {
      elements.push_back(read_list(element.data));
      continue;
    }
    const auto type = ir::dtype_from_onnx(static_cast<int>(element.dtype));
    ensure(type.has_value() && element.rank <= abi::kMaxRank,
           "an element of a list with a broken descriptor");
    std::vector<int64_t> dims(element.dims, element.dims + element.rank);
    if (*type == ir::DType::string) {
      elements.push_back(read_strings(std::move(dims), element.data));
      continue;
    }
    ir::Tensor tensor(*type, std::move(dims));
    ensure(tensor.byte_count() == static_cast<int64_t>(element.bytes),
           "the size of a list's element is not that of its shape");
    std::copy_n(bytes(element.data, element.bytes), element.bytes, tensor.mutable_bytes());
    elements.push_back(std::move(tensor));
  }
  return ir::Tensor::of_list(std::move(elements));
}

void InterpretedModel::free_lists() {
  for (const uint32_t list : lists_) instance_.call("o2w_list_free", {static_cast<int32_t>(list)});
  lists_.clear();
}

void InterpretedModel::set_inputs(const std::vector<ir::Tensor>& inputs) {
  const auto count = static_cast<uint32_t>(instance_.call_i32("o2w_input_count"));
  if (count != inputs.size()) fail_model("the model has {} inputs, got {}", count, inputs.size());
  for (std::size_t i = 0; i < count; ++i) set_shape(i, inputs[i].dims());
  check("o2w_prepare");
  free_strings();
  free_lists();
  for (std::size_t i = 0; i < count; ++i) {
    const ir::Tensor& tensor = inputs[i];
    const bool is_list = port("o2w_input", i).dtype == abi::kListType;
    if (is_list && tensor.type() == ir::DType::list) {
      const uint32_t list = make_list(tensor);
      instance_.write(port("o2w_input", i).data, list);
      continue;
    }
    const abi::PortDescriptor wanted = port("o2w_input", i);
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
    if (made.dtype == abi::kListType) {
      tensors.push_back(read_list(instance_.read<uint32_t>(made.data)));
      continue;
    }
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
