// Outputs whose size depends on data: NonZero and Compress.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;

void lower_non_zero(Lowering& l) {
  ir::Value* x = l.input(0);
  // A scalar counts as one row of one element.
  if (x->rank() == 0) x = l.b().view(x, {1});
  l.output(0, l.b().compact(l.b().cast(x, DType::boolean)));
}
const RegisterOperator non_zero(
    {.name = "NonZero", .versions = {9, 13}, .types = {{"T", kMovable}}, .lower = lower_non_zero});

// Keeps what the condition selects: slices along an axis or, without one, elements.
void lower_compress(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* condition = l.input(1);
  l.expect_rank(condition, 1, 1, "the condition");
  std::size_t axis = 0;
  if (l.has_attribute("axis")) {
    axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis"), x->rank()));
  } else {
    x = l.b().view(x, {ir::element_count(x->shape)});
  }
  // What a shorter condition does not reach is left out.
  l.b().require(ir::Require::Relation::less_equal, condition->shape[0], x->shape[axis],
                "the condition is longer than the axis");
  ir::Value* selected = l.b().compact(condition);
  ir::Shape shape = x->shape;
  shape[axis] = selected->shape[1];
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position(i.begin(), i.end());
    position[axis] = ir::cast(DType::index, body.at(selected, {0, i[axis]}));
    return body.at(x, position);
  }));
}
const RegisterOperator compress({.name = "Compress",
                                 .versions = {9, 11},
                                 .types = {{"T", kAny, inputs(0)}, {"T1", kBool, inputs(1)}},
                                 .lower = lower_compress});

}  // namespace
}  // namespace o2w::onnx_frontend
