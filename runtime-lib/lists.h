// Lists of tensors and lists: sequences and optionals at run time. A list is immutable; what a run makes lies
// in the run's region. In memory a value that is a list is its handle, a u32: the address of a List, or 0 for
// the empty list. Operations on lists are routines, see routines.h.
#pragma once

#include <stdint.h>

#include "runtime-lib/model_abi.h"
#include "runtime-lib/platform.h"

namespace o2w::runtime {

inline constexpr uint32_t kListMagic = 0x6c77326f;

struct List {
  uint32_t magic;
  uint32_t count;
  uint32_t elements;  // u32[count]: addresses of abi::ListElement
  uint32_t slots;     // of a run's list: the Slots that `elements` lie in; else 0
};

uint32_t list_count(uint32_t list);
const abi::ListElement& list_element(uint32_t list, uint32_t index);

// Whether the handle is 0 or can be read as a list. Nothing that a host passes may make us leave memory.
bool is_list(uint32_t handle);

// Lists that hosts make (list_abi.cpp).
bool is_host_list(uint32_t handle);

}  // namespace o2w::runtime
