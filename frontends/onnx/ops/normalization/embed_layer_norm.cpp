// com.microsoft EmbedLayerNormalization and QEmbedLayerNormalization: the sum of word, position and segment
// embeddings, normalized; the second one's tables and parameters are quantized.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/normalization/moments.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

// Row `id` of a table; one that does not exist is a run-time error (negative ones too).
Expr row_of(ir::Body& body, const QuantizedInput& table, const Expr& id, const Expr& column) {
  const Expr row = ir::cast(DType::index, id);
  const Dim& rows = table.x->shape[0];
  std::vector<Expr> place = {ir::checked_index(select(lt(row, 0), Expr(rows), row), rows), column};
  if (table.scale != nullptr) return real_at(body, table, std::move(place));
  return ir::cast(ir::compute_type(table.x->type), body.at(table.x, std::move(place)));
}

// Scales are the five inputs from number 8 on, zero points those from number 13 on.
void lower_with(Lowering& l, bool is_quantized) {
  ir::Builder& b = l.b();
  Value* ids = l.input(0);
  Value* segment_ids = l.optional_input(1);
  // The table, gamma or beta that is input `number`.
  const auto table_of = [&](int number) -> QuantizedInput {
    Value* x = number == 4 ? l.optional_input(4) : l.input(number);
    if (x == nullptr || !is_quantized) return {x, nullptr, nullptr};
    const int place = number - 2;
    return {x, l.input(8 + place), l.input(13 + place)};
  };
  const QuantizedInput words = table_of(2), places = table_of(3), segments = table_of(4);
  Value* mask = l.optional_input(7);
  Value* place_ids = is_quantized ? nullptr : l.optional_input(8);
  l.expect_rank(ids, 2, 2, "input_ids");
  const auto same_shape = [&](Value* given, const char* what) {
    l.expect_rank(given, 2, 2, what);
    for (const std::size_t d : {0, 1})
      require_equal(l, given->shape[d], ids->shape[d], std::string("shapes of input_ids and ") + what);
  };
  if ((segment_ids == nullptr) != (segments.x == nullptr)) {
    l.fail("segment_ids and segment_embedding must be given together");
  }
  if (segment_ids != nullptr) same_shape(segment_ids, "segment_ids");
  if (mask != nullptr) same_shape(mask, "mask");
  if (place_ids != nullptr) {
    l.expect_rank(place_ids, 2, 2, "position_ids");
    b.require(ir::Require::Relation::broadcastable, place_ids->shape[0], ids->shape[0],
              "the batch of position_ids is neither 1 nor that of input_ids");
    require_equal(l, place_ids->shape[1], ids->shape[1], "positions of position_ids and input_ids");
  }
  const Dim hidden = words.x->rank() == 2 ? words.x->shape[1] : Dim(0);
  for (Value* table : {words.x, places.x, segments.x}) {
    if (table == nullptr) continue;
    l.expect_rank(table, 2, 2, "an embedding");
    require_equal(l, table->shape[1], hidden, "sizes of the embeddings");
  }

  const DType type = is_quantized ? DType::f32 : words.x->type;
  const DType compute = ir::compute_type(type);
  const ir::Shape shape = {ids->shape[0], ids->shape[1], hidden};
  Value* sum = b.tabulate(compute, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr place = place_ids == nullptr
                           ? i[1]
                           : body.at(place_ids, {ir::broadcast_index(i[0], place_ids->shape[0]), i[1]});
    Expr e = row_of(body, words, body.at(ids, {i[0], i[1]}), i[2]) + row_of(body, places, place, i[2]);
    if (segments.x != nullptr) e = e + row_of(body, segments, body.at(segment_ids, {i[0], i[1]}), i[2]);
    return e;
  });
  const Moments m = moments(l, sum, {2});
  const double epsilon = l.float_attribute("epsilon", 1e-12);
  Value* inverse = b.map1(m.variance, [&](const Expr& e) { return inverse_root(e, epsilon); });
  const auto real = [&](int number) -> Value* {
    const QuantizedInput from = table_of(number);
    if (!is_quantized) return from.x;
    return b.tabulate(DType::f32, from.x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      return real_at(body, from, {i.begin(), i.end()});
    });
  };
  l.output(0, scale_and_shift(l, m.centered, inverse, real(5), real(6), type));
  if (l.wants_output(1)) {
    // The number of words: of ones in the mask; 0 where there is no mask.
    Value* counts =
        mask == nullptr
            ? b.tabulate(DType::i32, {ids->shape[0]},
                         [](ir::Body&, ir::Builder::Indices) { return ir::literal_int(DType::i32, 0); })
            : b.reduce_axes(ir::Combiner::sum, mask, {1}, false, [](const Expr& e) {
                return select(eq(e, 1), ir::literal_int(DType::i32, 1), ir::literal_int(DType::i32, 0));
              });
    l.output(1, counts);
  }
  if (!is_quantized && l.wants_output(2)) l.output(2, b.cast(sum, type));
}

void lower(Lowering& l) { lower_with(l, false); }
void lower_quantized(Lowering& l) { lower_with(l, true); }

const RegisterOperator embed({.domain = "com.microsoft",
                              .name = "EmbedLayerNormalization",
                              .versions = {1},
                              .types = {{"T1", {DType::i32}, inputs(0, 1, 7, 8)},
                                        {"T", kFloats, inputs(2, 3, 4, 5, 6)}},
                              .lower = lower});
const RegisterOperator quantized_embed({.domain = "com.microsoft",
                                        .name = "QEmbedLayerNormalization",
                                        .versions = {1},
                                        .types = {{"T1", {DType::i32}, inputs(0, 1, 7)},
                                                  {"T2", kBytes, inputs(2, 3, 4, 5, 6, 13, 14, 15, 16, 17)},
                                                  {"T", kFloat32, inputs(8, 9, 10, 11, 12)}},
                                        .lower = lower_quantized});

}  // namespace
}  // namespace o2w::onnx_frontend
