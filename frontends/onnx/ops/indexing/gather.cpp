// Reads at positions that a tensor gives. Negative positions count from the end; one out of range is a
// run-time error, or a compile-time one where the positions are constant.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/indexing/positions.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::Shape;
using Relation = ir::Require::Relation;

std::ptrdiff_t offset(std::size_t i) { return static_cast<std::ptrdiff_t>(i); }

void lower_gather(Lowering& l) {
  ir::Value* x = l.input(0);
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis", 0), x->rank()));
  const Positions positions(l, l.input(1), x->shape[axis]);
  const std::size_t count = positions.shape().size();
  Shape shape(x->shape.begin(), x->shape.begin() + offset(axis));
  shape.insert(shape.end(), positions.shape().begin(), positions.shape().end());
  shape.insert(shape.end(), x->shape.begin() + offset(axis) + 1, x->shape.end());
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position(i.begin(), i.begin() + offset(axis));
    position.push_back(positions.at(body, {i.begin() + offset(axis), i.begin() + offset(axis + count)}));
    position.insert(position.end(), i.begin() + offset(axis + count), i.end());
    return body.at(x, position);
  }));
}
const RegisterOperator gather({.name = "Gather",
                               .versions = {1, 11, 13},
                               .types = {{"T", kAny, inputs(0)}, {"Tind", kIndices, inputs(1)}},
                               .lower = lower_gather});

void lower_gather_elements(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* indices = l.input(1);
  l.expect_rank(indices, x->rank(), x->rank(), "the tensor of indices");
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis", 0), x->rank()));
  for (std::size_t d = 0; d < x->shape.size(); ++d) {
    if (d != axis) {
      l.b().require(Relation::less_equal, indices->shape[d], x->shape[d],
                    "the indices must lie within the data");
    }
  }
  const Positions positions(l, indices, x->shape[axis]);
  l.output(0, l.b().tabulate(x->type, indices->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position(i.begin(), i.end());
    position[axis] = positions.at(body, position);
    return body.at(x, position);
  }));
}
const RegisterOperator gather_elements({.name = "GatherElements",
                                        .versions = {11, 13},
                                        .types = {{"T", kAny, inputs(0)}, {"Tind", kIndices, inputs(1)}},
                                        .lower = lower_gather_elements});

void lower_gather_nd(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* indices = l.input(1);
  l.expect_rank(indices, 1, 1 << 16, "the tensor of indices");
  const int64_t batch_dims = l.int_attribute("batch_dims", 0);
  if (batch_dims < 0 || batch_dims >= std::min(x->rank() + 1, indices->rank())) {
    l.fail("attribute 'batch_dims' is {} for ranks {} and {}", batch_dims, x->rank(), indices->rank());
  }
  const auto batch = static_cast<std::size_t>(batch_dims);
  const auto depth = index_depth(l, indices->shape.back(), x->shape.size() - batch);
  Shape shape;
  for (std::size_t d = 0; d < batch; ++d) {
    l.b().require(Relation::equal, x->shape[d], indices->shape[d],
                  "the batch dimensions of data and indices must agree");
    shape.push_back(x->shape[d]);
  }
  shape.insert(shape.end(), indices->shape.begin() + offset(batch), indices->shape.end() - 1);
  const std::size_t points = shape.size();
  shape.insert(shape.end(), x->shape.begin() + offset(batch + depth), x->shape.end());
  l.output(0, l.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position(i.begin(), i.begin() + offset(batch));
    std::vector<Expr> point(i.begin(), i.begin() + offset(points));
    point.emplace_back();
    for (std::size_t k = 0; k < depth; ++k) {
      point.back() = Expr(static_cast<int64_t>(k));
      position.push_back(
          ir::checked_index(ir::cast(ir::DType::index, body.at(indices, point)), x->shape[batch + k]));
    }
    position.insert(position.end(), i.begin() + offset(points), i.end());
    return body.at(x, position);
  }));
}
const RegisterOperator gather_nd({.name = "GatherND",
                                  .versions = {11, 12, 13},
                                  .types = {{"T", kAny, inputs(0)}, {"Tind", kIndices, inputs(1)}},
                                  .lower = lower_gather_nd});
const RegisterOperator ms_gather_nd({.domain = "com.microsoft",
                                     .name = "GatherND",
                                     .versions = {1},
                                     .types = {{"T", kAny, inputs(0)}, {"Tind", kIndices, inputs(1)}},
                                     .lower = lower_gather_nd});

}  // namespace
}  // namespace o2w::onnx_frontend
