// Products with constant matrices whose columns are quantized in blocks along the summed dimension: the
// weights stay packed in the module (runtime-lib/routines.h, blocks_product).
#pragma once

#include <functional>
#include <optional>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

struct BlockWeights {
  int64_t k = 0, n = 0, bits = 4, block = 0;
  // An unsigned number of `bits` bits, and the parameters of a block of a column.
  std::function<int(int64_t k, int64_t column)> number;
  std::function<double(int64_t block, int64_t column)> scale;
  std::function<double(int64_t block, int64_t column)> zero;
  bool float_zeros = false;  // zero points are not whole numbers of `bits` bits

  int64_t blocks() const { return (k + block - 1) / block; }
};

// a [.., k] (f32) times the weights, plus the bias [n] (f32) unless it is null.
ir::Value* blocks_product(Lowering& l, ir::Value* a, const BlockWeights& weights, ir::Value* bias,
                          const std::string& name);

// What a value is made of when a DequantizeLinear with blocks along dimension 0 made it, [k, n], of
// constants.
std::optional<BlockWeights> block_weights_of(const ir::Value* value);

}  // namespace o2w::onnx_frontend
