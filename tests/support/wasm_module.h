// A compiled module in libwabt's interpreter, in this process: the engine of tests that run what the compiler
// emits.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"

namespace o2w::test {

// A trap, an error of the module's plain ABI, or bytes that are no module.
class WasmError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class WasmModule {
 public:
  // Instantiates without imports.
  explicit WasmModule(const std::vector<uint8_t>& wasm);
  ~WasmModule();
  WasmModule(const WasmModule&) = delete;
  WasmModule& operator=(const WasmModule&) = delete;

  bool exports_function(const std::string& name) const;
  // Calls an exported function of i32 parameters; its i32 result, or 0 if it has none.
  uint32_t call(const std::string& function, std::initializer_list<uint32_t> arguments = {});
  // The exported memory; invalidated by the next call.
  uint8_t* memory();
  uint64_t memory_size() const;
  // A copy of a struct or number in memory. WasmError if it does not lie in memory.
  template <typename T>
  T load(uint32_t address) {
    check(address, sizeof(T));
    T value;
    __builtin_memcpy(&value, memory() + address, sizeof(T));
    return value;
  }
  std::string text(uint32_t address);  // NUL-terminated
  void check(uint32_t address, uint64_t bytes) const;

  // The plain ABI (docs/architecture.md): sets shapes of dynamic inputs, prepares, runs. WasmError with the
  // module's own message when a call fails.
  std::vector<ir::Tensor> run(const std::vector<ir::Tensor>& inputs);

 private:
  void succeed(const std::string& function, std::initializer_list<uint32_t> arguments);
  void set_shape(uint32_t input, const std::vector<int64_t>& dims);
  void set_data(uint32_t input, const ir::Tensor& tensor);
  ir::Tensor output(uint32_t number);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace o2w::test
