#include "compiler/package/string_table.h"

#include <algorithm>

#include "compiler/ir/string_pool.h"
#include "compiler/support/error.h"
#include "runtime-lib/model_abi.h"
#include "runtime-lib/string_hash.h"

namespace o2w::package {

using ir::DType;
using ir::Tensor;

void StringTable::add(const Tensor& strings) {
  for (int64_t i = 0; i < strings.count(); ++i) {
    const uint64_t handle = strings.data<uint64_t>()[i];
    if (handle == 0 || !addresses_.emplace(handle, byte_count_).second) continue;
    handles_.push_back(handle);
    byte_count_ += static_cast<int64_t>(ir::string_of(handle).size());
  }
}

Tensor StringTable::bytes() const {
  std::vector<uint8_t> all;
  for (const uint64_t handle : handles_) {
    const std::string& text = ir::string_of(handle);
    all.insert(all.end(), text.begin(), text.end());
  }
  return {DType::u8, {byte_count_}, std::move(all)};
}

void StringTable::place_at(int64_t address) {
  for (auto& [handle, position] : addresses_) position += address;
}

uint64_t StringTable::element(uint64_t handle) const {
  if (handle == 0) return 0;
  const uint64_t length = ir::string_of(handle).size();
  return length << 32 | static_cast<uint64_t>(addresses_.at(handle));
}

Tensor StringTable::table() const {
  const uint32_t slots = slots_for(static_cast<uint32_t>(handles_.size()));
  Tensor table(DType::u64, {slots});
  auto* elements = table.mutable_data<uint64_t>();
  for (const uint64_t handle : handles_) {
    const std::string& text = ir::string_of(handle);
    uint32_t slot = string_hash(text.data(), text.size()) & (slots - 1);
    while (elements[slot] != 0) slot = (slot + 1) & (slots - 1);
    elements[slot] = element(handle);
  }
  return table;
}

Tensor StringTable::in_module(const Tensor& strings) const {
  Tensor result(DType::u64, strings.dims());
  auto* elements = result.mutable_data<uint64_t>();
  for (int64_t i = 0; i < strings.count(); ++i) elements[i] = element(strings.data<uint64_t>()[i]);
  return result;
}

static_assert(sizeof(abi::String) == 8 && offsetof(abi::String, length) == 4);

}  // namespace o2w::package
