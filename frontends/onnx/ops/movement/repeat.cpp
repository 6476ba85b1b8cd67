// Repeated elements: Expand and Tile.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;

void lower_expand(Lowering& l) {
  ir::Value* x = l.input(0);
  const ir::Shape asked = l.sizes(l.input(1), "size");
  for (const Dim& size : asked) {
    if (ir::provably_less_equal(size, -1)) l.fail("the shape {} holds a negative size", ir::to_string(asked));
  }
  l.output(0, l.b().expand(x, l.b().broadcast_shapes(x->shape, asked, "Expand")));
}
const RegisterOperator expand({.name = "Expand",
                               .versions = {8, 13},
                               .types = {{"T", kAny, inputs(0)}, {"shape", kInt64, inputs(1)}},
                               .lower = lower_expand});

// Version 1 repeats along one axis; since 6 there is a number for every axis.
std::vector<Dim> repeats(Lowering& l, int rank) {
  if (l.version() >= 6) {
    return sizes_input(l, 1, static_cast<std::size_t>(rank), "repeats");
  }
  std::vector<Dim> result(static_cast<std::size_t>(rank), 1);
  // Floats in version 1.
  const auto number = [&](int i) {
    const std::vector<Dim> one =
        l.sizes(l.b().cast(as_scalar(l, l.input(i), "an input"), ir::DType::i64), "tiles");
    return one.at(0);
  };
  const Dim axis = number(2);
  if (!axis.is_constant()) l.fail("the axis (input 2) must be constant");
  result[static_cast<std::size_t>(l.axis(axis.value(), rank))] = number(1);
  return result;
}

void lower_tile(Lowering& l) {
  ir::Value* x = l.input(0);
  const std::vector<Dim> times = repeats(l, x->rank());
  // A repeated dimension is broadcast over a new one before it, then both become one: no index needs a
  // remainder.
  ir::Shape parted, broadcast, result;
  for (std::size_t d = 0; d < times.size(); ++d) {
    if (ir::provably_less_equal(times[d], -1)) l.fail("repeat {} is negative", times[d].to_string());
    const Dim& size = x->shape[d];
    result.push_back(size * times[d]);
    if (!times[d].is(1) && !size.is(1)) {
      parted.emplace_back(1);
      broadcast.push_back(times[d]);
    }
    parted.push_back(size);
    broadcast.push_back(size.is(1) ? times[d] : size);
  }
  ir::Value* repeated = parted == x->shape ? x : l.b().view(x, parted);
  if (broadcast != parted) repeated = l.b().expand(repeated, broadcast);
  l.output(0, broadcast == result ? repeated : l.b().view(repeated, result));
}
const RegisterOperator tile({.name = "Tile",
                             .versions = {1, 6, 13},
                             .types = {{"T", kAny, inputs(0)}, {"T1", kNumeric, inputs(1, 2)}},
                             .lower = lower_tile});

}  // namespace
}  // namespace o2w::onnx_frontend
