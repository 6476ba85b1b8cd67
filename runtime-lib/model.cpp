#include "runtime-lib/model.h"

#include "runtime-lib/allocator.h"
#include "runtime-lib/dims.h"
#include "runtime-lib/lists.h"
#include "runtime-lib/memory_plan.h"
#include "runtime-lib/platform.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/run_region.h"
#include "runtime-lib/shape_text.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

// A tensor this large cannot lie in 32-bit memory beside anything else.
constexpr int64_t kMaxTensorBytes = 0xfff00000;

struct Shared {
  bool unpacked;         // the steps' constants are in place
  bool prepared;         // symbols, dims and arena agree with symbol_values
  int64_t* wanted;       // i64 per symbol: what the inputs of the context at hand say
  uint32_t* defined_by;  // per symbol: input number
  uint32_t arena;
  uint32_t plan_scratch;
};
Shared shared;

int64_t* symbol_values() { return at<int64_t>(o2w_model.symbol_values); }
uint32_t* pointer_table() { return at<uint32_t>(o2w_model.pointer_table); }
const abi::SymbolSpec& symbol_spec(int64_t number) {
  return at<const abi::SymbolSpec>(o2w_model.symbols)[number];
}
const abi::DimSpec& dim_spec(const abi::PortSpec& port, uint32_t dim) {
  return at<const abi::DimSpec>(port.dims)[dim];
}

int64_t byte_count(const abi::PortSpec& port, const int32_t* dims) {
  int64_t bytes = port.element_bytes;
  for (uint32_t d = 0; d < port.rank; ++d) bytes = multiply_saturating(bytes, dims[d]);
  return bytes;
}

abi::Errno too_large(const char* what, const abi::PortSpec& port, const int32_t* dims) {
  ErrorText() << what << " \"" << at<const char>(port.name) << "\": " << port << " of dims "
              << Dims{dims, port.rank} << " does not fit into 32-bit memory";
  return abi::kTooLarge;
}

// How far memory may grow, where the model was compiled with a limit.
void add_memory_limit(ErrorText& text) {
  if (!o2w_model.max_pages) return;
  text << "; the model was compiled with --max-memory: memory ends at " << o2w_model.max_pages * kPageBytes
       << " bytes";
}

// Makes `state.data` a buffer of at least state.bytes.
abi::Errno ensure_buffer(const char* what, const abi::PortSpec& port, PortState& state) {
  if (state.data && capacity(state.data) >= state.bytes) return abi::kSuccess;
  release(state.data);
  state.data = allocate(state.bytes);
  if (!state.data) {
    ErrorText text;
    text << "out of memory: " << what << " \"" << at<const char>(port.name) << "\": " << port << " of dims "
         << Dims{state.dims, port.rank} << " needs " << uint64_t{state.bytes} << " bytes";
    add_memory_limit(text);
    return abi::kTooLarge;
  }
  __builtin_memset(at<char>(state.data), 0, state.bytes);
  return abi::kSuccess;
}

// The symbols as this context's input shapes define them, into shared.wanted.
abi::Errno resolve_symbols(const Context& context) {
  const uint32_t count = o2w_model.symbol_count;
  if (count && !shared.wanted) {
    const uint32_t address = allocate(count * uint64_t{sizeof(int64_t) + sizeof(uint32_t)});
    if (!address) return out_of_memory("the symbols", count * uint64_t{12});
    shared.wanted = at<int64_t>(address);
    shared.defined_by = at<uint32_t>(address + count * static_cast<uint32_t>(sizeof(int64_t)));
  }
  for (uint32_t s = 0; s < count; ++s) shared.wanted[s] = -1;
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    const abi::PortSpec& port = input_spec(i);
    for (uint32_t d = 0; d < port.rank; ++d) {
      const abi::DimSpec& dim = dim_spec(port, d);
      if (dim.kind != abi::DimKind::kSymbol) continue;
      const int64_t size = context.inputs[i].dims[d];
      int64_t& wanted = shared.wanted[dim.value];
      if (wanted < 0) {
        wanted = size;
        shared.defined_by[dim.value] = i;
      } else if (wanted != size) {
        ErrorText() << "input \"" << at<const char>(port.name) << "\": expected " << port << ", got "
                    << Dims{context.inputs[i].dims, port.rank} << ": " << at<const char>(dim.text) << " is "
                    << wanted << " in input \""
                    << at<const char>(input_spec(shared.defined_by[dim.value]).name) << "\"";
        return abi::kInvalidArgument;
      }
    }
  }
  for (uint32_t s = 0; s < count; ++s) {
    if (!symbol_spec(s).from_input || shared.wanted[s] >= 0) continue;
    ErrorText() << "the size " << at<const char>(symbol_spec(s).name)
                << " does not follow from the inputs' shapes";
    return abi::kRuntimeError;
  }
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    const abi::PortSpec& port = input_spec(i);
    for (uint32_t d = 0; d < port.rank; ++d) {
      const abi::DimSpec& dim = dim_spec(port, d);
      if (dim.kind != abi::DimKind::kExpression) continue;
      const int64_t expected = evaluate(dim, shared.wanted);
      if (expected == context.inputs[i].dims[d]) continue;
      ErrorText() << "input \"" << at<const char>(port.name) << "\": expected " << port << ", got "
                  << Dims{context.inputs[i].dims, port.rank} << ": " << at<const char>(dim.text)
                  << " must be " << expected << " with the other inputs' shapes";
      return abi::kInvalidArgument;
    }
  }
  return abi::kSuccess;
}

bool symbols_changed() {
  for (uint32_t s = 0; s < o2w_model.symbol_count; ++s) {
    if (symbol_spec(s).from_input && shared.wanted[s] != symbol_values()[s]) return true;
  }
  return false;
}

// Dims and bytes of an output, as the symbols are now.
abi::Errno size_output(const abi::PortSpec& port, PortState& state) {
  for (uint32_t d = 0; d < port.rank; ++d) {
    const int64_t size = evaluate(dim_spec(port, d), symbol_values());
    if (size < 0 || size > INT32_MAX) {
      ErrorText() << "output \"" << at<const char>(port.name) << "\": dimension " << d << " would be "
                  << size;
      return size < 0 ? abi::kRuntimeError : abi::kTooLarge;
    }
    state.dims[d] = static_cast<int32_t>(size);
  }
  const int64_t bytes = byte_count(port, state.dims);
  if (bytes > kMaxTensorBytes) return too_large("output", port, state.dims);
  state.bytes = static_cast<uint32_t>(bytes);
  return abi::kSuccess;
}

void unpack_constants() {
  const auto* place = at<const uint8_t>(o2w_model.packed_constants);
  auto* constants = at<int32_t>(o2w_model.constants);
  int64_t value = 0;
  for (uint32_t k = 0; k < o2w_model.constant_count; ++k)
    constants[k] = static_cast<int32_t>(value += read_signed_number(place));
  shared.unpacked = true;
}

abi::Errno prepare_shared(const Context& context) {
  if (!shared.unpacked) unpack_constants();
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    if (context.inputs[i].has_shape) continue;
    ErrorText() << "input \"" << at<const char>(input_spec(i).name) << "\": its shape " << input_spec(i)
                << " is dynamic and was not set";
    return abi::kInvalidArgument;
  }
  if (const abi::Errno error = resolve_symbols(context)) return error;
  if (shared.prepared && !symbols_changed()) return abi::kSuccess;
  shared.prepared = false;
  for (uint32_t s = 0; s < o2w_model.symbol_count; ++s) {
    if (symbol_spec(s).from_input) symbol_values()[s] = shared.wanted[s];
  }
  ErrorText() << "the model cannot be prepared for these input shapes";
  if (const int32_t error = o2w_model_prepare()) return static_cast<abi::Errno>(error);
  shared.prepared = true;
  return abi::kSuccess;
}

// Nothing can run before the host has brought weights that are not part of the module.
abi::Errno check_weights() {
  if (!o2w_model.weights) return abi::kSuccess;
  const auto& weights = *at<const abi::WeightsDescriptor>(o2w_model.weights);
  if (weights.committed == weights.bytes) return abi::kSuccess;
  ErrorText() << "the model's weights are not loaded: " << weights.committed << " of " << weights.bytes
              << " bytes are there. Write the weights file to address " << weights.address
              << " and call o2w_weights_commit";
  return abi::kMissingMemory;
}

// After a run: where the outputs are, and how large.
abi::Errno collect_outputs(Context& context) {
  for (uint32_t i = 0; i < o2w_model.output_count; ++i) {
    const abi::PortSpec& port = output_spec(i);
    PortState& state = context.outputs[i];
    if (port.flags & abi::kSizedByRun) {
      if (const abi::Errno error = size_output(port, state)) return error;
    }
    if (port.flags & abi::kRankByRun) {
      const abi::ListElement& tensor = list_element(*at<const uint32_t>(pointer_table()[port.buffer]), 0);
      __builtin_memcpy(state.dims, tensor.dims, sizeof state.dims);
      state.rank = tensor.rank;
      state.bytes = tensor.bytes;
      if (const abi::Errno error = ensure_buffer("output", port, state)) return error;
      __builtin_memcpy(at<char>(state.data), at<const char>(tensor.data), tensor.bytes);
      state.has_shape = true;
      continue;
    }
    if (port.flags & (abi::kBorrowed | abi::kSizedByRun)) {
      state.data = port.address ? port.address : pointer_table()[port.buffer];
    }
    if (!(port.flags & abi::kBorrowed)) keep(state.data);
    state.has_shape = true;
  }
  return abi::kSuccess;
}

}  // namespace

const abi::PortSpec& input_spec(uint32_t index) { return at<const abi::PortSpec>(o2w_model.inputs)[index]; }
const abi::PortSpec& output_spec(uint32_t index) { return at<const abi::PortSpec>(o2w_model.outputs)[index]; }

abi::Errno out_of_memory(const char* what, uint64_t bytes) {
  ErrorText text;
  text << "out of memory: " << what << " needs " << bytes << " bytes";
  add_memory_limit(text);
  return abi::kTooLarge;
}

// Names the sizes that the inputs' shapes gave: which of them to make smaller is the caller's choice.
abi::Errno intermediates_too_large(const char* what, uint64_t bytes) {
  ErrorText text;
  text << "out of memory: " << what << " " << bytes << " bytes";
  const char* before = " with ";
  for (uint32_t s = 0; s < o2w_model.symbol_count; ++s) {
    const abi::SymbolSpec& symbol = symbol_spec(s);
    if (!symbol.from_input) continue;
    text << before << at<const char>(symbol.name) << " = " << symbol_values()[s];
    before = ", ";
  }
  add_memory_limit(text);
  return abi::kTooLarge;
}

Context* create_context() {
  const uint32_t ports = o2w_model.input_count + o2w_model.output_count;
  const uint64_t bytes = sizeof(Context) + ports * uint64_t{sizeof(PortState)};
  const uint32_t address = allocate(bytes);
  if (!address) {
    out_of_memory("a context", bytes);
    return nullptr;
  }
  __builtin_memset(at<char>(address), 0, bytes);
  Context* context = at<Context>(address);
  context->inputs = at<PortState>(address + static_cast<uint32_t>(sizeof(Context)));
  context->outputs = context->inputs + o2w_model.input_count;
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    const abi::PortSpec& port = input_spec(i);
    PortState& state = context->inputs[i];
    if (!(port.flags & abi::kStatic)) continue;
    for (uint32_t d = 0; d < port.rank; ++d) state.dims[d] = dim_spec(port, d).value;
    state.bytes = static_cast<uint32_t>(byte_count(port, state.dims));
    state.has_shape = true;
  }
  return context;
}

void destroy_context(Context* context) {
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) release(context->inputs[i].data);
  for (uint32_t i = 0; i < o2w_model.output_count; ++i) {
    release(context->outputs[i].cell);
    if (!(output_spec(i).flags & abi::kBorrowed)) release(context->outputs[i].data);
  }
  release(address_of(context));
}

abi::Errno set_input_shape(Context& context, uint32_t index, const uint32_t* dims, uint32_t rank) {
  const abi::PortSpec& port = input_spec(index);
  PortState& state = context.inputs[index];
  const bool right_rank = rank == port.rank;
  bool fits = right_rank;
  for (uint32_t d = 0; fits && d < rank; ++d) {
    const uint32_t size = load_unaligned<uint32_t>(address_of(&dims[d]));
    const abi::DimSpec& dim = dim_spec(port, d);
    fits = size <= INT32_MAX;
    if (dim.kind == abi::DimKind::kFixed) fits = fits && static_cast<int32_t>(size) == dim.value;
    if (dim.kind == abi::DimKind::kSymbol) {
      const abi::SymbolSpec& symbol = symbol_spec(dim.value);
      fits = fits && size >= symbol.lower && size <= symbol.upper;
      if (!fits) {
        ErrorText() << "input \"" << at<const char>(port.name) << "\": expected " << port << " with "
                    << at<const char>(dim.text) << " in " << symbol.lower << ".." << symbol.upper << ", got "
                    << UnalignedDims{address_of(dims), rank};
        return size > symbol.upper ? abi::kTooLarge : abi::kInvalidArgument;
      }
    }
  }
  if (!fits) {
    ErrorText() << "input \"" << at<const char>(port.name) << "\": expected " << port << ", got dims "
                << UnalignedDims{address_of(dims), rank};
    return abi::kInvalidArgument;
  }
  int32_t next[abi::kMaxRank] = {};
  bool same = state.has_shape;
  for (uint32_t d = 0; d < rank; ++d) {
    next[d] = static_cast<int32_t>(load_unaligned<uint32_t>(address_of(&dims[d])));
    same = same && next[d] == state.dims[d];
  }
  if (same) return abi::kSuccess;
  const int64_t bytes = byte_count(port, next);
  if (bytes > kMaxTensorBytes) return too_large("input", port, next);
  __builtin_memcpy(state.dims, next, sizeof next);
  state.bytes = static_cast<uint32_t>(bytes);
  state.has_shape = true;
  state.has_data = false;
  context.computed = false;
  if (capacity(state.data) < state.bytes) {
    release(state.data);
    state.data = 0;
  }
  return abi::kSuccess;
}

abi::Errno ensure_input_buffer(Context& context, uint32_t index) {
  return ensure_buffer("input", input_spec(index), context.inputs[index]);
}

abi::Errno prepare(Context& context) {
  if (const abi::Errno error = prepare_shared(context)) return error;
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    if (const abi::Errno error = ensure_input_buffer(context, i)) return error;
  }
  for (uint32_t i = 0; i < o2w_model.output_count; ++i) {
    const abi::PortSpec& port = output_spec(i);
    if (port.flags & abi::kSizedByRun) continue;
    PortState& state = context.outputs[i];
    if (port.flags & abi::kRankByRun) {
      if (!state.cell) state.cell = allocate(sizeof(uint32_t));
      if (!state.cell) return out_of_memory("an output", sizeof(uint32_t));
      continue;
    }
    if (const abi::Errno error = size_output(port, state)) return error;
    state.has_shape = true;
    if (port.flags & abi::kBorrowed) continue;
    if (const abi::Errno error = ensure_buffer("output", port, state)) return error;
  }
  return abi::kSuccess;
}

abi::Errno run(Context& context) {
  context.computed = false;
  if (const abi::Errno error = check_weights()) return error;
  if (const abi::Errno error = prepare(context)) return error;
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    pointer_table()[input_spec(i).buffer] = context.inputs[i].data;
  }
  for (uint32_t i = 0; i < o2w_model.output_count; ++i) {
    const abi::PortSpec& port = output_spec(i);
    if (port.flags & abi::kBorrowed) continue;
    PortState& state = context.outputs[i];
    if (port.flags & abi::kRankByRun) {
      pointer_table()[port.buffer] = state.cell;
      state.has_shape = false;
      continue;
    }
    if (port.flags & abi::kSizedByRun) {
      release(state.data);
      state.data = 0;
    }
    pointer_table()[port.buffer] = state.data;
  }
  ErrorText() << "the model failed while running";
  restart_random_numbers();
  reset_region();
  begin_run_allocations();
  int32_t error = o2w_model_run();
  end_run_allocations();
  if (!error) error = collect_outputs(context);
  // Also what a run that failed half way left behind.
  release_run_allocations();
  if (error) return static_cast<abi::Errno>(error);
  context.computed = true;
  return abi::kSuccess;
}

}  // namespace o2w::runtime

O2W_EXPORT int32_t o2w_plan_arena() {
  using namespace o2w::runtime;
  const uint32_t count = o2w_model.arena_count;
  if (count == 0) return o2w::abi::kSuccess;
  const uint64_t scratch_bytes =
      count * uint64_t{sizeof(o2w::MemoryInterval) + sizeof(long long) + 2 * sizeof(int)};
  if (!shared.plan_scratch) shared.plan_scratch = allocate(scratch_bytes);
  if (!shared.plan_scratch) return out_of_memory("the memory plan", scratch_bytes);
  auto* intervals = at<o2w::MemoryInterval>(shared.plan_scratch);
  auto* offsets = reinterpret_cast<long long*>(intervals + count);
  auto* scratch = reinterpret_cast<int*>(offsets + count);
  const auto* place = at<const uint8_t>(o2w_model.arena);
  int first_use = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const auto code = static_cast<uint32_t>(read_number(place));
    read_number(place);
    first_use += static_cast<int>(read_signed_number(place));
    const int last_use = first_use + static_cast<int>(read_number(place));
    const int64_t bytes = evaluate(at<const uint8_t>(o2w_model.steps + code), symbol_values());
    if (bytes > kMaxTensorBytes)
      return intermediates_too_large("an intermediate tensor needs", static_cast<uint64_t>(bytes));
    intervals[i] = {first_use, last_use, bytes < 0 ? 0 : bytes};
  }
  const auto total =
      static_cast<uint64_t>(o2w::plan_memory(intervals, static_cast<int>(count), offsets, scratch));
  if (capacity(shared.arena) < total || !shared.arena) {
    release(shared.arena);
    shared.arena = allocate(total);
    if (!shared.arena) return intermediates_too_large("the intermediate tensors need", total);
  }
  place = at<const uint8_t>(o2w_model.arena);
  uint64_t buffer = 0;
  for (uint32_t i = 0; i < count; ++i) {
    read_number(place);
    buffer += read_number(place);
    pointer_table()[buffer] = shared.arena + static_cast<uint32_t>(offsets[i]);
    read_number(place);
    read_number(place);
  }
  return o2w::abi::kSuccess;
}

O2W_EXPORT int32_t o2w_out_of_memory(int64_t bytes, uint32_t number) {
  const char* what = o2w::runtime::message(number);
  return o2w::runtime::out_of_memory(what ? what : "a tensor whose size depends on data",
                                     static_cast<uint64_t>(bytes));
}
