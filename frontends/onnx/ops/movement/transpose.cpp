// Reordered dimensions: Transpose, DepthToSpace, SpaceToDepth.
#include <algorithm>
#include <numeric>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;

void lower_transpose(Lowering& l) {
  ir::Value* x = l.input(0);
  std::vector<int64_t> reversed(static_cast<std::size_t>(x->rank()));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const std::vector<int64_t> given = l.ints_attribute("perm", reversed);
  if (static_cast<int>(given.size()) != x->rank()) {
    l.fail("attribute 'perm' has {} entries for a tensor of rank {}", given.size(), x->rank());
  }
  l.axes(given, x->rank());  // rejects what is out of range or there twice
  std::vector<int> permutation;
  for (const int64_t axis : given) permutation.push_back(l.axis(axis, x->rank()));
  l.output(0, l.b().transpose(x, permutation));
}
const RegisterOperator transpose({.name = "Transpose",
                                  .versions = {1, 13, 21, 23, 24, 25},
                                  .types = {{"T", kAny}},
                                  .lower = lower_transpose});

int64_t block_size(Lowering& l) {
  const int64_t block = l.int_attribute("blocksize");
  if (block < 1 || block > (1 << 20)) l.fail("attribute 'blocksize' is {}", block);
  return block;
}

// size / divisor, which must leave no rest.
Dim divided(Lowering& l, const Dim& size, int64_t divisor, const char* what) {
  if (const auto exact = size.exact_div(divisor)) return *exact;
  const Dim quotient = ir::floordiv(size, divisor);
  l.b().require(ir::Require::Relation::equal, quotient * divisor, size,
                fmt::format("{} must be divisible by {}", what, divisor));
  return quotient;
}

void lower_depth_to_space(Lowering& l) {
  ir::Value* x = l.input(0);
  l.expect_rank(x, 4, 4, "input 0");
  const int64_t b = block_size(l);
  const std::string mode = l.string_attribute("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") l.fail("attribute 'mode' is '{}'; ONNX knows DCR and CRD", mode);
  const Dim &n = x->shape[0], &h = x->shape[2], &w = x->shape[3];
  const Dim c = divided(l, x->shape[1], b * b, "the number of channels");
  // Depth is (block row, block column, channel) in mode DCR, (channel, block row, block column) in mode CRD.
  const bool dcr = mode == "DCR";
  ir::Value* parts = l.b().view(x, dcr ? ir::Shape{n, b, b, c, h, w} : ir::Shape{n, c, b, b, h, w});
  ir::Value* moved =
      l.b().transpose(parts, dcr ? std::vector{0, 3, 4, 1, 5, 2} : std::vector{0, 1, 4, 2, 5, 3});
  l.output(0, l.b().view(moved, {n, c, h * b, w * b}));
}
const RegisterOperator depth_to_space(
    {.name = "DepthToSpace", .versions = {1, 11, 13}, .types = {{"T", kAny}}, .lower = lower_depth_to_space});

void lower_space_to_depth(Lowering& l) {
  ir::Value* x = l.input(0);
  l.expect_rank(x, 4, 4, "input 0");
  const int64_t b = block_size(l);
  const Dim &n = x->shape[0], &c = x->shape[1];
  const Dim h = divided(l, x->shape[2], b, "the height"), w = divided(l, x->shape[3], b, "the width");
  ir::Value* moved = l.b().transpose(l.b().view(x, {n, c, h, b, w, b}), {0, 3, 5, 1, 2, 4});
  l.output(0, l.b().view(moved, {n, c * (b * b), h, w}));
}
const RegisterOperator space_to_depth(
    {.name = "SpaceToDepth", .versions = {1, 13}, .types = {{"T", kAny}}, .lower = lower_space_to_depth});

}  // namespace
}  // namespace o2w::onnx_frontend
