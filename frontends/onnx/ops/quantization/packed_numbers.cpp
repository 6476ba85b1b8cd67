#include "frontends/onnx/ops/quantization/packed_numbers.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;

Expr packed_number(ir::Body& body, ir::Value* bytes, const Expr& row, const ir::Dim& row_bytes, const Expr& i,
                   int64_t bits) {
  const int64_t per_byte = 8 / bits;
  const Expr place = per_byte == 1 ? i : floordiv(i, Expr(per_byte));
  const Expr byte = ir::cast(DType::i32, body.at(bytes, {row * Expr(row_bytes) + place}));
  if (per_byte == 1) return byte;
  const Expr shift = ir::cast(DType::i32, mod(i, Expr(per_byte)) * Expr(bits));
  return ir::binary(ir::ExprOp::bitwise_and, ir::binary(ir::ExprOp::shift_right, byte, shift),
                    ir::literal_int(DType::i32, (1 << bits) - 1));
}

}  // namespace o2w::onnx_frontend
