#include "frontends/onnx/ops/common/keys.h"

#include <algorithm>

#include "runtime-lib/key_table.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Tensor;

ir::Value* find_keys(Lowering& lowering, ir::Value* x, const Tensor& keys) {
  const bool strings = keys.type() == DType::string;
  ensure(x->type == keys.type() && (strings || x->type == DType::i64), "keys of a type without a table");
  const auto hash = [&](int64_t number) {
    if (!strings) return key_hash(keys.data<uint64_t>()[number]);
    const std::string& text = keys.string_at(number);
    return string_hash(text.data(), text.size());
  };
  const uint32_t slot_count = slots_for(static_cast<uint32_t>(keys.count()));
  Tensor slots(DType::i32, {slot_count});
  auto* numbers = slots.mutable_data<int32_t>();
  std::fill_n(numbers, slot_count, -1);
  const auto* elements = keys.data<uint64_t>();
  for (int64_t number = 0; number < keys.count(); ++number) {
    uint32_t slot = hash(number) & (slot_count - 1);
    while (numbers[slot] >= 0 && elements[numbers[slot]] != elements[number])
      slot = (slot + 1) & (slot_count - 1);
    if (numbers[slot] < 0) numbers[slot] = static_cast<int32_t>(number);
  }
  ir::Builder& b = lowering.b();
  return b.opaque({.routine = strings ? "find_string" : "find_number"},
                  {x, b.constant(keys.reshaped({keys.count()})), b.constant(std::move(slots))},
                  {{DType::i64, x->shape}})[0];
}

}  // namespace o2w::onnx_frontend
