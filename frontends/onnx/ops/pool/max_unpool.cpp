// MaxUnpool: puts values back where MaxPool found them, zeros elsewhere.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/common/window.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

// The size that MaxPool's input must have had, where the node does not say.
ir::Shape unpooled_shape(Lowering& l, const Value* x) {
  const int spatial = x->rank() - 2;
  if (!l.has_attribute("kernel_shape")) l.fail("attribute kernel_shape is missing");
  const auto kernel = spatial_attribute(l, "kernel_shape", spatial);
  const auto strides = spatial_attribute(l, "strides", spatial);
  const auto pads = l.ints_attribute("pads", std::vector<int64_t>(static_cast<std::size_t>(2 * spatial), 0));
  if (static_cast<int>(pads.size()) != 2 * spatial) {
    l.fail("attribute pads has {} entries, expected {}", pads.size(), 2 * spatial);
  }
  ir::Shape shape = leading(x->shape, 2);
  for (int d = 0; d < spatial; ++d) {
    const auto k = static_cast<std::size_t>(d);
    const Dim size = (x->shape[k + 2] - 1) * Dim(strides[k]) + Dim(kernel[k]) - Dim(pads[k]) -
                     Dim(pads[k + static_cast<std::size_t>(spatial)]);
    if (!ir::provably_less_equal(0, size)) {
      l.b().require(ir::Require::Relation::less_equal, 0, size, "the padding leaves no output");
    }
    shape.push_back(size);
  }
  return shape;
}

void lower(Lowering& l) {
  Value* x = l.input(0);
  Value* indices = l.input(1);
  l.expect_rank(x, 3, 64, "input X");
  l.expect_rank(indices, x->rank(), x->rank(), "input I");
  for (std::size_t d = 0; d < x->shape.size(); ++d)
    require_equal(l, x->shape[d], indices->shape[d], "sizes of X and I");
  // The indices count in the tensor that the attributes describe, also where output_shape asks for a larger
  // one (as in ONNX's test data and PyTorch's export).
  const ir::Shape inner = unpooled_shape(l, x);
  ir::Shape shape = inner;
  if (Value* wanted = l.optional_input(2)) {
    if (!wanted->shape.empty() && !wanted->shape[0].is_constant()) {
      require_equal(l, wanted->shape[0], x->rank(), "the size of output_shape and the rank of X");
      wanted = l.b().slice(wanted, {0}, {1}, {x->rank()});
    }
    shape = l.sizes(wanted, "unpooled");
    if (shape.size() != inner.size()) {
      l.fail("output_shape has {} entries, expected {} (the rank of X)", shape.size(), inner.size());
    }
  }
  Value* zeros = l.b().tabulate(x->type, shape, [&](ir::Body&, ir::Builder::Indices) {
    return ir::literal_of(ir::compute_type(x->type), 0);
  });
  l.output(0, l.b().scatter(
                  zeros, ir::Combiner::none, x->shape,
                  [&](ir::Body& body, ir::Builder::Indices i) {
                    Expr rest = ir::cast(DType::index, body.at(indices, {i.begin(), i.end()}));
                    std::vector<Expr> target(shape.size());
                    for (std::size_t d = shape.size(); d-- > 0;) {
                      const Expr size(inner[d]);
                      target[d] = ir::checked_index(d == 0 ? rest : mod(rest, size), shape[d]);
                      rest = floordiv(rest, size);
                    }
                    return target;
                  },
                  [&](ir::Body& body, ir::Builder::Indices i) { return body.at(x, {i.begin(), i.end()}); }));
}

const RegisterOperator max_unpool({.name = "MaxUnpool",
                                   .versions = {9, 11, 22},
                                   .types = {{"T1", kFloats, inputs(0)}, {"T2", kInt64, inputs(1, 2)}},
                                   .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
