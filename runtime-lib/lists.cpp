#include "runtime-lib/lists.h"

namespace o2w::runtime {

uint32_t list_count(uint32_t list) { return list ? at<const List>(list)->count : 0; }

const abi::ListElement& list_element(uint32_t list, uint32_t index) {
  return *at<const abi::ListElement>(at<const uint32_t>(at<const List>(list)->elements)[index]);
}

bool is_list(uint32_t handle) {
  if (handle == 0) return true;
  if (handle % 4 != 0 || !in_memory(handle, sizeof(List)) || at<const List>(handle)->magic != kListMagic)
    return false;
  return in_memory(at<const List>(handle)->elements, uint64_t{at<const List>(handle)->count} * 4);
}

}  // namespace o2w::runtime
