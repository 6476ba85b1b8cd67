#include "frontends/onnx/ops/attention/rotary.h"

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

Value* rows_at(Lowering& l, Value* cache, Value* positions) {
  l.expect_rank(cache, 2, 2, "a cache of cosines or sines");
  l.expect_rank(positions, 2, 2, "the positions");
  const ir::Shape shape = {positions->shape[0], positions->shape[1], cache->shape[1]};
  return l.b().tabulate(cache->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr row = ir::cast(DType::index, body.at(positions, {i[0], i[1]}));
    return body.at(cache, {ir::checked_index(row, cache->shape[0]), i[2]});
  });
}

Heads rotate(Lowering& l, const Heads& x, const Rotation& rotation) {
  ir::Builder& b = l.b();
  const DType type = ir::compute_type(x.value->type);
  l.expect_rank(rotation.cos, 3, 3, "the cosines");
  l.expect_rank(rotation.sin, 3, 3, "the sines");
  const Dim half = rotation.cos->shape[2];
  require_equal(l, rotation.sin->shape[2], half, "sizes of cosines and sines");
  for (Value* angles : {rotation.cos, rotation.sin}) {
    require_equal(l, angles->shape[1], x.positions(), "positions of the input and of the cosines and sines");
    l.b().require(ir::Require::Relation::broadcastable, angles->shape[0], x.batch(),
                  "the batch of the cosines and sines is neither 1 nor that of the input");
  }
  const Dim turned = half * 2, rest = x.size() - turned;
  if (!ir::provably_less_equal(0, rest)) {
    l.b().require(ir::Require::Relation::less_equal, turned, x.size(),
                  fmt::format("{} elements of a head are to be rotated, but it has {}", turned.to_string(),
                              x.size().to_string()));
  }
  const auto at = [](ir::Builder::Indices i, const Expr& last) {
    return std::vector<Expr>{i[0], i[1], i[2], last};
  };
  // The first (or even) members of all pairs, then the second (or odd) ones.
  const auto members = [&](bool second) {
    ir::Shape shape = x.value->shape;
    shape[3] = half;
    Value* part = b.tabulate(x.value->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const Expr p = x.heads_first ? i[2] : i[1];
      const auto angle = [&](Value* angles) {
        return ir::cast(type, body.at(angles, {ir::broadcast_index(i[0], angles->shape[0]), p, i[3]}));
      };
      const Expr first = body.at(x.value, at(i, rotation.interleaved ? i[3] * 2 : i[3]));
      const Expr other = body.at(x.value, at(i, rotation.interleaved ? i[3] * 2 + 1 : i[3] + Expr(half)));
      return second ? first * angle(rotation.sin) + other * angle(rotation.cos)
                    : first * angle(rotation.cos) - other * angle(rotation.sin);
    });
    return rotation.interleaved ? b.unsqueeze(part, {4}) : part;
  };
  ir::Shape shape = x.value->shape;
  shape[3] = turned;
  Value* both = b.concat({members(false), members(true)}, rotation.interleaved ? 4 : 3);
  std::vector<Value*> parts = {b.view(both, shape)};
  if (!rest.is(0)) {
    shape[3] = rest;
    parts.push_back(b.slice(x.value, {0, 0, 0, turned}, {1, 1, 1, 1}, shape));
  }
  Value* joined = b.concat(parts, 3);
  return {joined, x.heads_first};
}

}  // namespace o2w::onnx_frontend
