#include "tests/support/wasm_module.h"

#include <fmt/core.h>
#include <wabt/binary-reader.h>
#include <wabt/interp/binary-reader-interp.h>
#include <wabt/interp/interp.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "runtime-lib/model_abi.h"
#include "tests/support/tensors.h"

namespace o2w::test {

namespace interp = wabt::interp;

struct WasmModule::Impl {
  interp::Store store;
  interp::Instance::Ptr instance;
  std::map<std::string, interp::Ref> functions;
  interp::Memory::Ptr memory;

  explicit Impl(const wabt::Features& features) : store(features) {}
};

WasmModule::WasmModule(const std::vector<uint8_t>& wasm) {
  wabt::Features features;
  impl_ = std::make_unique<Impl>(features);
  wabt::Errors errors;
  interp::ModuleDesc description;
  const wabt::ReadBinaryOptions options(features, nullptr, false, true, true);
  if (wabt::Failed(
          interp::ReadBinaryInterp("module", wasm.data(), wasm.size(), options, &errors, &description))) {
    throw WasmError("not a valid module: " + (errors.empty() ? std::string() : errors.front().message));
  }
  if (!description.imports.empty()) throw WasmError("the module imports something");
  const auto exports = description.exports;
  const auto module = interp::Module::New(impl_->store, std::move(description));
  interp::Trap::Ptr trap;
  impl_->instance = interp::Instance::Instantiate(impl_->store, module.ref(), {}, &trap);
  if (!impl_->instance)
    throw WasmError("cannot be instantiated: " + (trap ? trap->message() : std::string()));
  for (std::size_t i = 0; i < exports.size(); ++i) {
    const interp::Ref ref = impl_->instance->exports()[i];
    if (exports[i].type.type->kind == interp::ExternKind::Func) impl_->functions[exports[i].type.name] = ref;
    if (exports[i].type.name == "memory") impl_->memory = impl_->store.UnsafeGet<interp::Memory>(ref);
  }
  if (!impl_->memory) throw WasmError("the module exports no memory");
}

WasmModule::~WasmModule() = default;

bool WasmModule::exports_function(const std::string& name) const { return impl_->functions.count(name) != 0; }

uint32_t WasmModule::call(const std::string& function, std::initializer_list<uint32_t> arguments) {
  const auto found = impl_->functions.find(function);
  if (found == impl_->functions.end()) throw WasmError("the module does not export " + function);
  interp::Values parameters, results;
  for (const uint32_t argument : arguments) parameters.push_back(interp::Value::Make(argument));
  interp::Trap::Ptr trap;
  const auto target = impl_->store.UnsafeGet<interp::Func>(found->second);
  if (wabt::Failed(target->Call(impl_->store, parameters, results, &trap))) {
    throw WasmError(fmt::format("{} trapped: {}", function, trap ? trap->message() : ""));
  }
  return results.empty() ? 0 : results.front().Get<uint32_t>();
}

uint8_t* WasmModule::memory() { return impl_->memory->UnsafeData(); }
uint64_t WasmModule::memory_size() const { return impl_->memory->ByteSize(); }

void WasmModule::check(uint32_t address, uint64_t bytes) const {
  if (address + bytes > memory_size()) {
    throw WasmError(fmt::format("{} bytes at {} lie outside of the module's memory", bytes, address));
  }
}

std::string WasmModule::text(uint32_t address) {
  check(address, 1);
  const char* start = reinterpret_cast<const char*>(memory()) + address;
  return {start, strnlen(start, memory_size() - address)};
}

// ---- The plain ABI

void WasmModule::succeed(const std::string& function, std::initializer_list<uint32_t> arguments) {
  const uint32_t status = call(function, arguments);
  if (status != abi::kSuccess) {
    throw WasmError(fmt::format("{} gave {}: {}", function, status, text(call("o2w_last_error"))));
  }
}

void WasmModule::set_shape(uint32_t input, const std::vector<int64_t>& dims) {
  const uint32_t address = call("o2w_alloc", {static_cast<uint32_t>(dims.size() * 4 + 4)});
  if (address == 0) throw WasmError("o2w_alloc has no memory");
  for (std::size_t k = 0; k < dims.size(); ++k) {
    const auto size = static_cast<int32_t>(dims[k]);
    std::memcpy(memory() + address + k * 4, &size, 4);
  }
  succeed("o2w_set_input_shape", {input, address, static_cast<uint32_t>(dims.size())});
  call("o2w_free", {address});
}

void WasmModule::set_data(uint32_t input, const ir::Tensor& tensor) {
  const auto port = load<abi::PortDescriptor>(call("o2w_input", {input}));
  if (port.dtype != static_cast<uint32_t>(ir::onnx_code(tensor.type()))) {
    throw WasmError(
        fmt::format("input {} has type {}, given is {}", input, port.dtype, ir::onnx_code(tensor.type())));
  }
  if (port.bytes != tensor.byte_count()) {
    throw WasmError(
        fmt::format("input {} takes {} bytes, given are {}", input, port.bytes, tensor.byte_count()));
  }
  if (port.bytes == 0) return;
  check(port.data, port.bytes);
  std::memcpy(memory() + port.data, tensor.bytes(), port.bytes);
}

ir::Tensor WasmModule::output(uint32_t number) {
  const auto port = load<abi::PortDescriptor>(call("o2w_output", {number}));
  const auto type = ir::dtype_from_onnx(static_cast<int>(port.dtype));
  if (!type || port.rank > abi::kMaxRank)
    throw WasmError(fmt::format("output {} has a broken descriptor", number));
  const std::vector<int64_t> dims(port.dims, port.dims + port.rank);
  if (std::any_of(dims.begin(), dims.end(), [](int64_t size) { return size < 0; })) {
    throw WasmError(fmt::format("output {} has no size after the run: {}", number, to_string(dims)));
  }
  if (port.bytes != 0) check(port.data, port.bytes);
  ir::Tensor tensor(*type, dims);
  if (tensor.byte_count() != port.bytes) {
    throw WasmError(fmt::format("output {} of shape {} has {} bytes", number, to_string(dims), port.bytes));
  }
  if (port.bytes != 0) std::memcpy(tensor.mutable_bytes(), memory() + port.data, port.bytes);
  return tensor;
}

std::vector<ir::Tensor> WasmModule::run(const std::vector<ir::Tensor>& inputs) {
  if (call("o2w_input_count") != inputs.size()) {
    throw WasmError(
        fmt::format("the module has {} inputs, given are {}", call("o2w_input_count"), inputs.size()));
  }
  const auto count = static_cast<uint32_t>(inputs.size());
  for (uint32_t i = 0; i < count; ++i) set_shape(i, inputs[i].dims());
  succeed("o2w_prepare", {});
  for (uint32_t i = 0; i < count; ++i) set_data(i, inputs[i]);
  succeed("o2w_run", {});
  std::vector<ir::Tensor> outputs;
  const uint32_t output_count = call("o2w_output_count");
  for (uint32_t i = 0; i < output_count; ++i) outputs.push_back(output(i));
  return outputs;
}

}  // namespace o2w::test
