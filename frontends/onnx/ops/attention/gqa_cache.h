// The state of GroupQueryAttention: keys or values of earlier runs, [batch, heads, rows, head size], of which
// each batch entry uses as many rows as it has tokens. What differs between entries is conditions on indices.
#pragma once

#include "frontends/onnx/ops/attention/sdpa.h"

namespace o2w::onnx_frontend {

// How rows are stored.
struct CacheForm {
  int bits = 0;                // 0: as they are; 8: i8; 4: two to a byte, offset by 8, the first one lower
  ir::Value* scale = nullptr;  // [1], or [heads * head size]
  ir::Dim size;                // head size

  bool quantized() const { return bits != 0; }
};

// Lengths per batch entry. `longest` is the input total_sequence_length: the tokens of the entry that has
// most. A run with as many queries as that is the first one, whatever the state holds.
struct CacheLengths {
  ir::Dim batch, queries, fresh, longest;
  ir::Dim past;  // rows of the state given
  ir::Dim rows;  // rows of what is attended to
  int64_t window = -1;
  bool forgets = false;  // the state is a window: rows that no query will see again are dropped
  // All i32 [batch].
  ir::Value* total = nullptr;     // tokens after this run
  ir::Value* position = nullptr;  // of the first query: tokens before it
  ir::Value* before = nullptr;    // rows before the first query's own
  ir::Value* kept = nullptr;      // rows that come from the state given

  ir::Expr is_first() const { return eq(ir::Expr(queries), ir::Expr(longest)); }
  static ir::Expr at(ir::Body& body, ir::Value* lengths, const ir::Expr& batch);
  // Rows that there are for an entry: with those of this run.
  ir::Expr end(ir::Body& body, const ir::Expr& entry) const;
};

// From the inputs seqlens_k (tokens after this run, minus one) and total_sequence_length. A length outside of
// the state is a run-time error. `past` may be null; `window` is the attribute local_window_size.
CacheLengths cache_lengths(Lowering& l, const ir::Dim& queries, const ir::Dim& fresh, ir::Value* past,
                           int64_t window, bool forgets);

// What is kept of `past` (which may be null) and the rows of this run behind it, as stored; zeros follow.
ir::Value* cache_rows(Lowering& l, ir::Value* past, const Heads& fresh, const CacheLengths& n,
                      const CacheForm& form);
// The state after this run from these rows.
ir::Value* cache_after(Lowering& l, ir::Value* rows, const CacheLengths& n);
// Stored rows as numbers of `type`.
ir::Value* cache_numbers(Lowering& l, ir::Value* rows, const CacheForm& form, ir::DType type);

}  // namespace o2w::onnx_frontend
