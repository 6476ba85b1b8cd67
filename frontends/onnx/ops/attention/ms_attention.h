// What ONNX Runtime's attention operators (Attention, MultiHeadAttention and those of decoders) have in
// common: masks of keys, an additive bias, state from earlier runs.
#pragma once

#include "frontends/onnx/ops/attention/sdpa.h"

namespace o2w::onnx_frontend {

// A term to add to a score; null when there is none.
using ScoreTerm = std::function<ir::Expr(ir::Body&, const ScoreIndex&)>;

struct ScoreSizes {
  ir::Dim batch, heads, queries, keys;
  ir::Dim past;  // keys before that of the first query
};

// `filter` where a mask of integers hides a key, else 0. Its forms:
// [batch]                          the number of keys
// [2 * batch]                      the end of the keys, then their start (left padding); where `has_starts`
// [batch, keys]                    1 where a key is seen; [.., 1] has no effect
// [batch, queries, keys]           the same per query
// [batch, 1, longest, longest]     the same, rows and columns counted from the first key
ScoreTerm mask_term(Lowering& l, ir::Value* mask, const ScoreSizes& sizes, double filter, bool has_starts);

// A bias of shape [batch or 1, heads or 1, queries, keys].
ScoreTerm bias_term(Lowering& l, ir::Value* bias, const ScoreSizes& sizes);

// Sets a.logit to score + (bias + mask), in this order as ONNX Runtime adds them, and with `causal` a.visible
// to the keys up to the query's own; the last query sees all keys.
void apply_terms(Attention& a, const ScoreTerm& bias, const ScoreTerm& mask, bool causal,
                 const ScoreSizes& sizes);

// Keys or values of earlier runs, [batch, heads, positions, head size], and those of this run behind them.
struct Extended {
  Heads all;                     // what to attend to
  ir::Value* present = nullptr;  // all, with the heads first: the state after this run
};
// `past` may be null. With `used`, `past` is a buffer of which only that many positions count, and `present`
// is the buffer with the new positions written behind them.
Extended extend(Lowering& l, ir::Value* past, const Heads& fresh, const ir::Dim* used);

// With the heads first.
ir::Value* heads_first(Lowering& l, const Heads& x);

// 1 / sqrt(head size), unless the attribute `scale` says otherwise. The head size may be known only when the
// model runs: then the queries are scaled, and the result is 1.
double scale_queries(Lowering& l, Heads& q);

// The rest of self-attention, once there are queries, keys and values [batch, positions, heads, head size]:
// state, mask, causality, and the outputs 0 (of `type`) and 1. Attributes are those of the node.
struct SelfAttention {
  Heads q, k, v;
  ir::Value* past = nullptr;  // [2, batch, heads, positions, head size]
  ir::Value* mask = nullptr;
  ir::Value* bias = nullptr;   // of the scores
  int past_length_input = -1;  // number of the input that says how much of a shared buffer is used
  ir::DType type = ir::DType::f32;
};
void finish_self_attention(Lowering& l, const SelfAttention& given);

}  // namespace o2w::onnx_frontend
