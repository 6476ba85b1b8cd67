// ArgMax and ArgMin: the position of the largest or smallest element along an axis; of the last one with
// select_last_index.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;

template <ir::Combiner combiner>
void lower_arg(Lowering& l) {
  ir::Value* x = l.input(0);
  // ONNX Runtime and exporters treat a scalar as a tensor of one element.
  if (x->rank() == 0) x = l.b().view(x, {1});
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis", 0), x->rank()));
  const bool keep_dims = l.int_attribute("keepdims", 1) != 0 && l.input(0)->rank() > 0;
  ir::Shape shape = x->shape;
  const ir::Dim extent = shape[axis];
  if (keep_dims) {
    shape[axis] = 1;
  } else {
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  l.b().require(ir::Require::Relation::less_equal, 1, extent, "the axis must not be empty");
  const auto make = [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position;
    for (std::size_t d = 0, kept = 0; d < x->shape.size(); ++d) {
      const bool reduced = d == axis;
      position.push_back(reduced ? i.back() : i[kept]);
      if (!reduced || keep_dims) ++kept;
    }
    return body.at(x, position);
  };
  const bool last = l.int_attribute("select_last_index", 0) != 0;
  l.output(0, l.b().reduce(combiner, ir::DType::i64, shape, {extent}, make, nullptr, last));
}

const RegisterOperator operators[] = {
    RegisterOperator({.name = "ArgMax",
                      .versions = {1, 11, 12, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_arg<ir::Combiner::arg_max>}),
    RegisterOperator({.name = "ArgMin",
                      .versions = {1, 11, 12, 13},
                      .types = {{"T", kNumeric}},
                      .lower = lower_arg<ir::Combiner::arg_min>}),
};

}  // namespace
}  // namespace o2w::onnx_frontend
