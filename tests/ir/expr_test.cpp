#include "compiler/ir/expr.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compiler/ir/text.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

Dim sym(const char* name, int64_t lower = 0, int64_t upper = INT32_MAX) {
  return Dim::symbol(std::make_shared<const Symbol>(Symbol{name, lower, upper, true}));
}
const Expr x = read(0, DType::f32, {index_var(0)});
const Expr k = read(1, DType::i8, {index_var(0)});

TEST(Expr, UntypedNumbersTakeTheOtherSidesType) {
  EXPECT_EQ(to_text(x + 1), "add(read0:f32(i0), 1.0:f32)");
  EXPECT_EQ(to_text(k * 2), "mul(read1:i8(i0), 2:i8)");
  EXPECT_EQ(to_text(index_var(0) + 2), "add(i0, 2)");
  EXPECT_EQ(to_text(Expr(2) / Expr(4.0)), "0.5:f32");
  EXPECT_THROW(k + 0.5, InternalError);
  EXPECT_THROW(x + k, InternalError);
  EXPECT_THROW(x && x, InternalError);
  EXPECT_THROW(read(0, DType::f16, {}) + 1, InternalError);
}

TEST(Expr, FoldsExactlyAndOnlyThat) {
  EXPECT_EQ(to_text(literal_int(DType::i8, 127) + 1), "-128:i8");
  EXPECT_EQ(to_text(literal_int(DType::i32, 7) / literal_int(DType::i32, 0)), "0:i32");
  EXPECT_EQ(to_text(mod(literal_int(DType::i32, -7), 3)), "2:i32");
  EXPECT_EQ(to_text(literal_int(DType::u64, -1) / 2), "9223372036854775807:u64");
  EXPECT_EQ(to_text(cast(DType::u8, literal_float(DType::f32, 300))), "255:u8");
  EXPECT_EQ(to_text(cast(DType::i32, literal_float(DType::f32, NAN))), "0:i32");
  EXPECT_EQ(to_text(unary(ExprOp::exp, literal_float(DType::f32, 1))), "exp(1.0:f32)");
  EXPECT_EQ(to_text(x + 0.0), "add(read0:f32(i0), 0.0:f32)");  // -0.0 + 0.0 is 0.0
  EXPECT_TRUE(same(x * 1, x));
  EXPECT_TRUE(same(x - 0.0, x));
}

TEST(Expr, IndexArithmeticMeets) {
  const Expr i = index_var(0);
  const Dim n = sym("n", 1);
  EXPECT_EQ(to_text((i + 2) + 3), "add(i0, 5)");
  EXPECT_EQ(to_text((i - 2) + 2), "i0");
  EXPECT_EQ(to_text(i + Expr(n) - 1), "add(i0, dim(n + -1))");
  EXPECT_EQ(to_text(Expr(n) * Expr(n) - Expr(n * n)), "0");
  EXPECT_EQ(to_text(lt(Expr(n), Expr(n + Dim(1)))), "true");
  EXPECT_EQ(to_text(select(eq(Expr(n), 0), i, i + 1)), "add(i0, 1)");
  EXPECT_EQ(to_text(checked_index(-1, n)), "dim(n + -1)");
  EXPECT_EQ(to_text(checked_index(0, sym("m"))), "checked_index(0, m)");
  EXPECT_EQ(to_text(broadcast_index(i, 1)), "0");
}

TEST(Expr, RewriteSharesAndSubstitutes) {
  Expr e = x;
  for (int depth = 0; depth < 50; ++depth) e = e * e;
  int visits = 0;
  const Expr moved = rewrite(e, [&](const Expr& node) {
    ++visits;
    return is_index(node, 0) ? index_var(1) : node;
  });
  EXPECT_EQ(visits, 52);
  EXPECT_TRUE(uses_index(moved, 1));
  EXPECT_FALSE(uses_index(moved, 0));
  EXPECT_TRUE(same(substitute_indices(moved, {index_var(0), index_var(0)}), e));
  EXPECT_EQ(op_count(e), 50);
}

TEST(Expr, DeepChainsDoNotExhaustTheStack) {
  Expr a = x, b = x;
  for (int depth = 0; depth < 300000; ++depth) {
    a = unary(ExprOp::tanh, a);
    b = unary(ExprOp::tanh, b);
  }
  EXPECT_TRUE(same(a, b));
  EXPECT_EQ(op_count(a), 300000);
}

TEST(Expr, SubstitutesOnceWhereArgsVanish) {
  // i1 becomes i0; the sum that is left of i0 + 0 must not be taken for the i0 of before.
  const Expr moved = substitute_indices(index_var(1) + index_var(2), {Expr(7), index_var(0), Expr(0)});
  EXPECT_TRUE(is_index(moved, 0));
}

TEST(Expr, AffineForms) {
  const Dim n = sym("n");
  const std::optional<Affine> affine =
      as_affine((index_var(0) * Expr(n) + index_var(1)) * 2 - index_var(1) + 3);
  ASSERT_TRUE(affine.has_value());
  EXPECT_EQ(affine->base, Dim(3));
  EXPECT_EQ(affine->coefficients.at(0), Dim(2) * n);
  EXPECT_EQ(affine->coefficients.at(1), Dim(1));
  EXPECT_FALSE(as_affine(index_var(0) * index_var(1)).has_value());
}

}  // namespace
}  // namespace o2w::ir
