// OneHot: one dimension more, in which the value stands at the position that the index names. An index out of
// range names none.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;

void lower_one_hot(Lowering& l) {
  ir::Value* indices = l.input(0);
  ir::Value* values = l.input(2);  // [off, on]
  l.expect_rank(values, 1, 1, "the values");
  l.b().require(ir::Require::Relation::equal, values->shape[0], 2,
                "the values (input 2) must be two: off and on");
  ir::Value* depth_value = l.b().cast(as_scalar(l, l.input(1), "the depth"), DType::i64);
  const ir::Dim depth = l.sizes(depth_value, "depth").at(0);
  if (ir::provably_less_equal(depth, -1)) l.fail("depth {} is negative", depth.to_string());
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis", -1), indices->rank() + 1));
  ir::Shape shape = indices->shape;
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  l.output(0, l.b().tabulate(values->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> where(i.begin(), i.end());
    where.erase(where.begin() + static_cast<std::ptrdiff_t>(axis));
    const Expr index = ir::cast(DType::i64, body.at(indices, where));
    const Expr position = ir::select(ir::lt(index, 0), index + ir::cast(DType::i64, Expr(depth)), index);
    return ir::select(ir::eq(position, ir::cast(DType::i64, i[axis])), body.at(values, {1}),
                      body.at(values, {0}));
  }));
}
const RegisterOperator one_hot(
    {.name = "OneHot",
     .versions = {9, 11},
     .types = {{"T1", kNumeric, inputs(0)}, {"T2", kNumeric, inputs(1)}, {"T3", kAny, inputs(2)}},
     .lower = lower_one_hot});

}  // namespace
}  // namespace o2w::onnx_frontend
