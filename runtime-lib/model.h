// Runs of the model: a Context holds one caller's input shapes, inputs and outputs. Everything else (symbols,
// dims, arena) is shared, since nothing runs at the same time.
#pragma once

#include <stdint.h>

#include "runtime-lib/model_abi.h"
#include "runtime-lib/platform.h"

namespace o2w::runtime {

struct PortState {
  int32_t dims[abi::kMaxRank];
  uint32_t data;   // 0: none yet
  uint32_t bytes;  // of the tensor
  bool has_shape;  // dims are those to use (inputs) or those of the last run (outputs)
  bool has_data;   // the caller has given contents (inputs)
  uint32_t rank;   // (outputs with kRankByRun) of the last run's result
  uint32_t cell;   // (outputs with kRankByRun) where the run leaves the list
};

struct Context {
  PortState* inputs;
  PortState* outputs;
  bool computed;
};

const abi::PortSpec& input_spec(uint32_t index);
const abi::PortSpec& output_spec(uint32_t index);

// Null when memory is exhausted (the last error says so). Shapes of static inputs are set.
Context* create_context();
void destroy_context(Context* context);

// All return an errno and leave a text behind on failure.
abi::Errno set_input_shape(Context& context, uint32_t index, const uint32_t* dims, uint32_t rank);
// The model's symbols, dims and arena for this context's input shapes; buffers of its inputs and of outputs
// whose sizes are known.
abi::Errno prepare(Context& context);
abi::Errno run(Context& context);

// The buffer of an input whose shape is set.
abi::Errno ensure_input_buffer(Context& context, uint32_t index);

abi::Errno out_of_memory(const char* what, uint64_t bytes);
abi::Errno intermediates_too_large(const char* what, uint64_t bytes);

}  // namespace o2w::runtime

// The hooks that the code generator fills in.
O2W_HOOK(o2w_model_prepare) int32_t o2w_model_prepare();
O2W_HOOK(o2w_model_run) int32_t o2w_model_run();
