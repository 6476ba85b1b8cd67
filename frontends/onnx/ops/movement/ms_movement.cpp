// com.microsoft.ExpandDims and UnfoldTensor.
#include "frontends/onnx/operator.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::Value;

// A dimension of 1 before `axis`, counted in the output.
void lower_expand_dims(Lowering& l) {
  Value* x = l.input(0);
  const std::vector<int64_t> axis = l.constant_ints(l.input(1), "the axis");
  if (axis.size() != 1) l.fail("the axis has {} entries, expected 1", axis.size());
  l.output(0, l.b().unsqueeze(x, {l.axis(axis[0], x->rank() + 1)}));
}
const RegisterOperator expand_dims({.domain = "com.microsoft",
                                    .name = "ExpandDims",
                                    .versions = {1},
                                    .types = {{"T", kMovable, inputs(0)},
                                              {"axis", {ir::DType::i32}, inputs(1)}},
                                    .lower = lower_expand_dims});

// Windows of `size` every `step` along a dimension; what is in a window comes last (torch's Tensor.unfold).
void lower_unfold(Lowering& l) {
  Value* x = l.input(0);
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("dim", -1), x->rank()));
  const int64_t size = l.int_attribute("size"), step = l.int_attribute("step", 1);
  if (size < 1 || step < 1 || size > INT32_MAX || step > INT32_MAX) {
    l.fail("attributes size and step are {} and {}, expected 1 or more", size, step);
  }
  l.b().require(ir::Require::Relation::less_equal, size, x->shape[axis],
                "the windows are longer than the dimension");
  ir::Shape shape = x->shape;
  shape[axis] = ir::floordiv(x->shape[axis] - Dim(size), step) + 1;
  shape.emplace_back(size);
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> from(i.begin(), i.end() - 1);
    from[axis] = i[axis] * Expr(step) + i.back();
    return body.at(x, from);
  }));
}
const RegisterOperator unfold({.domain = "com.microsoft",
                               .name = "UnfoldTensor",
                               .versions = {1},
                               .types = {{"T", kMovable}},
                               .lower = lower_unfold});

}  // namespace
}  // namespace o2w::onnx_frontend
