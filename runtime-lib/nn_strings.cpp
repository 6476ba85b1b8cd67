#include "runtime-lib/nn_strings.h"

#include "runtime-lib/allocator.h"
#include "runtime-lib/model.h"
#include "runtime-lib/shape_text.h"
#include "runtime-lib/strings.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

constexpr uint32_t kLengthBytes = 4;

const String* elements_of(const PortState& state) { return at<const String>(state.data); }
uint32_t count_of(const PortState& state) { return state.bytes / static_cast<uint32_t>(sizeof(String)); }

// A block of `bytes` as the port's data; the one it had is released.
bool replace_block(PortState& state, uint64_t bytes) {
  const uint32_t block = allocate(bytes);
  if (!block) {
    out_of_memory("a string tensor", bytes);
    return false;
  }
  release(state.data);
  state.data = block;
  return true;
}

abi::Errno malformed(const abi::PortSpec& port, const PortState& state) {
  ErrorText() << "input \"" << at<const char>(port.name) << "\": expected " << dtype_name(port.dtype)
              << Dims{state.dims, port.rank}
              << " as bytes, each string's length in 4 bytes before it; got bytes that end elsewhere";
  return abi::kInvalidArgument;
}

abi::Errno set_input(Context& context, const NnStrings& request) {
  const abi::PortSpec& port = input_spec(request.port);
  PortState& state = context.inputs[request.port];
  const uint32_t count = count_of(state);
  // Twice over the bytes: nothing is changed before all is known to be right. (Bytes that lie in this very
  // block change while they are read: no length is trusted a second time.)
  uint64_t place = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (request.bytes - place < kLengthBytes) return malformed(port, state);
    const auto length = load_unaligned<uint32_t>(request.address + static_cast<uint32_t>(place));
    place += kLengthBytes;
    if (request.bytes - place < length) return malformed(port, state);
    place += length;
  }
  if (place != request.bytes) return malformed(port, state);
  const uint64_t bytes = state.bytes + place - uint64_t{count} * kLengthBytes;
  if (capacity(state.data) < bytes && !replace_block(state, bytes)) return abi::kTooLarge;
  uint32_t from = request.address, to = state.data + state.bytes;
  uint64_t left = bytes - state.bytes;
  for (uint32_t i = 0; i < count; ++i) {
    const auto length = load_unaligned<uint32_t>(from);
    if (length > left) return malformed(port, state);
    left -= length;
    from += kLengthBytes;
    __builtin_memmove(at<char>(to), at<const char>(from), length);
    at<String>(state.data)[i] = {to, length};
    from += length;
    to += length;
  }
  return abi::kSuccess;
}

// The tensor that holds the data of a borrowed output: an output before it or an input; null for a constant.
const PortState* lender_of(const Context& context, uint32_t output) {
  const uint32_t buffer = output_spec(output).buffer;
  for (uint32_t i = 0; i < output; ++i) {
    if (output_spec(i).buffer == buffer) return &context.outputs[i];
  }
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    if (input_spec(i).buffer == buffer) return &context.inputs[i];
  }
  return nullptr;
}

abi::Errno keep_output(Context& context, uint32_t output) {
  PortState& state = context.outputs[output];
  if (output_spec(output).flags & abi::kBorrowed) {
    if (const PortState* lender = lender_of(context, output)) state.data = lender->data;
    return abi::kSuccess;
  }
  const uint32_t count = count_of(state);
  uint64_t bytes = state.bytes;
  for (uint32_t i = 0; i < count; ++i) bytes += elements_of(state)[i].length;
  const uint32_t block = allocate(bytes);
  if (!block) return out_of_memory("a string tensor", bytes);
  uint32_t to = block + state.bytes;
  for (uint32_t i = 0; i < count; ++i) {
    const String text = elements_of(state)[i];
    __builtin_memcpy(at<char>(to), bytes_of(text), text.length);
    at<String>(block)[i] = {to, text.length};
    to += text.length;
  }
  release(state.data);
  state.data = block;
  return abi::kSuccess;
}

abi::Errno keep_outputs(Context& context) {
  for (uint32_t i = 0; i < o2w_model.output_count; ++i) {
    if (output_spec(i).dtype != abi::kStringType) continue;
    if (const abi::Errno error = keep_output(context, i)) return error;
  }
  return abi::kSuccess;
}

abi::Errno measure(const Context& context, NnStrings& request) {
  const PortState& state = context.outputs[request.port];
  request.bytes = uint64_t{count_of(state)} * kLengthBytes;
  for (uint32_t i = 0; i < count_of(state); ++i) {
    // A host can have written here.
    const String text = elements_of(state)[i];
    if (!in_memory(text.address, text.length)) {
      ErrorText() << "output \"" << at<const char>(output_spec(request.port).name) << "\" was overwritten";
      return abi::kRuntimeError;
    }
    request.bytes += text.length;
  }
  return abi::kSuccess;
}

abi::Errno get_output(const Context& context, const NnStrings& request) {
  const PortState& state = context.outputs[request.port];
  uint32_t to = request.address;
  uint64_t left = request.bytes;
  for (uint32_t i = 0; i < count_of(state); ++i) {
    const String text = elements_of(state)[i];
    // The buffer may overlap what is being read.
    if (left < kLengthBytes + uint64_t{text.length} || !in_memory(text.address, text.length)) {
      ErrorText() << "output \"" << at<const char>(output_spec(request.port).name)
                  << "\": the buffer lies in the output itself";
      return abi::kInvalidArgument;
    }
    left -= kLengthBytes + uint64_t{text.length};
    store_unaligned(to, text.length);
    to += kLengthBytes;
    __builtin_memmove(at<char>(to), bytes_of(text), text.length);
    to += text.length;
  }
  return abi::kSuccess;
}

}  // namespace
}  // namespace o2w::runtime

O2W_EXPORT int32_t o2w_nn_strings_at_work(o2w::runtime::Context* context, o2w::runtime::NnStrings* request) {
  using namespace o2w::runtime;
  switch (request->action) {
    case NnStringAction::kSetInput:
      return set_input(*context, *request);
    case NnStringAction::kKeep:
      return keep_outputs(*context);
    case NnStringAction::kMeasure:
      return measure(*context, *request);
    case NnStringAction::kGetOutput:
      return get_output(*context, *request);
  }
  return o2w::abi::kUnsupportedOperation;
}
