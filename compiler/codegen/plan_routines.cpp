// Calls of the runtime library's routines: functions that write descriptors of their arguments.
#include <fmt/format.h>

#include <bit>

#include "compiler/codegen/plan.h"
#include "compiler/support/error.h"
#include "runtime-lib/model_abi.h"

namespace o2w::codegen {

using namespace schedule;  // NOLINT(google-build-using-namespace): the steps and kernels of the program

namespace {

// What a call's function depends on.
std::string key_of(const Routine& routine, bool has_error) {
  std::string key = fmt::format("routine {} {} {}", routine.name, routine.counts.size(), has_error);
  for (const auto* tensors : {&routine.inputs, &routine.outputs}) {
    key += " :";
    for (const Routine::Tensor& tensor : *tensors)
      key += fmt::format(" {}{}", ir::name(tensor.type), tensor.shape.size());
  }
  for (const int64_t value : routine.ints) key += fmt::format(" {}", value);
  for (const double value : routine.floats) key += fmt::format(" {:x}", std::bit_cast<uint64_t>(value));
  return key;
}

}  // namespace

// call(data of each tensor..., dims of each..., scratch memory[, address of each count's symbol..., list of
// the sizes that follow from them][, number of the message]) -> errno
KernelCall Plan::routine_call(const Routine& routine, bool has_error) {
  KernelCall call;
  std::vector<Routine::Tensor> tensors = routine.inputs;
  tensors.insert(tensors.end(), routine.outputs.begin(), routine.outputs.end());
  for (const Routine::Tensor& tensor : tensors) {
    if (tensor.shape.size() > abi::kMaxRank) {
      fail_model("a tensor of {} dimensions; at most {} are supported here", tensor.shape.size(),
                 abi::kMaxRank);
    }
    call.arguments.insert(call.arguments.end(), tensor.shape.begin(), tensor.shape.end());
  }
  call.can_fail = has_error;
  call.function = functions_.get("call_" + routine.name, key_of(routine, has_error), [&](FunctionBuilder& f) {
    const auto align8 = [](std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; };
    const std::size_t ints = align8(tensors.size() * sizeof(abi::TensorArg));
    const std::size_t floats = ints + 8 * routine.ints.size();
    const std::size_t counts = floats + 8 * routine.floats.size();
    const std::size_t total = counts + 8 * routine.counts.size();
    const bool on_heap = total > kScratchBytes;
    std::vector<Var<I32>> data, dims, symbols;
    for (std::size_t k = 0; k < tensors.size(); ++k) data.push_back(f.param<I32>());
    for (std::size_t k = 0; k < call.arguments.size(); ++k) dims.push_back(f.param<I32>());
    const Var<I32> base = f.param<I32>();
    for (std::size_t k = 0; k < routine.counts.size(); ++k) symbols.push_back(f.param<I32>());
    const Var<I32> list = symbols.empty() ? Var<I32>() : f.param<I32>(),
                   error = has_error ? f.param<I32>() : Var<I32>();
    f.set_result(WasmType::i32);
    if (on_heap) {
      base.set(I32(f.call("o2w_heap_alloc", f.arguments(f.i64(static_cast<int64_t>(total))), WasmType::i32)));
      f.if_(is_zero(base), [&] {
        f.return_(f.call("o2w_out_of_memory", f.arguments(f.i64(static_cast<int64_t>(total)), f.i32(-1)),
                         WasmType::i32));
      });
    }
    const auto offset = [](std::size_t bytes) { return static_cast<uint32_t>(bytes); };
    std::size_t next = 0;
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      const std::size_t place = k * sizeof(abi::TensorArg);
      f.store_i32(base, data[k], offset(place + offsetof(abi::TensorArg, data)));
      f.store_i32(base, ir::onnx_code(tensors[k].type), offset(place + offsetof(abi::TensorArg, dtype)));
      f.store_i32(base, static_cast<int32_t>(tensors[k].shape.size()),
                  offset(place + offsetof(abi::TensorArg, rank)));
      for (std::size_t d = 0; d < tensors[k].shape.size(); ++d)
        f.store_i32(base, dims[next++], offset(place + offsetof(abi::TensorArg, dims) + 4 * d));
    }
    for (std::size_t k = 0; k < routine.ints.size(); ++k)
      f.store_i64(base, routine.ints[k], offset(ints + 8 * k));
    for (std::size_t k = 0; k < routine.floats.size(); ++k)
      f.store_f64(base, routine.floats[k], offset(floats + 8 * k));
    auto arguments =
        f.arguments(base.get(), f.i32(static_cast<int32_t>(routine.inputs.size())),
                    f.i32(static_cast<int32_t>(routine.outputs.size())), base + static_cast<int32_t>(ints),
                    base + static_cast<int32_t>(floats), base + static_cast<int32_t>(counts));
    const Local code = f.keep(f.call("o2w_routine_" + routine.name, std::move(arguments), WasmType::i32));
    for (std::size_t k = 0; k < symbols.size(); ++k)
      f.store_i64(symbols[k], load_i64(base, offset(counts + 8 * k)));
    if (on_heap) f.call_statement("o2w_heap_free", f.arguments(base.get()));
    // The routine has left its message.
    f.if_(I32(code.get()), [&] {
      f.return_(has_error ? f.call("o2w_fail_in", f.arguments(code.get(), error.get()), WasmType::i32)
                          : code.get());
    });
    if (!symbols.empty()) f.call_statement("o2w_update_dims", f.arguments(list.get()));
    f.return_(f.i32(0));
  });
  return call;
}

}  // namespace o2w::codegen
