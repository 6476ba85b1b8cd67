// Runs a WebAssembly module in this process, by libwabt's interpreter: exact, and some hundred times slower
// than an engine.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace o2w::package {

using WasmNumber = std::variant<int32_t, int64_t, float, double>;

class WasmInstance {
 public:
  // The module must import nothing and export its memory as "memory". InternalError if it does not load or
  // start.
  explicit WasmInstance(const std::vector<uint8_t>& wasm);
  ~WasmInstance();
  WasmInstance(WasmInstance&&) noexcept;
  WasmInstance& operator=(WasmInstance&&) noexcept;

  bool has_export(const std::string& name) const;
  // Calls an exported function. InternalError with the reason if it traps, or if there is no such function of
  // these parameters.
  std::vector<WasmNumber> call(const std::string& name, const std::vector<WasmNumber>& arguments = {});
  // The result of a function that returns one i32.
  int32_t call_i32(const std::string& name, const std::vector<WasmNumber>& arguments = {});

  // All of linear memory. Invalid after the next call, which may grow it.
  uint8_t* memory();
  std::size_t memory_size() const;
  // A value in memory; InternalError outside of it.
  template <typename T>
  T read(uint32_t address) {
    T value;
    std::memcpy(&value, at(address, sizeof(T)), sizeof(T));
    return value;
  }
  template <typename T>
  void write(uint32_t address, const T& value) {
    std::memcpy(at(address, sizeof(T)), &value, sizeof(T));
  }

 private:
  uint8_t* at(uint32_t address, std::size_t bytes);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace o2w::package
