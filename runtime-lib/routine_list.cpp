// The routines on lists. Arguments that are lists are scalars of abi::kListType: the data are the handle.
#include "runtime-lib/lists.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/run_region.h"
#include "runtime-lib/shape_text.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {
namespace {

// The room that lists made from each other share. A list that ends where the used part ends grows into the
// rest in place: a loop that appends copies nothing.
struct Slots {
  uint32_t used, capacity;
};
uint32_t first_slot(uint32_t slots) { return slots + static_cast<uint32_t>(sizeof(Slots)); }
uint32_t* elements_of(uint32_t list) { return at<uint32_t>(at<List>(list)->elements); }

uint32_t handle_of(const abi::TensorArg& list) { return *at<const uint32_t>(list.data); }
abi::Errno give(const abi::TensorArg& out, uint32_t list) {
  *at<uint32_t>(out.data) = list;
  return list ? abi::kSuccess : abi::kTooLarge;
}

// A list with room for `count` elements, to be filled in, and for more behind them; 0 when memory is
// exhausted.
uint32_t new_list(uint32_t count) {
  const uint32_t capacity = count + count / 2 + 4;
  void* memory = region_alloc(sizeof(List) + sizeof(Slots) + uint64_t{capacity} * 4);
  if (!memory) return 0;
  const uint32_t address = address_of(memory);
  const uint32_t slots = address + static_cast<uint32_t>(sizeof(List));
  *at<Slots>(slots) = {count, capacity};
  *at<List>(address) = {kListMagic, count, first_slot(slots), slots};
  return address;
}

// Another list over slots that exist.
uint32_t new_view(uint32_t elements, uint32_t count, uint32_t slots) {
  void* memory = region_alloc(sizeof(List));
  if (!memory) return 0;
  *static_cast<List*>(memory) = {kListMagic, count, elements, slots};
  return address_of(memory);
}

// A new element whose data, of `bytes`, are to be filled in; 0 when memory is exhausted.
uint32_t new_element(uint32_t dtype, uint64_t bytes) {
  void* memory = region_alloc(sizeof(abi::ListElement) + bytes);
  if (!memory) return 0;
  auto* element = static_cast<abi::ListElement*>(memory);
  *element = {};
  element->dtype = dtype;
  element->data = address_of(memory) + static_cast<uint32_t>(sizeof(abi::ListElement));
  element->bytes = static_cast<uint32_t>(bytes);
  return address_of(memory);
}

uint64_t byte_count(const abi::TensorArg& tensor) {
  return element_count(tensor) * element_bytes(dtype_of(tensor));
}

// A copy of a tensor, or a list itself, as an element.
uint32_t element_from(const abi::TensorArg& value) {
  if (value.dtype == static_cast<int32_t>(abi::kListType)) {
    const uint32_t element = new_element(abi::kListType, 0);
    if (element) {
      at<abi::ListElement>(element)->data = handle_of(value);
      at<abi::ListElement>(element)->bytes = sizeof(uint32_t);
    }
    return element;
  }
  const uint64_t bytes = byte_count(value);
  const uint32_t address = new_element(static_cast<uint32_t>(value.dtype), bytes);
  if (!address) return 0;
  auto& element = *at<abi::ListElement>(address);
  element.rank = static_cast<uint32_t>(value.rank);
  for (int32_t d = 0; d < value.rank; ++d) element.dims[d] = value.dims[d];
  __builtin_memcpy(at<char>(element.data), at<const char>(value.data), bytes);
  return address;
}

// A position given as a scalar, counted from the end where negative. `limit`: the first that is too large.
bool find_position(const abi::TensorArg& given, uint32_t count, uint32_t limit, uint32_t& position) {
  const auto wanted = static_cast<int64_t>(load_element(given, 0));
  const int64_t from_start = wanted < 0 ? wanted + count : wanted;
  if (from_start < 0 || from_start >= limit) {
    ErrorText() << "position " << wanted << " is outside of a sequence of " << count
                << (count == 1 ? " element" : " elements");
    return false;
  }
  position = static_cast<uint32_t>(from_start);
  return true;
}

// The element that inputs (list, position) name; null, with a text, when there is none.
const abi::ListElement* find_element(const abi::TensorArg* args, bool of_optional) {
  const uint32_t list = handle_of(args[0]);
  const uint32_t count = list_count(list);
  if (of_optional && count == 0) {
    ErrorText() << "the optional has no element";
    return nullptr;
  }
  uint32_t position = 0;
  if (!find_position(args[1], count, count, position)) return nullptr;
  return &list_element(list, position);
}

abi::Errno unexpected(const abi::ListElement& element, const abi::TensorArg& wanted) {
  ErrorText() << "an element of a list is " << dtype_name(element.dtype) << Dims{element.dims, element.rank}
              << ", but the model was made for " << dtype_name(static_cast<uint32_t>(wanted.dtype))
              << Dims{wanted.dims, static_cast<uint32_t>(wanted.rank)};
  return abi::kRuntimeError;
}

abi::Errno unexpected_rank(const abi::ListElement& element, uint32_t rank) {
  ErrorText() << "an element of a list is " << dtype_name(element.dtype) << Dims{element.dims, element.rank}
              << ", but the model was made for elements of rank " << rank;
  return abi::kRuntimeError;
}

}  // namespace
}  // namespace o2w::runtime

using namespace o2w::runtime;
namespace abi = o2w::abi;

O2W_ROUTINE(list_construct) {
  const uint32_t list = new_list(inputs);
  if (!list) return abi::kTooLarge;
  for (uint32_t i = 0; i < inputs; ++i) {
    const uint32_t element = element_from(args[i]);
    if (!element) return abi::kTooLarge;
    elements_of(list)[i] = element;
  }
  return give(args[inputs], list);
}

O2W_ROUTINE(list_insert) {
  const uint32_t before = handle_of(args[0]);
  const uint32_t count = list_count(before);
  uint32_t position = count;
  if (inputs > 2 && !find_position(args[2], count, count + 1, position)) return abi::kRuntimeError;
  const uint32_t element = element_from(args[1]);
  if (!element) return abi::kTooLarge;
  const uint32_t slots = before ? at<List>(before)->slots : 0;
  if (slots && position == count && at<Slots>(slots)->used < at<Slots>(slots)->capacity &&
      at<List>(before)->elements + 4 * count == first_slot(slots) + 4 * at<Slots>(slots)->used) {
    const uint32_t list = new_view(at<List>(before)->elements, count + 1, slots);
    if (!list) return abi::kTooLarge;
    ++at<Slots>(slots)->used;
    elements_of(list)[count] = element;
    return give(args[inputs], list);
  }
  const uint32_t list = new_list(count + 1);
  if (!list) return abi::kTooLarge;
  uint32_t* to = elements_of(list);
  for (uint32_t i = 0; i < position; ++i) to[i] = elements_of(before)[i];
  to[position] = element;
  for (uint32_t i = position; i < count; ++i) to[i + 1] = elements_of(before)[i];
  return give(args[inputs], list);
}

O2W_ROUTINE(list_erase) {
  const uint32_t before = handle_of(args[0]);
  const uint32_t count = list_count(before);
  uint32_t position = count - 1;
  if (inputs > 1) {
    if (!find_position(args[1], count, count, position)) return abi::kRuntimeError;
  } else if (count == 0) {
    ErrorText() << "nothing can be erased from an empty sequence";
    return abi::kRuntimeError;
  }
  const List& from = *at<const List>(before);
  // The ends are left out by looking at less.
  if (position == 0) return give(args[inputs], new_view(from.elements + 4, count - 1, from.slots));
  if (position == count - 1) return give(args[inputs], new_view(from.elements, count - 1, from.slots));
  const uint32_t list = new_list(count - 1);
  if (!list) return abi::kTooLarge;
  uint32_t* to = elements_of(list);
  for (uint32_t i = 0; i < position; ++i) to[i] = elements_of(before)[i];
  for (uint32_t i = position + 1; i < count; ++i) to[i - 1] = elements_of(before)[i];
  return give(args[inputs], list);
}

O2W_ROUTINE(list_length) {
  *at<int64_t>(args[1].data) = list_count(handle_of(args[0]));
  return abi::kSuccess;
}

O2W_ROUTINE(list_dims) {
  const abi::ListElement* element = find_element(args, ints[0] != 0);
  if (!element) return abi::kRuntimeError;
  const auto rank = static_cast<uint32_t>(args[2].dims[0]);
  if (element->rank != rank || element->dtype == abi::kListType) return unexpected_rank(*element, rank);
  for (uint32_t d = 0; d < rank; ++d) at<int64_t>(args[2].data)[d] = element->dims[d];
  return abi::kSuccess;
}

O2W_ROUTINE(list_get) {
  const abi::ListElement* element = find_element(args, ints[0] != 0);
  if (!element) return abi::kRuntimeError;
  const abi::TensorArg& out = args[2];
  bool fits =
      element->dtype == static_cast<uint32_t>(out.dtype) && element->rank == static_cast<uint32_t>(out.rank);
  for (int32_t d = 0; fits && d < out.rank; ++d) fits = element->dims[d] == out.dims[d];
  if (!fits) return unexpected(*element, out);
  if (element->dtype == abi::kListType) {
    *at<uint32_t>(out.data) = element->data;
  } else {
    __builtin_memcpy(at<char>(out.data), at<const char>(element->data), element->bytes);
  }
  return abi::kSuccess;
}

O2W_ROUTINE(list_split) {
  const abi::TensorArg& x = args[0];
  const AxisView view(x, ints[0]);
  const bool keeps_axis = inputs > 1 || ints[1] != 0;
  const bool has_sizes = inputs > 1 && args[1].rank > 0;
  int64_t chunk = 1;
  uint64_t parts = view.length;
  if (has_sizes) {
    parts = element_count(args[1]);
    int64_t sum = 0;
    bool negative = false;
    for (uint64_t i = 0; i < parts; ++i) {
      const auto size = static_cast<int64_t>(load_element(args[1], i));
      negative = negative || size < 0;
      sum += size;
    }
    if (negative || sum != static_cast<int64_t>(view.length)) {
      ErrorText() << "the sizes to split into must not be negative and add up to " << view.length;
      return abi::kRuntimeError;
    }
  } else if (inputs > 1) {
    chunk = static_cast<int64_t>(load_element(args[1], 0));
    if (chunk < 1) {
      ErrorText() << "the size to split into is " << chunk << "; it must be positive";
      return abi::kRuntimeError;
    }
    parts = view.length == 0 ? 0 : (view.length - 1) / static_cast<uint64_t>(chunk) + 1;
  }
  const uint32_t list = new_list(static_cast<uint32_t>(parts));
  if (!list) return abi::kTooLarge;
  const uint64_t row = view.inner * element_bytes(dtype_of(x));
  uint64_t start = 0;
  for (uint64_t i = 0; i < parts; ++i) {
    const uint64_t rest = view.length - start;
    uint64_t size =
        has_sizes ? static_cast<uint64_t>(load_element(args[1], i)) : static_cast<uint64_t>(chunk);
    if (size > rest) size = rest;
    const uint32_t address = new_element(static_cast<uint32_t>(x.dtype), view.outer * size * row);
    if (!address) return abi::kTooLarge;
    auto& element = *at<abi::ListElement>(address);
    for (int32_t d = 0; d < x.rank; ++d) {
      if (d != ints[0]) {
        element.dims[element.rank++] = x.dims[d];
      } else if (keeps_axis) {
        element.dims[element.rank++] = static_cast<int32_t>(size);
      }
    }
    for (uint64_t o = 0; o < view.outer; ++o) {
      __builtin_memcpy(at<char>(element.data) + o * size * row,
                       at<const char>(x.data) + (o * view.length + start) * row, size * row);
    }
    elements_of(list)[i] = address;
    start += size;
  }
  return give(args[inputs], list);
}

// ints: axis (of the result), 1 for a new axis.
O2W_ROUTINE(list_concat_dims) {
  const uint32_t list = handle_of(args[0]);
  const uint32_t count = list_count(list);
  const int64_t axis = ints[0];
  const bool new_axis = ints[1] != 0;
  if (count == 0) {
    ErrorText() << "an empty sequence cannot be concatenated";
    return abi::kRuntimeError;
  }
  const auto rank = static_cast<uint32_t>(args[1].dims[0]) - (new_axis ? 1u : 0u);
  const abi::ListElement& first = list_element(list, 0);
  int64_t along = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const abi::ListElement& element = list_element(list, i);
    if (element.rank != rank || element.dtype != first.dtype) return unexpected_rank(element, rank);
    for (uint32_t d = 0; d < rank; ++d) {
      if ((!new_axis && d == axis) || element.dims[d] == first.dims[d]) continue;
      ErrorText() << "element " << i << " of the sequence has dims " << Dims{element.dims, rank}
                  << ", which cannot be concatenated with " << Dims{first.dims, rank};
      return abi::kRuntimeError;
    }
    along += new_axis ? 1 : element.dims[axis];
  }
  auto* dims = at<int64_t>(args[1].data);
  uint32_t from = 0;
  for (uint32_t d = 0; d < static_cast<uint32_t>(args[1].dims[0]); ++d) {
    if (new_axis && d == axis) continue;
    dims[d] = first.dims[from++];
  }
  dims[axis] = along;
  return abi::kSuccess;
}

// After list_concat_dims, whose result is the shape of the output.
O2W_ROUTINE(list_concat) {
  const uint32_t list = handle_of(args[0]);
  const uint32_t count = list_count(list);
  const abi::TensorArg& out = args[1];
  const AxisView view(out, ints[0]);
  const uint64_t row = view.inner * element_bytes(dtype_of(out));
  uint64_t start = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const abi::ListElement& element = list_element(list, i);
    if (element.dtype != static_cast<uint32_t>(out.dtype)) return unexpected(element, out);
    const uint64_t size = ints[1] ? 1 : static_cast<uint32_t>(element.dims[ints[0]]);
    for (uint64_t o = 0; o < view.outer; ++o) {
      __builtin_memcpy(at<char>(out.data) + (o * view.length + start) * row,
                       at<const char>(element.data) + o * size * row, size * row);
    }
    start += size;
  }
  return abi::kSuccess;
}

namespace {

// Whether a list has the type that `levels` tell: -1 a sequence, -2 an optional, and last an element type.
bool has_type(uint32_t list, const int64_t* levels) {
  const uint32_t count = list_count(list);
  if (levels[0] == -2 && count > 1) {
    ErrorText() << "has " << count << " elements, an optional has at most one";
    return false;
  }
  for (uint32_t i = 0; i < count; ++i) {
    const abi::ListElement& element = list_element(list, i);
    if (levels[1] < 0) {
      if (element.dtype == abi::kListType) {
        if (!has_type(element.data, levels + 1)) return false;
        continue;
      }
      ErrorText() << "element " << i << " is a tensor, expected a list";
      return false;
    }
    if (element.dtype == static_cast<uint32_t>(levels[1])) continue;
    ErrorText() << "element " << i << " is "
                << (element.dtype == abi::kListType ? "a list" : dtype_name(element.dtype)) << ", expected "
                << dtype_name(static_cast<uint32_t>(levels[1]));
    return false;
  }
  return true;
}

}  // namespace

// ints: number of the input, then its type as for has_type().
O2W_ROUTINE(list_input) {
  const uint32_t list = handle_of(args[0]);
  const char* name = at<const char>(at<const abi::PortSpec>(o2w_model.inputs)[ints[0]].name);
  if (list != 0 && !is_host_list(list)) {
    ErrorText() << "input \"" << name << "\": " << list << " is no list made by o2w_list_new";
    return abi::kInvalidArgument;
  }
  if (!has_type(list, ints + 1)) {
    prefix_error("input", name);
    return abi::kInvalidArgument;
  }
  *at<uint32_t>(args[1].data) = list;
  return abi::kSuccess;
}
