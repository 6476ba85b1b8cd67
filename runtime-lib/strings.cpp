#include "runtime-lib/strings.h"

#include "runtime-lib/allocator.h"
#include "runtime-lib/dims.h"
#include "runtime-lib/model.h"
#include "runtime-lib/run_region.h"
#include "runtime-lib/shape_text.h"
#include "runtime-lib/string_hash.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

// The run's strings that are no constants, as the model's table is: in the region, with which it goes.
struct Table {
  String* slots;
  uint32_t capacity, count;
};
Table table;

bool same(const String& text, const char* bytes, uint64_t length) {
  return text.length == length && __builtin_memcmp(bytes_of(text), bytes, length) == 0;
}

// The slot of the string, or the free one where it belongs. `capacity` is a power of two.
String* find(String* slots, uint32_t capacity, uint32_t hash, const char* bytes, uint64_t length) {
  for (uint32_t slot = hash & (capacity - 1);; slot = (slot + 1) & (capacity - 1)) {
    if (slots[slot].length == 0 || same(slots[slot], bytes, length)) return &slots[slot];
  }
}

bool grow() {
  const uint32_t capacity = slots_for(table.count < 32 ? 32 : 2 * table.count);
  const uint64_t bytes = capacity * uint64_t{sizeof(String)};
  auto* slots = static_cast<String*>(region_alloc(bytes));
  if (!slots) return false;
  __builtin_memset(slots, 0, bytes);
  for (uint32_t i = 0; i < table.capacity; ++i) {
    const String& text = table.slots[i];
    if (text.length == 0) continue;
    *find(slots, capacity, string_hash(bytes_of(text), text.length), bytes_of(text), text.length) = text;
  }
  table.slots = slots;
  table.capacity = capacity;
  return true;
}

uint64_t input_elements(const abi::PortSpec& port) {
  int64_t count = 1;
  for (uint32_t d = 0; d < port.rank; ++d) {
    const abi::DimSpec& dim = at<const abi::DimSpec>(port.dims)[d];
    count = multiply_saturating(count, evaluate(dim, at<int64_t>(o2w_model.symbol_values)));
  }
  return static_cast<uint64_t>(count);
}

// Interns what a host has written for an input; the host's array stays as it is, since the host may run with
// it again.
abi::Errno intern_input(const abi::PortSpec& port) {
  uint32_t& buffer = at<uint32_t>(o2w_model.pointer_table)[port.buffer];
  const auto* given = at<const String>(buffer);
  const uint64_t count = input_elements(port);
  auto* interned = static_cast<String*>(region_alloc(count * sizeof(String), abi::kAlignment));
  if (!interned) return abi::kTooLarge;
  for (uint64_t i = 0; i < count; ++i) {
    const String text = given[i];
    if (!in_memory(text.address, text.length)) {
      ErrorText() << "input \"" << at<const char>(port.name) << "\": element " << i << " is a string of "
                  << text.length << " bytes at address " << text.address << ", which lie outside memory";
      return abi::kInvalidArgument;
    }
    if (!intern(bytes_of(text), text.length, interned[i])) return abi::kTooLarge;
  }
  buffer = address_of(interned);
  return abi::kSuccess;
}

}  // namespace

bool intern(const char* bytes, uint64_t length, String& result) {
  if (length == 0) {
    result = {};
    return true;
  }
  if (length > UINT32_MAX) {
    out_of_memory("a string", length);
    return false;
  }
  const uint32_t hash = string_hash(bytes, length);
  if (o2w_model.string_slots) {
    const String* known = find(at<String>(o2w_model.strings), o2w_model.string_slots, hash, bytes, length);
    if (known->length) {
      result = *known;
      return true;
    }
  }
  if (2 * (table.count + 1) > table.capacity && !grow()) return false;
  String* slot = find(table.slots, table.capacity, hash, bytes, length);
  if (!slot->length) {
    void* copy = region_alloc(length, 1);
    if (!copy) return false;
    __builtin_memcpy(copy, bytes, length);
    *slot = {address_of(copy), static_cast<uint32_t>(length)};
    ++table.count;
  }
  result = *slot;
  return true;
}

TextBuffer::~TextBuffer() { release(address_); }

bool TextBuffer::append(const char* bytes, uint64_t length) {
  if (length_ + length > capacity_) {
    const uint64_t larger = 2 * (length_ + length) + 64;
    const uint32_t address = allocate(larger);
    if (!address) {
      out_of_memory("a string", larger);
      return false;
    }
    __builtin_memcpy(at<char>(address), at<const char>(address_), length_);
    release(address_);
    address_ = address;
    capacity_ = larger;
  }
  __builtin_memcpy(at<char>(address_) + length_, bytes, length);
  length_ += length;
  return true;
}

}  // namespace o2w::runtime

O2W_EXPORT int32_t o2w_begin_strings() {
  using namespace o2w::runtime;
  table = {};
  for (uint32_t i = 0; i < o2w_model.input_count; ++i) {
    const o2w::abi::PortSpec& port = input_spec(i);
    if (port.dtype != o2w::abi::kStringType) continue;
    if (const o2w::abi::Errno error = intern_input(port)) return error;
  }
  return o2w::abi::kSuccess;
}
