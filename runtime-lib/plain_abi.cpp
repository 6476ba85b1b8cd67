// The plain ABI (docs/architecture.md): one context whose buffers the host reads and writes in place.
#include "runtime-lib/allocator.h"
#include "runtime-lib/model.h"
#include "runtime-lib/platform.h"
#include "runtime-lib/shape_text.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

struct Plain {
  Context* context;
  abi::PortDescriptor* ports;  // inputs, then outputs
  bool prepared;
};
Plain plain;

abi::Errno initialise() {
  if (plain.context) return abi::kSuccess;
  const uint64_t bytes =
      (o2w_model.input_count + o2w_model.output_count) * uint64_t{sizeof(abi::PortDescriptor)};
  if (!plain.ports) plain.ports = at<abi::PortDescriptor>(allocate(bytes));
  if (!plain.ports) return out_of_memory("the port descriptors", bytes);
  plain.context = create_context();
  return plain.context ? abi::kSuccess : abi::kTooLarge;
}

void describe(abi::PortDescriptor& descriptor, const abi::PortSpec& port, const PortState& state,
              bool has_data) {
  const char* name = at<const char>(port.name);
  descriptor.name = port.name;
  descriptor.name_length = static_cast<uint32_t>(__builtin_strlen(name));
  descriptor.dtype = port.dtype;
  descriptor.element_bytes = port.element_bytes;
  const bool rank_by_run = port.flags & abi::kRankByRun;
  descriptor.rank = rank_by_run && state.has_shape ? state.rank : port.rank;
  for (uint32_t d = 0; d < abi::kMaxRank; ++d) {
    if (d >= descriptor.rank) {
      descriptor.dims[d] = 0;
    } else if (state.has_shape) {
      descriptor.dims[d] = state.dims[d];
    } else {
      const abi::DimSpec& dim = at<const abi::DimSpec>(port.dims)[d];
      descriptor.dims[d] = dim.kind == abi::DimKind::kFixed ? dim.value : -1;
    }
  }
  descriptor.data = has_data && (state.has_shape || !rank_by_run) ? state.data : 0;
  descriptor.bytes = state.has_shape ? state.bytes : 0;
}

void describe_all() {
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    describe(plain.ports[i], input_spec(i), plain.context->inputs[i], plain.prepared);
  }
  for (uint32_t i = 0; i < o2w_model.output_count; ++i) {
    describe(plain.ports[o2w_model.input_count + i], output_spec(i), plain.context->outputs[i],
             plain.prepared);
  }
}

}  // namespace
}  // namespace o2w::runtime

using namespace o2w::runtime;
namespace abi = o2w::abi;

O2W_EXPORT uint32_t o2w_alloc(uint32_t bytes) { return allocate(bytes); }
O2W_EXPORT void o2w_free(uint32_t address) { release(address); }
O2W_EXPORT uint32_t o2w_input_count() { return o2w_model.input_count; }
O2W_EXPORT uint32_t o2w_output_count() { return o2w_model.output_count; }

O2W_EXPORT uint32_t o2w_input(uint32_t index) {
  if (index >= o2w_model.input_count) {
    ErrorText() << "there is no input " << index << ": the model has " << o2w_model.input_count;
    return 0;
  }
  if (initialise()) return 0;
  describe_all();
  return address_of(&plain.ports[index]);
}

O2W_EXPORT uint32_t o2w_output(uint32_t index) {
  if (index >= o2w_model.output_count) {
    ErrorText() << "there is no output " << index << ": the model has " << o2w_model.output_count;
    return 0;
  }
  if (initialise()) return 0;
  describe_all();
  return address_of(&plain.ports[o2w_model.input_count + index]);
}

O2W_EXPORT int32_t o2w_set_input_shape(uint32_t index, uint32_t dims, uint32_t rank) {
  if (const abi::Errno error = initialise()) return error;
  if (index >= o2w_model.input_count) {
    ErrorText() << "there is no input " << index << ": the model has " << o2w_model.input_count;
    return abi::kInvalidArgument;
  }
  if (!in_memory(dims, uint64_t{rank} * 4)) {
    ErrorText() << "o2w_set_input_shape: the dims (" << rank << " at address " << dims
                << ") lie outside memory";
    return abi::kInvalidArgument;
  }
  plain.prepared = false;
  const abi::Errno error = set_input_shape(*plain.context, index, at<const uint32_t>(dims), rank);
  describe_all();
  return error;
}

O2W_EXPORT int32_t o2w_prepare() {
  if (const abi::Errno error = initialise()) return error;
  const abi::Errno error = prepare(*plain.context);
  plain.prepared = error == abi::kSuccess;
  describe_all();
  return error;
}

O2W_EXPORT int32_t o2w_run() {
  if (const abi::Errno error = initialise()) return error;
  const abi::Errno error = run(*plain.context);
  // A failed run leaves prepared inputs in place: the host may change their contents and try again.
  plain.prepared = plain.prepared || error == abi::kSuccess;
  describe_all();
  return error;
}
