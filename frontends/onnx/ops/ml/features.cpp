// Features picked and put side by side: ArrayFeatureExtractor, FeatureVectorizer.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/ml/scores.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;
using Indices = ir::Builder::Indices;

// Elements of the last dimension at the given positions; a vector's result is a row.
void lower_array_feature_extractor(Lowering& l) {
  ir::Builder& b = l.b();
  Value* x = l.input(0);
  Value* positions = l.input(1);
  if (x->rank() == 0) l.fail("the input must have rank 1 or more, but is a scalar");
  const Dim count = ir::element_count(positions->shape);
  positions = b.view(positions, {count});
  if (x->rank() == 1) x = b.view(x, {1, x->shape[0]});
  const Dim features = x->shape.back();
  ir::Shape shape = x->shape;
  shape.back() = count;
  l.output(0, b.tabulate(x->type, shape, [&](ir::Body& body, Indices i) {
    std::vector<Expr> where(i.begin(), i.end());
    const Expr position = ir::cast(DType::index, body.at(positions, {where.back()}));
    where.back() = ir::checked_index(position, features);
    return body.at(x, where);
  }));
}
const RegisterOperator array_feature_extractor({.domain = "ai.onnx.ml",
                                                .name = "ArrayFeatureExtractor",
                                                .versions = {1},
                                                .types = {{"T", ml::kFeatures | kStrings, inputs(0)},
                                                          {"tensor(int64)", kInt64, inputs(1)}},
                                                .lower = lower_array_feature_extractor});

// `count` features of each row; those that are missing are zero.
Value* fitted(Lowering& l, Value* x, int64_t count) {
  ir::Builder& b = l.b();
  if (x->rank() == 0) l.fail("inputs must have rank 1 or more, but one is a scalar");
  const Dim rows = x->rank() == 1 ? Dim(1) : x->shape[0];
  const Dim have = ir::element_count(x->rank() == 1 ? x->shape : trailing(x->shape, 1));
  Value* flat = b.view(x, {rows, have});
  if (have.is(count)) return b.cast(flat, DType::f32);
  return b.tabulate(DType::f32, {rows, count}, [&](ir::Body& body, Indices i) {
    const Expr element = ir::cast(DType::f32, body.at(flat, {i[0], i[1]}));
    return ir::provably_less_equal(count, have) ? element
                                                : ir::select(ir::lt(i[1], have), element, Expr(0.0));
  });
}

void lower_feature_vectorizer(Lowering& l) {
  const std::vector<int64_t> counts = l.ints_attribute("inputdimensions", {});
  if (static_cast<int>(counts.size()) != l.input_count() || counts.empty()) {
    l.fail("inputdimensions has {} elements for {} inputs", counts.size(), l.input_count());
  }
  std::vector<Value*> parts;
  for (int i = 0; i < l.input_count(); ++i) {
    const int64_t count = counts[static_cast<std::size_t>(i)];
    if (count < 0) l.fail("inputdimensions holds {}", count);
    parts.push_back(fitted(l, l.input(i), count));
  }
  l.output(0, l.b().concat(parts, 1));
}
const RegisterOperator feature_vectorizer({.domain = "ai.onnx.ml",
                                           .name = "FeatureVectorizer",
                                           .versions = {1},
                                           .types = {{"T1", ml::kFeatures, inputs_from(0), kMixed}},
                                           .lower = lower_feature_vectorizer});

}  // namespace
}  // namespace o2w::onnx_frontend
