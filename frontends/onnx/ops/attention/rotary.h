// Rotary position embedding: pairs of a head's elements turned by an angle that depends on the position.
#pragma once

#include "frontends/onnx/ops/attention/sdpa.h"

namespace o2w::onnx_frontend {

struct Rotation {
  // [batch or 1, positions, half of the rotated elements], as rows_at gives them.
  ir::Value *cos = nullptr, *sin = nullptr;
  // True: elements 2j and 2j + 1 are a pair; false: j and j + half.
  bool interleaved = false;
};
// x turned, in x's type and layout. Elements behind the rotated ones stay as they are.
Heads rotate(Lowering& l, const Heads& x, const Rotation& rotation);

// The rows of a cache [rows, columns] at positions [batch, positions] (integers, any type). A position
// outside of the cache is a run-time error.
ir::Value* rows_at(Lowering& l, ir::Value* cache, ir::Value* positions);

}  // namespace o2w::onnx_frontend
