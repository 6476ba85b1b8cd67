// wasi-nn over the module's own memory (witx ABI of WebAssembly/wasi-nn: every function returns an errno).
// There is one graph, the compiled model, with handle 0; contexts are numbered from 0, finalized numbers are
// given out again. The last error's text tells more than the errno.
#include "runtime-lib/allocator.h"
#include "runtime-lib/model.h"
#include "runtime-lib/nn_strings.h"
#include "runtime-lib/platform.h"
#include "runtime-lib/shape_text.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

struct Contexts {
  bool loaded;
  uint32_t table;  // u32[capacity]: addresses of contexts, 0 where finalized
  uint32_t count, capacity;
};
Contexts contexts;

enum Encoding : uint32_t { kOnnx = 1, kAutodetect = 5, kAutodetectWit = 6 };
constexpr uint32_t kTargets = 4;  // cpu, gpu, tpu, auto: all mean the engine that runs this module

abi::Errno bad_pointer(const char* what, uint32_t address, uint64_t bytes) {
  ErrorText() << what << ": " << bytes << " bytes at address " << address << " lie outside memory";
  return abi::kInvalidArgument;
}

Context* find_context(uint32_t handle) {
  Context* context = handle < contexts.count ? at<Context>(at<uint32_t>(contexts.table)[handle]) : nullptr;
  if (!context) ErrorText() << "there is no execution context " << handle;
  return context;
}

// Gives the graph out, once the call's other arguments are right.
abi::Errno give_graph(uint32_t graph) {
  if (!in_memory(graph, 4)) return bad_pointer("the place for the graph handle", graph, 4);
  contexts.loaded = true;
  store_unaligned<uint32_t>(graph, 0);
  return abi::kSuccess;
}

// Bindings of three generations number the tensor types differently (witx since 2023; the witx before and
// AssemblyScript; WIT). A code is taken if it means the input's type in any of them: the byte length tells
// the rest. Types that wasi-nn has no code for go by the code of an integer (or, for 16 bits, f16) of the
// same size.
bool code_fits(uint32_t code, const abi::PortSpec& port) {
  enum {
    kFloat = 1,
    kU8 = 2,
    kString = abi::kStringType,
    kInt32 = 6,
    kInt64 = 7,
    kHalf = 10,
    kDouble = 11,
    kBrainFloat = 16
  };
  switch (port.dtype) {
    case kFloat:
      return code == 1;
    case kDouble:
      return code == 2;
    case kHalf:
      return code == 0;
    case kBrainFloat:
      return code == 3 || code == 0;
    case kInt32:
      return code == 4 || code == 3 || code == 5;
    case kInt64:
      return code == 5 || code == 6;
    case kU8:
    case kString:
      return code == 3 || code == 2 || code == 4;
    default:
      break;
  }
  switch (port.element_bytes) {
    case 1:
      return code == 3 || code == 2 || code == 4;
    case 2:
      return code == 0;
    case 4:
      return code == 4 || code == 3 || code == 5;
    default:
      return code == 5 || code == 6;
  }
}

// Outputs that are an input's own bytes have changed with it.
void forget_borrowed_outputs(Context& context) {
  for (uint32_t i = 0; i < o2w_model.output_count; ++i) {
    if (output_spec(i).flags & abi::kBorrowed) context.computed = false;
  }
}

// wasi-nn knows tensors alone.
bool is_list_port(const abi::PortSpec& port, const char* what) {
  if (port.dtype != abi::kListType) return false;
  ErrorText() << what << " \"" << at<const char>(port.name)
              << "\" is a sequence or an optional, which wasi-nn cannot pass; use the o2w_* functions";
  return true;
}

bool is_model_name(const char* name, uint32_t length) {
  const auto equals = [&](const char* other) {
    return __builtin_strlen(other) == length && __builtin_memcmp(name, other, length) == 0;
  };
  return length == 0 || equals("default") || equals(at<const char>(o2w_model.name));
}

}  // namespace
}  // namespace o2w::runtime

using namespace o2w::runtime;
namespace abi = o2w::abi;

// The model is built in: whatever bytes a guest hands over, it is this model that is loaded.
O2W_EXPORT int32_t o2w_nn_load(uint32_t builders, uint32_t count, uint32_t encoding, uint32_t target,
                               uint32_t graph) {
  if (!in_memory(builders, uint64_t{count} * 8))
    return bad_pointer("load: the builders", builders, uint64_t{count} * 8);
  for (uint32_t i = 0; i < count; ++i) {
    const auto data = load_unaligned<uint32_t>(builders + i * 8);
    const auto length = load_unaligned<uint32_t>(builders + i * 8 + 4);
    if (!in_memory(data, length)) return bad_pointer("load: a builder", data, length);
  }
  if (encoding != kOnnx && encoding != kAutodetect && encoding != kAutodetectWit) {
    ErrorText() << "load: encoding " << encoding
                << " is not that of this model; use onnx (1) or autodetect (5)";
    return abi::kInvalidEncoding;
  }
  if (target >= kTargets) {
    ErrorText() << "load: there is no execution target " << target;
    return abi::kInvalidArgument;
  }
  return give_graph(graph);
}

// Known names: the model's own, "default" and the empty one.
O2W_EXPORT int32_t o2w_nn_load_by_name(uint32_t name, uint32_t length, uint32_t graph) {
  if (!in_memory(name, length)) return bad_pointer("load_by_name: the name", name, length);
  if (!is_model_name(at<const char>(name), length)) {
    ErrorText() << "load_by_name: this module holds the model \"" << at<const char>(o2w_model.name)
                << "\", also known as \"default\"";
    return abi::kNotFound;
  }
  return give_graph(graph);
}

O2W_EXPORT int32_t o2w_nn_init_execution_context(uint32_t graph, uint32_t handle) {
  if (graph != 0 || !contexts.loaded) {
    ErrorText() << "init_execution_context: graph " << graph << " was not loaded";
    return abi::kInvalidArgument;
  }
  if (!in_memory(handle, 4)) return bad_pointer("the place for the context handle", handle, 4);
  uint32_t slot = 0;
  while (slot < contexts.count && at<uint32_t>(contexts.table)[slot]) ++slot;
  if (slot == contexts.capacity) {
    const uint32_t capacity = contexts.capacity ? 2 * contexts.capacity : 8;
    const uint32_t table = allocate(uint64_t{capacity} * 4);
    if (!table) return out_of_memory("the table of contexts", uint64_t{capacity} * 4);
    __builtin_memcpy(at<char>(table), at<char>(contexts.table), uint64_t{contexts.count} * 4);
    release(contexts.table);
    contexts.table = table;
    contexts.capacity = capacity;
  }
  Context* context = create_context();
  if (!context) return abi::kTooLarge;
  at<uint32_t>(contexts.table)[slot] = address_of(context);
  if (slot == contexts.count) ++contexts.count;
  store_unaligned(handle, slot);
  return abi::kSuccess;
}

O2W_EXPORT int32_t o2w_nn_set_input(uint32_t handle, uint32_t index, uint32_t tensor) {
  Context* context = find_context(handle);
  if (!context) return abi::kInvalidArgument;
  if (index >= o2w_model.input_count) {
    ErrorText() << "set_input: there is no input " << index << ": the model has " << o2w_model.input_count;
    return abi::kInvalidArgument;
  }
  if (!in_memory(tensor, sizeof(abi::NnTensor)))
    return bad_pointer("set_input: the tensor", tensor, sizeof(abi::NnTensor));
  const auto given = load_unaligned<abi::NnTensor>(tensor);
  if (!in_memory(given.dims, uint64_t{given.dims_length} * 4)) {
    return bad_pointer("set_input: the tensor's dims", given.dims, uint64_t{given.dims_length} * 4);
  }
  if (!in_memory(given.data, given.data_length)) {
    return bad_pointer("set_input: the tensor's data", given.data, given.data_length);
  }
  const abi::PortSpec& port = input_spec(index);
  if (is_list_port(port, "input")) return abi::kUnsupportedOperation;
  if (!code_fits(given.type, port)) {
    ErrorText() << "input \"" << at<const char>(port.name) << "\": expected " << port
                << ", got a tensor of type code " << uint32_t{given.type};
    return abi::kInvalidArgument;
  }
  if (const abi::Errno error =
          set_input_shape(*context, index, at<const uint32_t>(given.dims), given.dims_length)) {
    return error;
  }
  PortState& input = context->inputs[index];
  if (port.dtype == abi::kStringType) {
    if (const abi::Errno error = ensure_input_buffer(*context, index)) return error;
    NnStrings request = {NnStringAction::kSetInput, index, given.data, given.data_length};
    if (const int32_t error = o2w_nn_strings(context, &request)) return error;
    input.has_data = true;
    forget_borrowed_outputs(*context);
    return abi::kSuccess;
  }
  if (given.data_length != input.bytes) {
    ErrorText() << "input \"" << at<const char>(port.name) << "\": expected " << input.bytes << " bytes for "
                << dtype_name(port.dtype) << Dims{input.dims, port.rank} << ", got " << given.data_length;
    return abi::kInvalidArgument;
  }
  if (const abi::Errno error = ensure_input_buffer(*context, index)) return error;
  __builtin_memcpy(at<char>(input.data), at<const char>(given.data), given.data_length);
  input.has_data = true;
  forget_borrowed_outputs(*context);
  return abi::kSuccess;
}

O2W_EXPORT int32_t o2w_nn_compute(uint32_t handle) {
  Context* context = find_context(handle);
  if (!context) return abi::kInvalidArgument;
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    if (is_list_port(input_spec(i), "input")) return abi::kUnsupportedOperation;
    if (context->inputs[i].has_data) continue;
    ErrorText() << "compute: input " << i << ", \"" << at<const char>(input_spec(i).name) << "\", "
                << input_spec(i) << ", was not set";
    return abi::kInvalidArgument;
  }
  if (const abi::Errno error = run(*context)) return error;
  // Strings lie in memory that all contexts share.
  NnStrings request = {NnStringAction::kKeep, 0, 0, 0};
  const int32_t error = o2w_nn_strings(context, &request);
  context->computed = error == abi::kSuccess;
  return error;
}

O2W_EXPORT int32_t o2w_nn_get_output(uint32_t handle, uint32_t index, uint32_t buffer, uint32_t size,
                                     uint32_t written) {
  Context* context = find_context(handle);
  if (!context) return abi::kInvalidArgument;
  if (index >= o2w_model.output_count) {
    ErrorText() << "get_output: there is no output " << index << ": the model has " << o2w_model.output_count;
    return abi::kInvalidArgument;
  }
  if (is_list_port(output_spec(index), "output")) return abi::kUnsupportedOperation;
  if (!in_memory(written, 4)) return bad_pointer("get_output: the place for the size", written, 4);
  if (!context->computed) {
    ErrorText() << "get_output: nothing was computed for these inputs";
    return abi::kRuntimeError;
  }
  const PortState& output = context->outputs[index];
  const bool strings = output_spec(index).dtype == abi::kStringType;
  NnStrings request = {NnStringAction::kMeasure, index, buffer, output.bytes};
  if (strings) {
    if (const int32_t error = o2w_nn_strings(context, &request)) return error;
  }
  const auto bytes = static_cast<uint32_t>(request.bytes);
  if (size < request.bytes) {
    store_unaligned(written, bytes);
    ErrorText() << "output \"" << at<const char>(output_spec(index).name) << "\": needs " << request.bytes
                << " bytes, the buffer has " << size;
    return abi::kTooLarge;
  }
  if (!in_memory(buffer, bytes)) return bad_pointer("get_output: the buffer", buffer, bytes);
  if (strings) {
    request.action = NnStringAction::kGetOutput;
    if (const int32_t error = o2w_nn_strings(context, &request)) return error;
  } else {
    __builtin_memmove(at<char>(buffer), at<const char>(output.data), bytes);
  }
  store_unaligned(written, bytes);
  return abi::kSuccess;
}

// WasmEdge's extensions, so that long-lived hosts can give memory back.
O2W_EXPORT int32_t o2w_nn_finalize_execution_context(uint32_t handle) {
  Context* context = find_context(handle);
  if (!context) return abi::kInvalidArgument;
  destroy_context(context);
  at<uint32_t>(contexts.table)[handle] = 0;
  return abi::kSuccess;
}

O2W_EXPORT int32_t o2w_nn_unload(uint32_t graph) {
  if (graph != 0 || !contexts.loaded) {
    ErrorText() << "unload: graph " << graph << " was not loaded";
    return abi::kInvalidArgument;
  }
  for (uint32_t slot = 0; slot < contexts.count; ++slot) {
    const uint32_t address = at<uint32_t>(contexts.table)[slot];
    if (address) destroy_context(at<Context>(address));
  }
  release(contexts.table);
  contexts = {};
  return abi::kSuccess;
}
