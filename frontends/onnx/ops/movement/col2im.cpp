// Col2Im: sums the columns that Im2Col would have cut out of an image back into it.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using Indices = ir::Builder::Indices;

// One number for each spatial dimension, at least `least`.
std::vector<int64_t> spatial(Lowering& l, const char* name, std::size_t count, int64_t otherwise,
                             int64_t least) {
  std::vector<int64_t> values = l.ints_attribute(name, std::vector<int64_t>(count, otherwise));
  if (values.size() != count)
    l.fail("attribute '{}' has {} entries, but {} are needed", name, values.size(), count);
  for (const int64_t value : values) {
    if (value < least || value > INT32_MAX) l.fail("attribute '{}' holds {}", name, value);
  }
  return values;
}

void lower_col2im(Lowering& l) {
  ir::Value* x = l.input(0);  // [batch, channels * block positions, blocks]
  l.expect_rank(x, 3, 3, "input 0");
  const std::vector<Dim> image = l.sizes(l.input(1), "image");
  const std::size_t rank = image.size();
  const std::vector<Dim> block = sizes_input(l, 2, rank, "block");
  const std::vector<int64_t> strides = spatial(l, "strides", rank, 1, 1);
  const std::vector<int64_t> dilations = spatial(l, "dilations", rank, 1, 1);
  const std::vector<int64_t> pads = spatial(l, "pads", 2 * rank, 0, 0);

  std::vector<Dim> blocks;  // number of blocks along each dimension
  for (std::size_t d = 0; d < rank; ++d) {
    const Dim reach = (block[d] - 1) * dilations[d] + 1;
    blocks.push_back(ir::max(ir::floordiv(image[d] + (pads[d] + pads[d + rank]) - reach, strides[d]) + 1, 0));
  }
  l.b().require(ir::Require::Relation::equal, x->shape[2], ir::element_count(blocks),
                "the last dimension must be the number of blocks");
  const Dim positions = ir::element_count(block);
  Dim channels = ir::floordiv(x->shape[1], positions);
  if (const auto exact = x->shape[1].exact_div(positions)) channels = *exact;
  l.b().require(ir::Require::Relation::equal, channels * positions, x->shape[1],
                "the number of channels must be divisible by the block's size");

  ir::Shape shape = {x->shape[0], channels};
  shape.insert(shape.end(), image.begin(), image.end());
  // At position k of a block, image position p belongs to the block that starts at p + pad - k * dilation, if
  // one does.
  const auto start = [&](Indices i, std::size_t d) {
    return i[2 + d] + pads[d] - i[2 + rank + d] * dilations[d];
  };
  l.output(0, l.b().reduce(
                  ir::Combiner::sum, x->type, shape, block,
                  [&](ir::Body& body, Indices i) {
                    Expr row = i[1], column = 0;
                    for (std::size_t d = 0; d < rank; ++d) {
                      row = row * block[d] + i[2 + rank + d];
                      column = column * blocks[d] + ir::floordiv(start(i, d), strides[d]);
                    }
                    return body.at(x, {i[0], row, column});
                  },
                  [&](ir::Body&, Indices i) {
                    Expr valid = ir::literal_bool(true);
                    for (std::size_t d = 0; d < rank; ++d) {
                      const Expr at = start(i, d);
                      valid = valid && ir::ge(at, 0) && ir::lt(at, blocks[d] * strides[d]);
                      if (strides[d] != 1) valid = valid && ir::eq(ir::mod(at, strides[d]), 0);
                    }
                    return valid;
                  }));
}
const RegisterOperator col2im({.name = "Col2Im",
                               .versions = {18},
                               .types = {{"T", kNumeric, inputs(0)}, {"sizes", kInt64, inputs(1, 2)}},
                               .lower = lower_col2im});

}  // namespace
}  // namespace o2w::onnx_frontend
