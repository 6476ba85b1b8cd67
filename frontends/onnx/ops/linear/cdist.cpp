// com.microsoft.CDist: distances between the rows of two matrices.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Expr;
using ir::Value;

void lower(Lowering& l) {
  Value* a = l.input(0);
  Value* b = l.input(1);
  l.expect_rank(a, 2, 2, "input A");
  l.expect_rank(b, 2, 2, "input B");
  require_equal(l, a->shape[1], b->shape[1], "columns of A and B");
  const std::string metric = l.string_attribute("metric", "sqeuclidean");
  if (metric != "sqeuclidean" && metric != "euclidean") {
    l.fail("attribute metric is '{}'; as in ONNX Runtime it must be euclidean or sqeuclidean", metric);
  }
  const ir::DType type = ir::compute_type(a->type);
  Value* squares = l.b().reduce(ir::Combiner::sum, type, {a->shape[0], b->shape[0]}, {a->shape[1]},
                                [&](ir::Body& body, ir::Builder::Indices i) {
                                  const Expr d = body.at(a, {i[0], i[2]}) - body.at(b, {i[1], i[2]});
                                  return d * d;
                                });
  l.output(0, l.b().map(a->type, {squares}, [&](std::span<const Expr> e) {
    return metric == "euclidean" ? ir::unary(ir::ExprOp::sqrt, e[0]) : e[0];
  }));
}

const RegisterOperator cdist({.domain = "com.microsoft",
                              .name = "CDist",
                              .versions = {1},
                              .limits = "metrics euclidean and sqeuclidean",
                              .types = {{"T", kFloats}},
                              .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
