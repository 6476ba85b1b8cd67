// StringConcat and StringSplit.
#include <limits>

#include "frontends/onnx/operator.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;

void lower_string_concat(Lowering& l) {
  ir::Builder& b = l.b();
  const ir::Shape shape =
      b.broadcast_shapes(l.input(0)->shape, l.input(1)->shape, "a concatenation of strings");
  l.output(0,
           b.opaque({.routine = "string_concat"}, {b.expand(l.input(0), shape), b.expand(l.input(1), shape)},
                    {{DType::string, shape}})[0]);
}
const RegisterOperator string_concat(
    {.name = "StringConcat", .versions = {20}, .types = {{"T", kStrings}}, .lower = lower_string_concat});

// Twice over the strings: the longest list of parts decides the shape.
void lower_string_split(Lowering& l) {
  ir::Builder& b = l.b();
  ir::Value* x = l.input(0);
  ir::Value* delimiter = b.constant(ir::Tensor::of_strings({1}, {l.string_attribute("delimiter", "")}));
  const std::vector<int64_t> ints = {l.int_attribute("maxsplit", std::numeric_limits<int64_t>::max())};
  ir::Value* counts =
      b.opaque({.routine = "string_split_count", .ints = ints}, {x, delimiter}, {{DType::i64, x->shape}})[0];
  ir::Value* most = b.reduce(ir::Combiner::max, DType::i64, {1}, {ir::element_count(x->shape)},
                             [flat = b.view(counts, {ir::element_count(x->shape)})](
                                 ir::Body& e, ir::Builder::Indices i) { return e.at(flat, {i[1]}); });
  // Of no strings, the longest list has no parts.
  most = b.map1(most, [](const Expr& e) { return ir::max(e, 0); });
  ir::Shape shape = x->shape;
  shape.push_back(l.sizes(most, "parts").front());
  l.output(0,
           b.opaque({.routine = "string_split", .ints = ints}, {x, delimiter}, {{DType::string, shape}})[0]);
  l.output(1, counts);
}
const RegisterOperator string_split(
    {.name = "StringSplit", .versions = {20}, .types = {{"T1", kStrings}}, .lower = lower_string_split});

}  // namespace
}  // namespace o2w::onnx_frontend
