// Elements in another order: TopK, ReverseSequence.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using Relation = ir::Require::Relation;

// k is an attribute in version 1, an input from 10 on. Unsorted results (11) are sorted all the same.
void lower_top_k(Lowering& l) {
  ir::Value* x = l.input(0);
  const int axis = l.axis(l.int_attribute("axis", -1), x->rank());
  const Dim& size = x->shape[static_cast<std::size_t>(axis)];
  const std::vector<Dim> given =
      l.version() < 10 ? std::vector<Dim>{l.int_attribute("k")} : sizes_input(l, 1, 1, "k");
  if (ir::provably_less_equal(given[0], -1)) l.fail("k is {}", given[0].to_string());
  l.b().require(Relation::less_equal, given[0], size, "k must not exceed the size of the axis");
  const auto [values, positions] = l.b().sort(x, axis, given[0], l.int_attribute("largest", 1) != 0);
  l.output(0, values);
  l.output(1, positions);
}
const RegisterOperator top_k({.name = "TopK",
                              .versions = {1, 10, 11, 24},
                              .types = {{"T", kNumeric, inputs(0)}, {"k", kInt64, inputs(1)}},
                              .lower = lower_top_k});

// The first elements of every sequence, as many as its length says, back to front.
void lower_reverse_sequence(Lowering& l) {
  ir::Value* x = l.input(0);
  ir::Value* lengths = l.input(1);
  if (x->rank() < 2) l.fail("input 0 must have rank 2 or more, but has shape {}", ir::to_string(x->shape));
  l.expect_rank(lengths, 1, 1, "the sequence lengths");
  const auto batch = static_cast<std::size_t>(l.axis(l.int_attribute("batch_axis", 1), x->rank()));
  const auto time = static_cast<std::size_t>(l.axis(l.int_attribute("time_axis", 0), x->rank()));
  if (batch == time) l.fail("attributes 'batch_axis' and 'time_axis' name one axis");
  l.b().require(Relation::equal, lengths->shape[0], x->shape[batch],
                "there must be one length for every batch element");
  l.output(0, l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> position(i.begin(), i.end());
    const Expr length = ir::cast(DType::index, body.at(lengths, {i[batch]}));
    const Expr source = ir::select(ir::lt(i[time], length), length - 1 - i[time], i[time]);
    // Only a length above the size of the axis leads out of it.
    position[time] = ir::checked_index(source, x->shape[time]);
    return body.at(x, position);
  }));
}
const RegisterOperator reverse_sequence({.name = "ReverseSequence",
                                         .versions = {10},
                                         .types = {{"T", kAny, inputs(0)}, {"lengths", kInt64, inputs(1)}},
                                         .lower = lower_reverse_sequence});

}  // namespace
}  // namespace o2w::onnx_frontend
