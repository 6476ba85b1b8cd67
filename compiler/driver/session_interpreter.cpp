// Running a module by its plain interface in libwabt's interpreter.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "compiler/driver/session.h"
#include "compiler/package/interpreter.h"
#include "compiler/support/error.h"
#include "runtime-lib/model_abi.h"

namespace o2w::driver {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class Session {
 public:
  explicit Session(const std::vector<uint8_t>& wasm) : instance_(wasm) {}

  // Calls a function that returns an errno.
  void check(const std::string& name, const std::vector<package::WasmNumber>& arguments = {}) {
    const int32_t error = instance_.call_i32(name, arguments);
    if (error == abi::kSuccess) return;
    const auto text = static_cast<std::size_t>(static_cast<uint32_t>(instance_.call_i32("o2w_last_error")));
    ensure(text < instance_.memory_size(), "the last error's text lies outside of memory");
    const char* begin = reinterpret_cast<const char*>(instance_.memory() + text);
    fail_model("{} (errno {})", std::string(begin, strnlen(begin, instance_.memory_size() - text)), error);
  }
  abi::PortDescriptor port(const char* function, std::size_t number) {
    return instance_.read<abi::PortDescriptor>(
        static_cast<uint32_t>(instance_.call_i32(function, {static_cast<int32_t>(number)})));
  }
  uint8_t* bytes(uint32_t address, std::size_t count) {
    ensure(address <= instance_.memory_size() && count <= instance_.memory_size() - address,
           "a tensor lies outside of memory");
    return instance_.memory() + address;
  }
  void set_shape(std::size_t input, const std::vector<int64_t>& dims) {
    const auto space =
        static_cast<uint32_t>(instance_.call_i32("o2w_alloc", {static_cast<int32_t>(4 * dims.size() + 4)}));
    ensure(space != 0, "no memory for a shape");
    for (std::size_t i = 0; i < dims.size(); ++i)
      instance_.write(space + 4 * static_cast<uint32_t>(i), static_cast<int32_t>(dims[i]));
    check("o2w_set_input_shape",
          {static_cast<int32_t>(input), static_cast<int32_t>(space), static_cast<int32_t>(dims.size())});
    instance_.call("o2w_free", {static_cast<int32_t>(space)});
  }

 private:
  package::WasmInstance instance_;
};

}  // namespace

RunResult run_in_interpreter(const std::vector<uint8_t>& wasm, const ModuleInfo& info,
                             const std::vector<NamedTensor>& inputs) {
  RunResult result;
  const Clock::time_point start = Clock::now();
  Session session(wasm);
  result.instantiate_milliseconds = milliseconds_since(start);

  std::vector<const ir::Tensor*> tensors;
  for (const ModulePort& port : info.inputs) {
    const auto found = std::find_if(inputs.begin(), inputs.end(),
                                    [&](const NamedTensor& input) { return input.name == port.name; });
    ensure(found != inputs.end(), "an input without a tensor");
    session.set_shape(tensors.size(), found->tensor.dims());
    tensors.push_back(&found->tensor);
  }
  session.check("o2w_prepare");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const abi::PortDescriptor port = session.port("o2w_input", i);
    if (static_cast<int64_t>(port.bytes) != tensors[i]->byte_count()) {
      fail_model("input '{}' takes {} bytes, got {}", info.inputs[i].name, port.bytes,
                 tensors[i]->byte_count());
    }
    std::copy_n(tensors[i]->bytes(), port.bytes, session.bytes(port.data, port.bytes));
  }
  const Clock::time_point before = Clock::now();
  session.check("o2w_run");
  result.first_milliseconds = milliseconds_since(before);
  for (std::size_t i = 0; i < info.outputs.size(); ++i) {
    const abi::PortDescriptor port = session.port("o2w_output", i);
    const uint8_t* data = session.bytes(port.data, port.bytes);
    result.outputs.push_back(
        {info.outputs[i].name, ir::Tensor(info.outputs[i].type, {port.dims, port.dims + port.rank},
                                          std::vector<uint8_t>(data, data + port.bytes))});
  }
  return result;
}

}  // namespace o2w::driver
