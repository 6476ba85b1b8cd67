// Tensors put together along an axis and taken apart.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;

void lower_concat(Lowering& l) {
  std::vector<ir::Value*> parts;
  for (int i = 0; i < std::max(l.input_count(), 1); ++i) {
    parts.push_back(l.input(i));
    l.expect_rank(parts.back(), parts[0]->rank(), parts[0]->rank(), "every input (as input 0)");
  }
  // Only version 1 has a default.
  const int64_t axis = l.version() < 4 ? l.int_attribute("axis", 1) : l.int_attribute("axis");
  const int normal = l.axis(axis, parts[0]->rank());
  l.output(0, parts.size() == 1 ? parts[0] : l.b().concat(parts, normal));
}
const RegisterOperator concat(
    {.name = "Concat", .versions = {1, 4, 11, 13}, .types = {{"T", kAny}}, .lower = lower_concat});

// Sizes of the parts where the node says them: as an attribute or as an input.
std::optional<std::vector<Dim>> given_sizes(Lowering& l) {
  const bool as_input = l.version() == 1 || l.version() >= 13;
  if (as_input && l.optional_input(1)) {
    return sizes_input(l, 1, static_cast<std::size_t>(l.output_count()), "part");
  }
  if (l.version() >= 13 || !l.has_attribute("split")) return std::nullopt;
  std::vector<Dim> sizes;
  for (const int64_t size : l.ints_attribute("split", {})) sizes.emplace_back(size);
  return sizes;
}

// Equal ones, the last of which may be smaller from version 18 on.
std::vector<Dim> equal_sizes(Lowering& l, const Dim& whole) {
  const int64_t count = l.int_attribute("num_outputs", l.output_count());
  if (count < 1 || count > l.output_count()) {
    l.fail("attribute 'num_outputs' is {}, but the node has {} outputs", count, l.output_count());
  }
  if (const auto equal = whole.exact_div(count))
    return std::vector<Dim>(static_cast<std::size_t>(count), *equal);
  if (l.version() < 18 && whole.is_constant()) {
    l.fail("size {} cannot be split into {} equal parts", whole.to_string(), count);
  }
  const Dim part = ir::ceildiv(whole, count);
  std::vector<Dim> sizes;
  Dim start = 0;
  for (int64_t k = 0; k < count; ++k) {
    sizes.push_back(ir::max(ir::min(part, whole - start), 0));
    start += part;
  }
  if (l.version() < 18) {
    l.b().require(ir::Require::Relation::equal, part * count, whole,
                  fmt::format("Split needs {} equal parts", count));
  }
  return sizes;
}

void lower_split(Lowering& l) {
  ir::Value* x = l.input(0);
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis", 0), x->rank()));
  const Dim& whole = x->shape[axis];
  const std::optional<std::vector<Dim>> given = given_sizes(l);
  const std::vector<Dim> sizes = given ? *given : equal_sizes(l, whole);
  if (static_cast<int>(sizes.size()) < l.output_count()) {
    l.fail("{} sizes are given for {} outputs", sizes.size(), l.output_count());
  }
  if (given) {
    Dim sum = 0;
    for (const Dim& size : sizes) {
      if (ir::provably_less_equal(size, -1)) l.fail("a part has the negative size {}", size.to_string());
      sum += size;
    }
    l.b().require(ir::Require::Relation::equal, sum, whole,
                  "the parts' sizes must sum up to the size of the axis");
  }
  std::vector<Dim> starts(x->shape.size(), 0);
  const std::vector<int64_t> steps(x->shape.size(), 1);
  for (int k = 0; k < l.output_count(); ++k) {
    ir::Shape shape = x->shape;
    shape[axis] = sizes[static_cast<std::size_t>(k)];
    if (l.wants_output(k)) l.output(k, shape == x->shape ? x : l.b().slice(x, starts, steps, shape));
    starts[axis] += shape[axis];
  }
}
const RegisterOperator split({.name = "Split",
                              .versions = {1, 2, 11, 13, 18},
                              .types = {{"T", kAny, inputs(0)}, {"split", kInt64, inputs(1)}},
                              .lower = lower_split});

}  // namespace
}  // namespace o2w::onnx_frontend
