// com.microsoft MatMulBnb4: A times a matrix in the 4-bit floats of bitsandbytes, FP4 or NF4, with one
// largest magnitude per block of the flattened matrix [N, K]. Dettmers et al., "QLoRA" (2023), has the
// tables.
#include <array>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Tensor;
using ir::Value;

using Table = std::array<float, 16>;
constexpr Table kFp4 = {
    0.0F,  5.208333333e-03F,  0.66666667F,  1.0F,  0.33333333F,  0.5F,  0.16666667F,  0.25F,
    -0.0F, -5.208333333e-03F, -0.66666667F, -1.0F, -0.33333333F, -0.5F, -0.16666667F, -0.25F};
constexpr Table kNf4 = {-1.0F,
                        -0.6961928009986877F,
                        -0.5250730514526367F,
                        -0.39491748809814453F,
                        -0.28444138169288635F,
                        -0.18477343022823334F,
                        -0.09105003625154495F,
                        0.0F,
                        0.07958029955625534F,
                        0.16093020141124725F,
                        0.24611230194568634F,
                        0.33791524171829224F,
                        0.44070982933044434F,
                        0.5626170039176941F,
                        0.7229568362236023F,
                        1.0F};

void lower(Lowering& l) {
  Value* a = l.input(0);
  const int64_t k = l.int_attribute("K"), n = l.int_attribute("N"), block = l.int_attribute("block_size");
  const int64_t kind = l.int_attribute("quant_type");
  if (kind != 0 && kind != 1) l.fail("attribute quant_type is {}, expected 0 (FP4) or 1 (NF4)", kind);
  if (l.int_attribute("transB", 1) == 0) l.fail("attribute transB = 0 is not supported");
  if (k < 1 || n < 1 || block < 1 || k > INT32_MAX || n > INT32_MAX || block > INT32_MAX)
    l.fail("attributes K, N and block_size are {}, {} and {}", k, n, block);
  l.expect_rank(a, 1, 64, "input A");
  require_equal(l, a->shape.back(), k, "last size of A and attribute K");
  const int64_t bytes = (n * k + 1) / 2, blocks = (n * k + block - 1) / block;
  require_equal(l, ir::element_count(l.input(1)->shape), bytes, "bytes of B");
  require_equal(l, ir::element_count(l.input(2)->shape), blocks, "number of blocks");
  Value* packed = l.b().view(l.input(1), {bytes});
  Value* largest = l.b().view(l.input(2), {blocks});
  Tensor contents(DType::f32, {16});
  const Table& table = kind == 0 ? kFp4 : kNf4;
  std::copy(table.begin(), table.end(), contents.mutable_data<float>());
  Value* numbers = l.b().constant(std::move(contents));
  Value* weights = l.b().tabulate(DType::f32, {n, k}, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr flat = i[0] * Expr(k) + i[1];
    const Expr byte = ir::cast(DType::i32, body.at(packed, {floordiv(flat, Expr(2))}));
    // The first of two numbers is in the high bits.
    const Expr shift = ir::cast(DType::i32, (Expr(1) - mod(flat, Expr(2))) * Expr(4));
    const Expr number = ir::binary(ir::ExprOp::bitwise_and, ir::binary(ir::ExprOp::shift_right, byte, shift),
                                   ir::literal_int(DType::i32, 15));
    return body.at(numbers, {ir::cast(DType::index, number)}) *
           ir::cast(DType::f32, body.at(largest, {floordiv(flat, Expr(block))}));
  });
  Value* product = l.b().matmul(l.b().cast(a, DType::f32), l.b().transpose(weights, {1, 0}), DType::f32);
  l.output(0, l.b().cast(product, a->type));
}

constexpr TypeSet kSources{DType::f32, DType::f16, DType::bf16};
const RegisterOperator matmul_bnb4({.domain = "com.microsoft",
                                    .name = "MatMulBnb4",
                                    .versions = {1},
                                    .limits = "transB = 0 is not supported",
                                    .types = {{"T1", kSources, inputs(0, 2)}, {"T2", {DType::u8}, inputs(1)}},
                                    .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
