#include "frontends/onnx/ops/run_time_axes.h"

#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using Indices = ir::Builder::Indices;

ir::Value* axis_mask(Lowering& l, ir::Value* axes, int rank) {
  l.expect_rank(axes, 0, 1, "the tensor of axes");
  if (axes->rank() == 0) axes = l.b().view(axes, {1});
  return l.b().reduce(Combiner::logical_or, DType::boolean, {rank}, {axes->shape[0]},
                      [&](ir::Body& body, Indices i) {
                        const Expr axis = ir::cast(DType::index, body.at(axes, {i[1]}));
                        return ir::eq(ir::checked_index(axis, rank), i[0]);
                      });
}

std::vector<Dim> unmasked_sizes(Lowering& l, const ir::Shape& shape, ir::Value* mask, int count) {
  const Dim rank = static_cast<int64_t>(shape.size());
  ir::Value* sizes = l.b().from_dims(shape);
  ir::Value* left =
      l.b().map(DType::i64, {mask}, [](std::span<const Expr> e) { return ir::cast(DType::i64, !e[0]); });
  ir::Value* place = l.b().cumulative(left, Combiner::sum, 0, /*exclusive=*/true, /*reverse=*/false);
  ir::Value* result =
      l.b().reduce(Combiner::sum, DType::i64, {count}, {rank}, [&](ir::Body& body, Indices i) {
        const Expr is_it =
            ir::eq(body.at(place, {i[1]}), ir::cast(DType::i64, i[0])) && !body.at(mask, {i[1]});
        return ir::select(is_it, body.at(sizes, {i[1]}), 0);
      });
  return l.b().bind(result, "size");
}

AroundAxis around_axis(Lowering& l, const ir::Shape& shape, ir::Value* axis) {
  const Dim rank = static_cast<int64_t>(shape.size());
  ir::Value* position = as_scalar(l, axis, "the axis");
  ir::Value* sizes = l.b().from_dims(shape);
  ir::Value* products = l.b().reduce(Combiner::prod, DType::i64, {3}, {rank}, [&](ir::Body& body, Indices i) {
    const Expr at = ir::checked_index(ir::cast(DType::index, body.at(position, {})), rank);
    const Expr part = ir::select(ir::lt(i[1], at), 0, ir::select(ir::eq(i[1], at), 1, 2));
    return ir::select(ir::eq(part, i[0]), body.at(sizes, {i[1]}), 1);
  });
  const std::vector<Dim> bound = l.b().bind(products, "part");
  return {bound[0], bound[1], bound[2]};
}

}  // namespace o2w::onnx_frontend
