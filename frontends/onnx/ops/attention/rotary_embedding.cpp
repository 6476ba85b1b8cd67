// RotaryEmbedding of ONNX (23) and of com.microsoft, which differ in the order of their inputs and in what
// may be left out, and com.microsoft.MRotaryEmbedding.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/rotary.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

// One position per token, [batch, positions]; a single one is where the first token of all batches is.
Value* positions_of(Lowering& l, const Heads& x) {
  Value* given = l.input(1);
  l.expect_rank(given, 1, 2, "position_ids");
  if (given->rank() == 2) {
    require_equal(l, given->shape[0], x.batch(), "batch of position_ids and of the input");
    require_equal(l, given->shape[1], x.positions(), "positions of position_ids and of the input");
    return given;
  }
  require_equal(l, given->shape[0], 1, "elements of a position_ids of rank 1");
  return l.b().tabulate(DType::i64, {1, x.positions()}, [&](ir::Body& body, ir::Builder::Indices i) {
    return ir::cast(DType::i64, body.at(given, {Expr(0)})) + ir::cast(DType::i64, i[1]);
  });
}

// The input is [batch, positions, heads * head size] or [batch, heads, positions, head size].
void lower(Lowering& l) {
  Value* x = l.input(0);
  Value* cos = l.input(2);
  Value* sin = l.input(3);
  l.expect_rank(x, 3, 4, "the input");
  l.expect_rank(cos, 2, 2, "cos_cache");
  const int64_t heads = l.int_attribute("num_heads", 0), rotated = l.int_attribute("rotary_embedding_dim", 0);
  if (rotated > 0 && heads <= 0) l.fail("attribute num_heads must be given with rotary_embedding_dim");
  Heads parts{x, true};
  if (x->rank() == 3) {
    // Without num_heads the caches are as wide as half a head.
    const Dim count =
        heads > 0 ? Dim(heads)
                  : divide_exactly(l, x->shape[2], cos->shape[1] * 2, "hidden size by the caches' head size");
    parts = split_heads(l, x, count);
  }
  if (rotated > 0)
    require_equal(l, cos->shape[1] * 2, rotated, "twice the width of cos_cache and rotary_embedding_dim");
  Value* positions = positions_of(l, parts);
  const Rotation rotation{rows_at(l, cos, positions), rows_at(l, sin, positions),
                          l.int_attribute("interleaved", 0) != 0};
  l.output(0, l.b().view(rotate(l, parts, rotation).value, x->shape));
}

// ONNX: without position_ids the caches hold a row for every position of every batch entry.
void lower_onnx(Lowering& l) {
  Value* x = l.input(0);
  l.expect_rank(x, 3, 4, "X");
  Heads parts{x, true};
  if (x->rank() == 3) {
    const int64_t heads = l.int_attribute("num_heads");
    if (heads < 1) l.fail("num_heads is {}", heads);
    parts = split_heads(l, x, heads);
  }
  Rotation rotation{l.input(1), l.input(2), l.int_attribute("interleaved", 0) != 0};
  if (Value* positions = l.optional_input(3)) {
    l.expect_rank(positions, 2, 2, "position_ids");
    require_equal(l, positions->shape[0], parts.batch(), "batch of position_ids and X");
    rotation.cos = rows_at(l, rotation.cos, positions);
    rotation.sin = rows_at(l, rotation.sin, positions);
  }
  const int64_t part = l.int_attribute("rotary_embedding_dim", 0);
  require_equal(l, rotation.cos->shape.back() * 2, part > 0 ? Dim(part) : parts.size(),
                "twice the width of cos_cache and the elements of a head that are turned");
  l.output(0, l.b().view(rotate(l, parts, rotation).value, x->shape));
}

// A token has three positions, in time and in a picture; each column of the caches goes by one of them.
void lower_three_positions(Lowering& l) {
  Value* x = l.input(0);
  Value* positions = l.input(1);
  Value* cos = l.input(2);
  l.expect_rank(x, 3, 4, "the input");
  l.expect_rank(positions, 3, 3, "position_ids");
  l.expect_rank(cos, 2, 2, "cos_cache");
  l.expect_rank(l.input(3), 2, 2, "sin_cache");
  const int64_t heads = l.int_attribute("num_heads", 0);
  Heads parts{x, true};
  if (x->rank() == 3) {
    parts = split_heads(l, x,
                        heads > 0 ? Dim(heads)
                                  : divide_exactly(l, x->shape[2], cos->shape[1] * 2,
                                                   "hidden size by the caches' head size"));
  }
  require_equal(l, positions->shape[0], 3, "positions of a token");
  const std::vector<int64_t> sections = l.ints_attribute("mrope_section", {});
  if (sections.size() != 3) l.fail("attribute mrope_section has {} entries, expected 3", sections.size());
  int64_t columns = 0;
  for (const int64_t section : sections) {
    if (section < 0 || section > INT32_MAX) l.fail("attribute mrope_section has the entry {}", section);
    columns += section;
  }
  require_equal(l, cos->shape[1], columns, "columns of cos_cache and of mrope_section");
  const bool in_turn = l.int_attribute("mrope_layout", 0) == 1;
  const auto rows = [&](Value* cache) {
    const ir::Shape shape = {positions->shape[1], positions->shape[2], cache->shape[1]};
    return l.b().tabulate(cache->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
      const Expr turn = mod(i[2], Expr(3));
      const Expr second = in_turn ? eq(turn, 1) && lt(i[2], Expr(sections[1] * 3))
                                  : ge(i[2], Expr(sections[0])) && lt(i[2], Expr(sections[0] + sections[1]));
      const Expr third = in_turn ? eq(turn, 2) && lt(i[2], Expr(sections[2] * 3))
                                 : ge(i[2], Expr(sections[0] + sections[1]));
      const Expr which = select(second, Expr(1), select(third, Expr(2), Expr(0)));
      const Expr row = ir::cast(DType::index, body.at(positions, {which, i[0], i[1]}));
      return body.at(cache, {ir::checked_index(row, cache->shape[0]), i[2]});
    });
  };
  const Rotation rotation{rows(cos), rows(l.input(3)), l.int_attribute("interleaved", 0) != 0};
  l.output(0, l.b().view(rotate(l, parts, rotation).value, x->shape));
}

const RegisterOperator onnx_rotary({.name = "RotaryEmbedding",
                                    .versions = {23},
                                    .types = {{"T", kFloats, inputs(0, 1, 2)}, {"M", kInt64, inputs(3)}},
                                    .lower = lower_onnx});
const RegisterOperator rotary({.domain = "com.microsoft",
                               .name = "RotaryEmbedding",
                               .versions = {1},
                               .types = {{"T", kFloats, inputs(0, 2, 3)}, {"M", kInt64, inputs(1)}},
                               .lower = lower});
const RegisterOperator three_positions({.domain = "com.microsoft",
                                        .name = "MRotaryEmbedding",
                                        .versions = {1},
                                        .types = {{"T", kFloats, inputs(0, 2, 3)}, {"M", kInt64, inputs(1)}},
                                        .lower = lower_three_positions});

}  // namespace
}  // namespace o2w::onnx_frontend
