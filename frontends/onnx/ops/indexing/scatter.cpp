// Writes at positions that a tensor gives.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/indexing/positions.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::Expr;
using ir::Shape;
using Relation = ir::Require::Relation;

std::ptrdiff_t offset(std::size_t i) { return static_cast<std::ptrdiff_t>(i); }

Combiner reduction(Lowering& l, ir::DType type) {
  const std::string name = l.string_attribute("reduction", "none");
  const bool boolean = type == ir::DType::boolean;
  if (name == "none") return Combiner::none;
  if (name == "add") return boolean ? Combiner::logical_or : Combiner::sum;
  if (name == "mul") return boolean ? Combiner::logical_and : Combiner::prod;
  if (name == "max") return boolean ? Combiner::logical_or : Combiner::max;
  if (name == "min") return boolean ? Combiner::logical_and : Combiner::min;
  l.fail("attribute 'reduction' is '{}'; ONNX knows none, add, mul, max and min", name);
}

void lower_scatter_elements(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* indices = l.input(1);
  ir::Value* updates = l.input(2);
  l.expect_rank(indices, x->rank(), x->rank(), "the tensor of indices");
  l.expect_rank(updates, x->rank(), x->rank(), "the tensor of updates");
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis", 0), x->rank()));
  for (std::size_t d = 0; d < x->shape.size(); ++d) {
    l.b().require(Relation::equal, updates->shape[d], indices->shape[d],
                  "updates and indices must have one shape");
    if (d != axis) {
      l.b().require(Relation::less_equal, indices->shape[d], x->shape[d],
                    "the indices must lie within the data");
    }
  }
  const Positions positions(l, indices, x->shape[axis]);
  l.output(
      0, l.b().scatter(
             x, reduction(l, x->type), indices->shape,
             [&](ir::Body& body, ir::Builder::Indices i) {
               std::vector<Expr> target(i.begin(), i.end());
               target[axis] = positions.at(body, target);
               return target;
             },
             [&](ir::Body& body, ir::Builder::Indices i) { return body.at(updates, {i.begin(), i.end()}); }));
}
const RegisterOperator scatter_elements[] = {
    RegisterOperator({.name = "ScatterElements",
                      .versions = {11, 13, 16, 18},
                      .types = {{"T", kAny, inputs(0, 2)}, {"Tind", kIndices, inputs(1)}},
                      .lower = lower_scatter_elements}),
    // The name until version 11.
    RegisterOperator({.name = "Scatter",
                      .versions = {9, 11},
                      .types = {{"T", kAny, inputs(0, 2)}, {"Tind", kIndices, inputs(1)}},
                      .lower = lower_scatter_elements}),
};

void lower_scatter_nd(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* indices = l.input(1);
  ir::Value* updates = l.input(2);
  l.expect_rank(indices, 1, 1 << 16, "the tensor of indices");
  // The ranks alone tell how many of the data's dimensions an index names.
  const std::size_t points = indices->shape.size() - 1;
  if (updates->shape.size() < points || updates->shape.size() > points + x->shape.size()) {
    l.fail("updates of shape {} do not fit indices of shape {} and data of shape {}",
           ir::to_string(updates->shape), ir::to_string(indices->shape), ir::to_string(x->shape));
  }
  const std::size_t depth = points + x->shape.size() - updates->shape.size();
  l.b().require(
      Relation::equal, indices->shape.back(), static_cast<int64_t>(depth),
      fmt::format("the last size of the indices must be {}, as the ranks of data and updates say", depth));
  Shape expected(indices->shape.begin(), indices->shape.end() - 1);
  expected.insert(expected.end(), x->shape.begin() + offset(depth), x->shape.end());
  l.expect_rank(updates, static_cast<int>(expected.size()), static_cast<int>(expected.size()),
                "the tensor of updates");
  for (std::size_t d = 0; d < expected.size(); ++d) {
    l.b().require(Relation::equal, updates->shape[d], expected[d],
                  fmt::format("the updates must have shape {}", ir::to_string(expected)));
  }
  l.output(
      0, l.b().scatter(
             x, reduction(l, x->type), expected,
             [&](ir::Body& body, ir::Builder::Indices i) {
               std::vector<Expr> target, point(i.begin(), i.begin() + offset(points));
               point.emplace_back();
               for (std::size_t k = 0; k < depth; ++k) {
                 point.back() = Expr(static_cast<int64_t>(k));
                 const Expr position = ir::cast(ir::DType::index, body.at(indices, point));
                 target.push_back(ir::checked_index(position, x->shape[k]));
               }
               target.insert(target.end(), i.begin() + offset(points), i.end());
               return target;
             },
             [&](ir::Body& body, ir::Builder::Indices i) { return body.at(updates, {i.begin(), i.end()}); }));
}
const RegisterOperator scatter_nd({.name = "ScatterND",
                                   .versions = {11, 13, 16, 18},
                                   .types = {{"T", kAny, inputs(0, 2)}, {"Tind", kIndices, inputs(1)}},
                                   .lower = lower_scatter_nd});

// Writes an update into a cache along an axis, from a position on that every batch element has of its own.
void lower_tensor_scatter(Lowering& l) {
  ir::Value* cache = l.input(0);
  ir::Value* update = l.input(1);
  l.expect_rank(update, cache->rank(), cache->rank(), "the update");
  const std::string mode = l.string_attribute("mode", "linear");
  if (mode != "linear" && mode != "circular")
    l.fail("attribute 'mode' is '{}'; ONNX knows linear and circular", mode);
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("axis", -2), cache->rank()));
  if (axis == 0) l.fail("attribute 'axis' must not be the batch dimension");
  ir::Value* starts = nullptr;
  if (l.optional_input(2)) {
    starts = l.input(2);
    l.expect_rank(starts, 1, 1, "the write indices");
    l.b().require(Relation::equal, starts->shape[0], cache->shape[0],
                  "there must be one write index for every batch element");
  }
  for (std::size_t d = 0; d < cache->shape.size(); ++d) {
    l.b().require(d == axis ? Relation::less_equal : Relation::equal, update->shape[d], cache->shape[d],
                  "the update must fit the cache");
  }
  l.output(
      0, l.b().scatter(
             cache, Combiner::none, update->shape,
             [&](ir::Body& body, ir::Builder::Indices i) {
               std::vector<Expr> target(i.begin(), i.end());
               if (starts) target[axis] = target[axis] + ir::cast(ir::DType::index, body.at(starts, {i[0]}));
               const ir::Dim& size = cache->shape[axis];
               target[axis] =
                   mode == "circular" ? ir::mod(target[axis], size) : ir::checked_index(target[axis], size);
               return target;
             },
             [&](ir::Body& body, ir::Builder::Indices i) { return body.at(update, {i.begin(), i.end()}); }));
}
const RegisterOperator tensor_scatter({.name = "TensorScatter",
                                       .versions = {24},
                                       .types = {{"T", kAny, inputs(0, 1)}, {"positions", kInt64, inputs(2)}},
                                       .lower = lower_tensor_scatter});

}  // namespace
}  // namespace o2w::onnx_frontend
