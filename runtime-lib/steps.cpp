// Steps of the plan that are more than a call of a kernel: what rows of the step table name.
#include "runtime-lib/dims.h"
#include "runtime-lib/model_abi.h"
#include "runtime-lib/platform.h"

O2W_EXPORT uint32_t o2w_heap_alloc(int64_t bytes);
O2W_EXPORT void o2w_heap_free(uint32_t address);
O2W_EXPORT int32_t o2w_out_of_memory(int64_t bytes, uint32_t number);
O2W_EXPORT int32_t o2w_fail(int32_t error, uint32_t number);

namespace o2w::runtime {
namespace {

int64_t size_of(uint32_t code) {
  return evaluate(at<const uint8_t>(code), at<const int64_t>(o2w_model.symbol_values));
}

}  // namespace
}  // namespace o2w::runtime

using o2w::runtime::at;

O2W_EXPORT void o2w_update_dims(uint32_t list) {
  const auto* place = at<const uint8_t>(list);
  while (const uint64_t number = o2w::runtime::read_number(place)) {
    const auto code = static_cast<uint32_t>(o2w::runtime::read_number(place));
    at<int32_t>(o2w_model.dim_table)[number - 1] =
        static_cast<int32_t>(o2w::runtime::size_of(o2w_model.steps + code));
  }
}

O2W_EXPORT int32_t o2w_step_allocate(uint32_t cell, uint32_t code, uint32_t number) {
  const int64_t bytes = o2w::runtime::size_of(code);
  const uint32_t address = o2w_heap_alloc(bytes);
  if (!address) return o2w_out_of_memory(bytes, number);
  *at<uint32_t>(cell) = address;
  return o2w::abi::kSuccess;
}

O2W_EXPORT void o2w_step_free(uint32_t cell) {
  o2w_heap_free(*at<uint32_t>(cell));
  *at<uint32_t>(cell) = 0;
}

O2W_EXPORT void o2w_step_move(uint32_t to, uint32_t from) {
  *at<uint32_t>(to) = *at<uint32_t>(from);
  *at<uint32_t>(from) = 0;
}

O2W_EXPORT void o2w_step_set(uint32_t symbol, uint32_t code, uint32_t list) {
  *at<int64_t>(symbol) = o2w::runtime::size_of(code);
  o2w_update_dims(list);
}

O2W_EXPORT int64_t o2w_size(uint32_t code) { return o2w::runtime::size_of(code); }

O2W_EXPORT int32_t o2w_step_bind(uint32_t from, uint32_t element, uint32_t symbol, uint32_t list,
                                 uint32_t number) {
  const int64_t value = at<const int64_t>(from)[element];
  const auto& spec = at<const o2w::abi::SymbolSpec>(o2w_model.symbols)[symbol];
  if (value < spec.lower || value > spec.upper) return o2w_fail(o2w::abi::kRuntimeError, number);
  at<int64_t>(o2w_model.symbol_values)[symbol] = value;
  o2w_update_dims(list);
  return o2w::abi::kSuccess;
}

O2W_EXPORT int32_t o2w_step_check(uint32_t a_code, uint32_t b_code, o2w::abi::StepRelation relation,
                                  int32_t error, uint32_t number) {
  const int64_t a = o2w::runtime::size_of(a_code), b = o2w::runtime::size_of(b_code);
  bool holds = a == b;
  if (relation == o2w::abi::StepRelation::kBroadcastable) holds = holds || a == 1 || b == 1;
  if (relation == o2w::abi::StepRelation::kLessEqual) holds = a <= b;
  return holds ? o2w::abi::kSuccess : o2w_fail(error, number);
}
