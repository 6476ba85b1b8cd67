// Lists in the plain ABI: how hosts make the lists that they give to a model and look into those that it
// gives back. Exported only by modules with such inputs or outputs.
#include "runtime-lib/allocator.h"
#include "runtime-lib/lists.h"
#include "runtime-lib/model.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

// A list that a host makes: on the heap, with elements on the heap, until the host frees it.
struct HostList {
  List list;
  uint32_t capacity;
  uint32_t next, previous;  // of the lists that the host has
};
uint32_t host_lists;

HostList* host_list_at(uint32_t handle) { return at<HostList>(handle); }

void enlist(uint32_t handle) {
  host_list_at(handle)->next = host_lists;
  host_list_at(handle)->previous = 0;
  if (host_lists) host_list_at(host_lists)->previous = handle;
  host_lists = handle;
}

void delist(uint32_t handle) {
  const HostList& list = *host_list_at(handle);
  if (list.next) host_list_at(list.next)->previous = list.previous;
  if (list.previous) {
    host_list_at(list.previous)->next = list.next;
  } else {
    host_lists = list.next;
  }
}

void destroy(uint32_t handle) {
  for (uint32_t i = 0; i < list_count(handle); ++i) {
    const abi::ListElement& element = list_element(handle, i);
    if (element.dtype == abi::kListType) destroy(element.data);
    release(address_of(&element));
  }
  release(host_list_at(handle)->list.elements);
  release(handle);
}

abi::Errno no_list(const char* function, uint32_t handle) {
  ErrorText() << function << ": " << handle << " is no list made by o2w_list_new";
  return abi::kInvalidArgument;
}

constexpr uint32_t kStringType = 8;

bool is_element_type(uint32_t dtype) {
  return dtype != abi::kListType && dtype <= 26 && dtype != kStringType;
}

// Room for one more element; false when memory is exhausted.
bool make_room(HostList& host) {
  if (host.list.count < host.capacity) return true;
  const uint32_t capacity = host.capacity ? 2 * host.capacity : 8;
  const uint32_t elements = allocate(uint64_t{capacity} * 4);
  if (!elements) {
    out_of_memory("a list", uint64_t{capacity} * 4);
    return false;
  }
  __builtin_memcpy(at<char>(elements), at<char>(host.list.elements), uint64_t{host.list.count} * 4);
  release(host.list.elements);
  host.list.elements = elements;
  host.capacity = capacity;
  return true;
}

// Adds an element with room for `bytes` of data behind it; null when memory is exhausted.
abi::ListElement* add_element(uint32_t handle, uint64_t bytes) {
  HostList& host = *host_list_at(handle);
  if (!make_room(host)) return nullptr;
  constexpr uint64_t kHeader = abi::kAlignment;
  const uint32_t address = allocate(kHeader + bytes);
  if (!address) {
    out_of_memory("an element of a list", bytes);
    return nullptr;
  }
  auto* element = at<abi::ListElement>(address);
  *element = {};
  element->data = address + static_cast<uint32_t>(kHeader);
  element->bytes = static_cast<uint32_t>(bytes);
  at<uint32_t>(host.list.elements)[host.list.count++] = address;
  return element;
}

}  // namespace

bool is_host_list(uint32_t handle) {
  for (uint32_t list = host_lists; list; list = host_list_at(list)->next) {
    if (list == handle) return true;
  }
  return false;
}

}  // namespace o2w::runtime

using namespace o2w::runtime;
namespace abi = o2w::abi;

// An empty list; 0 when memory is exhausted.
O2W_EXPORT uint32_t o2w_list_new() {
  const uint32_t handle = allocate(sizeof(HostList));
  if (!handle) {
    out_of_memory("a list", sizeof(HostList));
    return 0;
  }
  *host_list_at(handle) = {{kListMagic, 0, 0, 0}, 0, 0, 0};
  enlist(handle);
  return handle;
}

// Frees the list and its elements, lists among them too. What is no list of the host's is ignored.
O2W_EXPORT void o2w_list_free(uint32_t list) {
  if (!is_host_list(list)) return;
  delist(list);
  destroy(list);
}

// Appends a copy of a tensor.
O2W_EXPORT int32_t o2w_list_append(uint32_t list, uint32_t dtype, uint32_t rank, uint32_t dims,
                                   uint32_t data) {
  if (!is_host_list(list)) return no_list("o2w_list_append", list);
  if (!is_element_type(dtype)) {
    ErrorText() << "o2w_list_append: " << dtype << " is no element type that a list can hold";
    return abi::kInvalidArgument;
  }
  if (rank > abi::kMaxRank || !in_memory(dims, uint64_t{rank} * 4)) {
    ErrorText() << "o2w_list_append: " << rank << " dims at address " << dims << "; at most " << abi::kMaxRank
                << " are allowed, and they must lie in memory";
    return abi::kInvalidArgument;
  }
  int32_t sizes[abi::kMaxRank] = {};
  uint64_t bytes = element_bytes(static_cast<DType>(dtype));
  bool fits = true;
  for (uint32_t d = 0; d < rank; ++d) {
    sizes[d] = load_unaligned<int32_t>(dims + 4 * d);
    fits = fits && sizes[d] >= 0;
    if (fits) bytes *= static_cast<uint32_t>(sizes[d]);
    fits = fits && bytes <= UINT32_MAX;
  }
  if (!fits || !in_memory(data, bytes)) {
    ErrorText() << "o2w_list_append: the dims are negative or too large, or the data at address " << data
                << " lie outside of memory";
    return abi::kInvalidArgument;
  }
  abi::ListElement* element = add_element(list, bytes);
  if (!element) return abi::kTooLarge;
  element->dtype = dtype;
  element->rank = rank;
  __builtin_memcpy(element->dims, sizes, sizeof sizes);
  __builtin_memcpy(at<char>(element->data), at<const char>(data), bytes);
  return abi::kSuccess;
}

// Appends a list, which from now on belongs to the other and is freed with it.
O2W_EXPORT int32_t o2w_list_append_list(uint32_t list, uint32_t inner) {
  if (!is_host_list(list)) return no_list("o2w_list_append_list", list);
  if (!is_host_list(inner) || inner == list) return no_list("o2w_list_append_list", inner);
  abi::ListElement* element = add_element(list, 0);
  if (!element) return abi::kTooLarge;
  delist(inner);
  element->dtype = abi::kListType;
  element->data = inner;
  element->bytes = sizeof(uint32_t);
  return abi::kSuccess;
}

// Of any list: a host's, or one that a run left in an output.
O2W_EXPORT uint32_t o2w_list_length(uint32_t list) { return is_list(list) ? list_count(list) : 0; }

// Address of an abi::ListElement; 0 where there is none.
O2W_EXPORT uint32_t o2w_list_element(uint32_t list, uint32_t index) {
  if (!is_list(list) || index >= list_count(list)) {
    ErrorText() << "o2w_list_element: list " << list << " has no element " << index;
    return 0;
  }
  return address_of(&list_element(list, index));
}
