// Scaled dot-product attention, as every attention operator has it: softmax(logits(scale * q k^T)) v per
// head. What the operators differ in (masks, biases, caps, causality) is an expression over the indices of a
// score, so nothing of the size of the scores is made but the scores themselves.
#pragma once

#include <functional>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// A tensor of heads, in either of the two layouts that exporters use: both are read as they lie.
struct Heads {
  ir::Value* value = nullptr;
  // True: [batch, heads, positions, head size]; false: [batch, positions, heads, head size].
  bool heads_first = true;

  const ir::Dim& batch() const { return value->shape[0]; }
  const ir::Dim& heads() const { return value->shape[heads_first ? 1 : 2]; }
  const ir::Dim& positions() const { return value->shape[heads_first ? 2 : 1]; }
  const ir::Dim& size() const { return value->shape[3]; }
};
// [batch, positions, heads * head size] seen as heads, without moving anything; heads must divide the size.
Heads split_heads(Lowering& l, ir::Value* x, const ir::Dim& heads);

// The place of a score: all index expressions. `head` counts the query's heads.
struct ScoreIndex {
  ir::Expr batch, head, query, key;
};

struct Attention {
  Heads q, k, v;  // k and v have the same heads; their number divides q's (grouped queries)
  double scale = 1;
  // softmax's argument from the scaled product, which is of the compute type of q (f32 for f16): adds biases,
  // caps. Null: as it is.
  std::function<ir::Expr(ir::Body&, const ir::Expr& score, const ScoreIndex&)> logit;
  // The same for what only nodes express, on all logits or weights at once, [batch, heads, queries, keys]:
  // the result has that shape too, and any float type. Null: as they are.
  std::function<ir::Value*(ir::Value*)> rework_logits, rework_weights;
  // Which keys a query sees at all: others have weight 0, whatever their logit. Null: all.
  std::function<ir::Expr(ir::Body&, const ScoreIndex&)> visible;
  // One more logit per row, which takes part in the softmax and has no value (attention sinks, "smooth
  // softmax"). Null: none.
  std::function<ir::Expr(ir::Body&, const ir::Expr& head)> sink;
  // What a query that sees no key gets: NaN as 0 / 0 gives it, or 0.
  bool zero_where_nothing_visible = false;
  // The layout of the result, as Heads::heads_first.
  bool heads_first = true;
};

struct Attended {
  // [batch, heads, queries, value size] or [batch, queries, heads, value size], in the compute type.
  ir::Value* y = nullptr;
  // Of the steps before, [batch, heads, queries, keys] in the compute type, for operators that give them out.
  ir::Value* scores = nullptr;   // scale * q k^T
  ir::Value* logits = nullptr;   // softmax's argument; -inf where nothing is visible
  ir::Value* weights = nullptr;  // softmax's result
};
Attended attend(Lowering& l, const Attention& attention);

}  // namespace o2w::onnx_frontend
