// A compiled model in libwabt's interpreter, by its plain interface (docs/architecture.md, "The module's
// face").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "compiler/package/interpreter.h"
#include "runtime-lib/model_abi.h"

namespace o2w::package {

class InterpretedModel {
 public:
  // InternalError if the bytes are no module of ours.
  explicit InterpretedModel(const std::vector<uint8_t>& wasm) : instance_(wasm) {}

  // The next file of weights that lie beside the module; errors name it. ModelError when it is not the right
  // one.
  void load_weights(const std::string& name, const std::vector<uint8_t>& bytes);

  // One inference: tensors in the order of the model's inputs and outputs. ModelError with the module's own
  // text when it refuses a shape or fails, or when the inputs are not as many or not of the types it takes.
  // The model can be run again afterwards, after an error too.
  std::vector<ir::Tensor> run(const std::vector<ir::Tensor>& inputs);

  // The parts of run(), for who wants to do something in between.
  void set_inputs(const std::vector<ir::Tensor>& inputs);
  void compute();
  std::vector<ir::Tensor> outputs();

 private:
  void check(const std::string& function, const std::vector<WasmNumber>& arguments = {});
  abi::PortDescriptor port(const std::string& function, std::size_t number);
  uint8_t* bytes(uint32_t address, std::size_t count);
  // Lists are made in the module's memory, and read from there.
  uint32_t copy_in(const uint8_t* data, std::size_t count);
  uint32_t make_list(const ir::Tensor& list);
  void append(uint32_t list, const ir::Tensor& element);
  ir::Tensor read_list(uint32_t list);
  void free_lists();
  void set_shape(std::size_t input, const std::vector<int64_t>& dims);
  void write_strings(const ir::Tensor& tensor, uint32_t address);
  ir::Tensor read_strings(std::vector<int64_t> dims, uint32_t address);
  void free_strings();

  std::vector<uint32_t> string_blocks_;  // of the inputs' bytes: the module reads them when it runs
  WasmInstance instance_;
  std::vector<uint32_t> lists_;  // made for the inputs
};

}  // namespace o2w::package
