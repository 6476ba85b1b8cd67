// The routines on lists (runtime-lib/routines.h), on Tensors that hold lists.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "compiler/eval/routines.h"
#include "compiler/support/error.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::Tensor;

using Elements = std::vector<Tensor>;

const Elements& list(const RoutineCall& call) { return call.inputs.at(0)->elements(); }

std::size_t position(const Tensor& given, std::size_t count, std::size_t limit) {
  const int64_t wanted = given.as_int(0);
  const int64_t from_start = wanted < 0 ? wanted + static_cast<int64_t>(count) : wanted;
  if (from_start < 0 || from_start >= static_cast<int64_t>(limit)) {
    fail_model("position {} is outside of a sequence of {} elements", wanted, count);
  }
  return static_cast<std::size_t>(from_start);
}

const Tensor& element(const RoutineCall& call) {
  const Elements& elements = list(call);
  if (call.integer(0) != 0 && elements.empty()) fail_model("the optional has no element");
  return elements[position(*call.inputs.at(1), elements.size(), elements.size())];
}

Elements construct(const RoutineCall& call) {
  Elements elements;
  for (const Tensor* input : call.inputs) elements.push_back(*input);
  return {Tensor::of_list(std::move(elements))};
}

Elements insert(const RoutineCall& call) {
  Elements elements = list(call);
  const std::size_t count = elements.size();
  const std::size_t at = call.inputs.size() > 2 ? position(*call.inputs[2], count, count + 1) : count;
  elements.insert(elements.begin() + static_cast<std::ptrdiff_t>(at), *call.inputs.at(1));
  return {Tensor::of_list(std::move(elements))};
}

Elements erase(const RoutineCall& call) {
  Elements elements = list(call);
  const std::size_t count = elements.size();
  if (call.inputs.size() < 2 && count == 0) fail_model("nothing can be erased from an empty sequence");
  const std::size_t at = call.inputs.size() > 1 ? position(*call.inputs[1], count, count) : count - 1;
  elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(at));
  return {Tensor::of_list(std::move(elements))};
}

Elements length(const RoutineCall& call) {
  return {Tensor::scalar(DType::i64, static_cast<int64_t>(list(call).size()))};
}

Tensor of_sizes(const std::vector<int64_t>& sizes) {
  Tensor tensor(DType::i64, {static_cast<int64_t>(sizes.size())});
  for (std::size_t i = 0; i < sizes.size(); ++i) tensor.set_int(static_cast<int64_t>(i), sizes[i]);
  return tensor;
}

Elements dims(const RoutineCall& call) {
  const Tensor& found = element(call);
  if (found.type() == DType::list || found.rank() != call.output_sizes.at(0).at(0)) {
    fail_model("an element of a list has rank {}, but the model was made for elements of rank {}",
               found.rank(), call.output_sizes[0][0]);
  }
  return {of_sizes(found.dims())};
}

Elements get(const RoutineCall& call) {
  const Tensor& found = element(call);
  if (found.type() != call.output_types.at(0) || found.dims() != call.output_sizes.at(0)) {
    fail_model("an element of a list is not of the type and shape that the model was made for");
  }
  return {found};
}

// A tensor seen from one axis.
struct AxisView {
  AxisView(const std::vector<int64_t>& sizes, int64_t axis) {
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      (static_cast<int64_t>(d) < axis ? outer : static_cast<int64_t>(d) == axis ? along : inner) *= sizes[d];
    }
  }
  int64_t outer = 1, along = 1, inner = 1;
};

// Copies `count` positions along the axis, of all rows.
void copy_along(const Tensor& from, const AxisView& source, int64_t source_start, Tensor& to,
                const AxisView& target, int64_t target_start, int64_t count) {
  const int64_t row = source.inner * ir::byte_size(from.type());
  uint8_t* bytes = to.mutable_bytes();
  for (int64_t o = 0; o < source.outer; ++o) {
    std::copy_n(from.bytes() + (o * source.along + source_start) * row, count * row,
                bytes + (o * target.along + target_start) * row);
  }
}

std::vector<int64_t> sizes_of_parts(const RoutineCall& call, int64_t length) {
  std::vector<int64_t> sizes;
  if (call.inputs.size() > 1 && call.inputs[1]->rank() > 0) {
    int64_t sum = 0;
    for (int64_t i = 0; i < call.inputs[1]->count(); ++i) {
      sizes.push_back(call.inputs[1]->as_int(i));
      sum += sizes.back();
    }
    if (sum != length || std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size < 0; })) {
      fail_model("the sizes to split into must not be negative and add up to {}", length);
    }
    return sizes;
  }
  const int64_t chunk = call.inputs.size() > 1 ? call.inputs[1]->as_int(0) : 1;
  if (chunk < 1) fail_model("the size to split into is {}; it must be positive", chunk);
  for (int64_t start = 0; start < length; start += chunk) sizes.push_back(std::min(chunk, length - start));
  return sizes;
}

Elements split(const RoutineCall& call) {
  const Tensor& x = *call.inputs.at(0);
  const int64_t axis = call.integer(0);
  const AxisView source(x.dims(), axis);
  const bool keeps_axis = call.inputs.size() > 1 || call.integer(1) != 0;
  Elements parts;
  int64_t start = 0;
  for (const int64_t size : sizes_of_parts(call, source.along)) {
    std::vector<int64_t> sizes = x.dims();
    sizes[static_cast<std::size_t>(axis)] = size;
    Tensor part(x.type(), sizes);
    copy_along(x, source, start, part, AxisView(sizes, axis), 0, size);
    start += size;
    if (!keeps_axis) sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(axis));
    parts.push_back(part.reshaped(sizes));
  }
  return {Tensor::of_list(std::move(parts))};
}

Elements concat_dims(const RoutineCall& call) {
  const Elements& elements = list(call);
  const int64_t axis = call.integer(0);
  const bool new_axis = call.integer(1) != 0;
  if (elements.empty()) fail_model("an empty sequence cannot be concatenated");
  const int64_t rank = call.output_sizes.at(0).at(0) - (new_axis ? 1 : 0);
  std::vector<int64_t> sizes = elements.front().dims();
  int64_t along = 0;
  for (const Tensor& part : elements) {
    if (part.rank() != rank || part.type() != elements.front().type()) {
      fail_model("an element of a list has rank {}, but the model was made for elements of rank {}",
                 part.rank(), rank);
    }
    for (int64_t d = 0; d < rank; ++d) {
      const auto at = static_cast<std::size_t>(d);
      if ((new_axis || d != axis) && part.dims()[at] != sizes[at]) {
        fail_model("the elements of the sequence have shapes that cannot be concatenated");
      }
    }
    along += new_axis ? 1 : part.dims()[static_cast<std::size_t>(axis)];
  }
  if (new_axis) {
    sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(axis), along);
  } else {
    sizes[static_cast<std::size_t>(axis)] = along;
  }
  return {of_sizes(sizes)};
}

Elements concat(const RoutineCall& call) {
  const int64_t axis = call.integer(0);
  Tensor whole(call.output_types.at(0), call.output_sizes.at(0));
  const AxisView target(whole.dims(), axis);
  int64_t start = 0;
  for (const Tensor& part : list(call)) {
    std::vector<int64_t> sizes = part.dims();
    if (call.integer(1) != 0) sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    const AxisView source(sizes, axis);
    copy_along(part, source, 0, whole, target, start, source.along);
    start += source.along;
  }
  return {whole};
}

// Whether a list has the type that the integers from `level` on tell.
void check_type(const RoutineCall& call, const Tensor& given, std::size_t level) {
  const int64_t kind = call.integer(level), next = call.integer(level + 1);
  if (kind == -2 && given.elements().size() > 1) {
    fail_model("input {} has {} elements, an optional has at most one", call.integer(0),
               given.elements().size());
  }
  for (const Tensor& part : given.elements()) {
    const bool fits = next < 0 ? part.type() == DType::list : ir::onnx_code(part.type()) == next;
    if (!fits)
      fail_model("input {} holds {}, which is not of its type", call.integer(0), ir::user_name(part.type()));
    if (next < 0) check_type(call, part, level + 1);
  }
}

Elements input(const RoutineCall& call) {
  check_type(call, *call.inputs.at(0), 1);
  return {*call.inputs[0]};
}

const RegisterRoutine list_construct("list_construct", construct);
const RegisterRoutine list_insert("list_insert", insert);
const RegisterRoutine list_erase("list_erase", erase);
const RegisterRoutine list_length("list_length", length);
const RegisterRoutine list_dims("list_dims", dims);
const RegisterRoutine list_get("list_get", get);
const RegisterRoutine list_split("list_split", split);
const RegisterRoutine list_concat_dims("list_concat_dims", concat_dims);
const RegisterRoutine list_concat("list_concat", concat);
const RegisterRoutine list_input("list_input", input);

}  // namespace
}  // namespace o2w::eval
