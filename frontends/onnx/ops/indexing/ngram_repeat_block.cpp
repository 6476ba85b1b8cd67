// com.microsoft.NGramRepeatBlock: scores of tokens that would complete an n-gram for the second time become
// -inf.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

void lower(Lowering& l) {
  Value* ids = l.input(0);
  Value* scores = l.input(1);
  l.expect_rank(ids, 2, 2, "input_ids");
  l.expect_rank(scores, 2, 2, "scores");
  require_equal(l, ids->shape[0], scores->shape[0], "batch of input_ids and scores");
  const int64_t size = l.int_attribute("ngram_size");
  if (size < 1 || size > 64) l.fail("attribute ngram_size is {}, expected 1..64", size);
  const Dim length = ids->shape[1];
  // Every n-gram so far, which begins at i[1]: if all of it but the last token stands at the end of the text
  // too, its last token is blocked.
  const ir::Shape grams = {ids->shape[0], ir::max(length - Dim(size - 1), 0)};
  const auto token = [&](ir::Body& body, const Expr& row, const Expr& at) { return body.at(ids, {row, at}); };
  l.output(0,
           l.b().scatter(
               scores, ir::Combiner::none, grams,
               [&](ir::Body& body, ir::Builder::Indices i) {
                 const Expr last = ir::cast(DType::index, token(body, i[0], i[1] + Expr(size - 1)));
                 return std::vector<Expr>{i[0], ir::checked_index(last, scores->shape[1])};
               },
               [&](ir::Body&, ir::Builder::Indices) { return ir::lowest_of(ir::compute_type(scores->type)); },
               [&](ir::Body& body, ir::Builder::Indices i) {
                 Expr repeats = ir::literal_bool(true);
                 for (int64_t k = 0; k + 1 < size; ++k) {
                   const Expr at_end = token(body, i[0], Expr(length - Dim(size - 1)) + Expr(k));
                   repeats = repeats && eq(token(body, i[0], i[1] + Expr(k)), at_end);
                 }
                 return repeats;
               }));
}

const RegisterOperator ngram_repeat_block({.domain = "com.microsoft",
                                           .name = "NGramRepeatBlock",
                                           .versions = {1},
                                           .types = {{"Tid", kInt64, inputs(0)}, {"T", kFloats, inputs(1)}},
                                           .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
