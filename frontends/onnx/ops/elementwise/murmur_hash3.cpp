// com.microsoft.MurmurHash3: the 32-bit hash of every element's four bytes.
#include "frontends/onnx/operator.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;

Expr word(uint32_t value) { return ir::literal_int(DType::u32, value); }
Expr exclusive_or(const Expr& a, const Expr& b) { return ir::binary(ExprOp::bitwise_xor, a, b); }
Expr shifted_right(const Expr& a, uint32_t by) { return ir::binary(ExprOp::shift_right, a, word(by)); }

Expr rotated_left(const Expr& a, uint32_t by) {
  return ir::binary(ExprOp::bitwise_or, ir::binary(ExprOp::shift_left, a, word(by)),
                    shifted_right(a, 32 - by));
}

// Austin Appleby's MurmurHash3_x86_32 (public domain) of one block.
Expr hash(const Expr& block, uint32_t seed) {
  const Expr k = rotated_left(block * word(0xcc9e2d51), 15) * word(0x1b873593);
  Expr h = rotated_left(exclusive_or(word(seed), k), 13) * word(5) + word(0xe6546b64);
  h = exclusive_or(h, word(4));  // the number of bytes
  h = exclusive_or(h, shifted_right(h, 16)) * word(0x85ebca6b);
  h = exclusive_or(h, shifted_right(h, 13)) * word(0xc2b2ae35);
  return exclusive_or(h, shifted_right(h, 16));
}

void lower_murmur_hash3(Lowering& l) {
  const int64_t seed = l.int_attribute("seed", 0);
  const DType type = l.int_attribute("positive", 1) != 0 ? DType::u32 : DType::i32;
  ir::Value* x = l.input(0);
  l.output(0, l.b().map(type, {x}, [&](std::span<const Expr> e) {
    return ir::cast(type, hash(ir::cast(DType::u32, e[0]), static_cast<uint32_t>(seed)));
  }));
}
const RegisterOperator murmur_hash3({.domain = "com.microsoft",
                                     .name = "MurmurHash3",
                                     .versions = {1},
                                     .limits = "no strings",
                                     .types = {{"T1", {DType::i32, DType::u32}}},
                                     .lower = lower_murmur_hash3});

}  // namespace
}  // namespace o2w::onnx_frontend
