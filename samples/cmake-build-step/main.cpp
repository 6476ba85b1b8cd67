// Runs the model that the build compiled in, on an input of ones, through the module's plain interface
// (docs/module-interface.md).
#include <wabt/binary-reader.h>
#include <wabt/interp/binary-reader-interp.h>
#include <wabt/interp/interp.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "model.h"

namespace {

using wabt::interp::Value;

// A module in libwabt's interpreter.
class Module {
 public:
  Module(const unsigned char* bytes, std::size_t size) : store_(features()) {
    wabt::Errors errors;
    wabt::interp::ModuleDesc description;
    const wabt::ReadBinaryOptions options(features(), nullptr, false, true, true);
    if (wabt::Failed(wabt::interp::ReadBinaryInterp("model", bytes, size, options, &errors, &description))) {
      throw std::runtime_error("the module does not read");
    }
    module_ = wabt::interp::Module::New(store_, description);
    wabt::interp::Trap::Ptr trap;
    instance_ = wabt::interp::Instance::Instantiate(store_, module_.ref(), {}, &trap);
    if (!instance_) throw std::runtime_error("the module does not instantiate");
  }

  uint32_t call(const std::string& name, const std::vector<uint32_t>& arguments = {}) {
    wabt::interp::Values values, results;
    for (const uint32_t argument : arguments) values.push_back(Value::Make(argument));
    wabt::interp::Trap::Ptr trap;
    const auto function = store_.UnsafeGet<wabt::interp::Func>(exported(name));
    if (wabt::Failed(function->Call(store_, values, results, &trap)))
      throw std::runtime_error(name + " trapped");
    return results.empty() ? 0 : results[0].Get<uint32_t>();
  }
  // Calls a function that answers with an error code.
  void check(const std::string& name, const std::vector<uint32_t>& arguments = {}) {
    if (call(name, arguments) != 0) {
      const char* text = reinterpret_cast<const char*>(memory() + call("o2w_last_error"));
      throw std::runtime_error(name + ": " + text);
    }
  }
  uint8_t* memory() { return store_.UnsafeGet<wabt::interp::Memory>(exported("memory"))->UnsafeData(); }

  // A port descriptor: name and its length, element type, bytes per element, rank, 8 dimensions, address of
  // the data, bytes.
  struct Port {
    uint32_t name, name_length, type, element_bytes, rank;
    int32_t dims[8];
    uint32_t data, bytes;
  };
  Port port(const std::string& which, uint32_t number) {
    Port found{};
    std::memcpy(&found, memory() + call(which, {number}), sizeof found);
    return found;
  }

 private:
  static wabt::Features features() {
    wabt::Features all;
    all.EnableAll();
    return all;
  }
  wabt::interp::Ref exported(const std::string& name) const {
    const auto& exports = module_->desc().exports;
    for (std::size_t i = 0; i < exports.size(); ++i) {
      if (exports[i].type.name == name) return instance_->exports()[i];
    }
    throw std::runtime_error("the module exports no " + name);
  }

  wabt::interp::Store store_;
  wabt::interp::Module::Ptr module_;
  wabt::interp::Instance::Ptr instance_;
};

}  // namespace

int main() try {
  Module model(model_wasm, model_wasm_size);
  model.check("o2w_prepare");
  const Module::Port input = model.port("o2w_input", 0);
  std::vector<float> ones(input.bytes / sizeof(float), 1.0F);
  std::memcpy(model.memory() + input.data, ones.data(), input.bytes);
  model.check("o2w_run");

  const Module::Port output = model.port("o2w_output", 0);
  std::vector<float> values(output.bytes / sizeof(float));
  std::memcpy(values.data(), model.memory() + output.data, output.bytes);
  std::printf("%.*s:", static_cast<int>(output.name_length),
              reinterpret_cast<const char*>(model.memory() + output.name));
  for (std::size_t i = 0; i < std::min<std::size_t>(values.size(), 10); ++i)
    std::printf(" %g", static_cast<double>(values[i]));
  std::printf("%s\n", values.size() > 10 ? " ..." : "");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
