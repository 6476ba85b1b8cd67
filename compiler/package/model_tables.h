// The tables through which the runtime library knows the model (runtime-lib/model_abi.h), and where
// everything lies in linear memory.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/package/pieces.h"
#include "compiler/schedule/program.h"
#include "runtime-lib/model_abi.h"

namespace o2w::package {

struct MemoryLayout {
  codegen::MemoryMap map;
  abi::ModelDescriptor descriptor = {};
  int64_t tables_address = 0;
  std::vector<uint8_t> tables;   // descriptors, names, texts, steps
  int64_t packed_constants = 0;  // where those of the steps lie, behind the tables
  // Weights by ascending address; views of the program's tensors.
  struct Weights {
    int64_t address = 0;
    const ir::Tensor* tensor = nullptr;
  };
  std::vector<Weights> weights;
  // Weights that are made here: strings in the form that they have in a module.
  std::deque<ir::Tensor> made;
  int64_t weight_bytes = 0;
  // Weights that lie beside the module: what is to be at `sidecar.address`.
  abi::WeightsDescriptor sidecar = {};
  Pieces sidecar_bytes;
  int64_t heap_start = 0;
  // Heap that a static model's inputs and outputs take, so that memory is large enough from the start.
  int64_t reserve = 0;
};

// Lays everything out from `start` (the end of the runtime library's own data). ModelError if the model does
// not fit into 32-bit memory or has ports that its interface cannot carry. `sidecar`: the weights are not
// part of the module.
MemoryLayout lay_out(const schedule::Program& program, int64_t start, const codegen::MemoryNeeds& needs,
                     bool sidecar = false);

// Puts into the tables what only the code generator knows, which needs the layout for it.
void put_steps(MemoryLayout& layout, const std::vector<uint8_t>& bytes,
               const std::vector<int32_t>& constants);

}  // namespace o2w::package
