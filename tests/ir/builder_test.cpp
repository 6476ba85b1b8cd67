#include "compiler/ir/builder.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

class BuilderTest : public testing::Test {
 protected:
  Value* input(DType type, Shape shape) {
    Value* value = graph_.new_value(type, std::move(shape));
    graph_.inputs.push_back({"in", value});
    graph_.region.parameters.push_back(value);
    return value;
  }
  Dim size(const char* name, int64_t lower = 0, int64_t upper = INT32_MAX) {
    return Dim::symbol(graph_.new_symbol(name, lower, upper, true));
  }
  int requires_made() const {
    int count = 0;
    for_each_node(static_cast<const Region&>(graph_.region),
                  [&](const Node& node) { count += node.is<Require>(); });
    return count;
  }
  Value* sum(Value* a, Value* b) {
    return builder_.map(a->type, {a, b}, [](std::span<const Expr> e) { return e[0] + e[1]; });
  }
  void TearDown() override { verify(graph_, "a test"); }

  Graph graph_;
  Builder builder_{graph_};
};

TEST_F(BuilderTest, StaticShapesBroadcast) {
  Value* y = sum(input(DType::f32, {4, 1, 3}), input(DType::f32, {5, 1}));
  EXPECT_EQ(y->shape, (Shape{4, 5, 3}));
  EXPECT_EQ(requires_made(), 0);
  try {
    sum(input(DType::f32, {2, 3}), input(DType::f32, {4, 3}));
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("[2, 3] and [4, 3]"), std::string::npos) << error.what();
  }
}

TEST_F(BuilderTest, UnknownSizesBroadcastAtRunTime) {
  const Dim n = size("n"), m = size("m");
  Value* y = sum(input(DType::f32, {n}), input(DType::f32, {m}));
  EXPECT_EQ(y->shape[0], broadcast(n, m));
  EXPECT_EQ(requires_made(), 1);
  EXPECT_EQ(to_text(y->producer->as<Tabulate>()->body),
            "add(read0:f32(broadcast_index(i0, n)), read1:f32(broadcast_index(i0, m)))");
  // Known to be equal, or not 1: nothing to check or to ask.
  Value* z = sum(input(DType::f32, {n, size("k", 2)}), input(DType::f32, {n, 1}));
  EXPECT_EQ(requires_made(), 1);
  EXPECT_EQ(to_text(z->producer->as<Tabulate>()->body), "add(read0:f32(i0, i1), read1:f32(i0, 0))");
}

TEST_F(BuilderTest, NarrowTypesComputeInF32) {
  Value* x = input(DType::f16, {2});
  Value* y = builder_.map1(x, [](const Expr& e) { return unary(ExprOp::sqrt, e); });
  EXPECT_EQ(to_text(y->producer->as<Tabulate>()->body), "cast:f16(sqrt(cast:f32(read0:f16(i0))))");
  EXPECT_EQ(builder_.cast(y, DType::bf16)->type, DType::bf16);
}

TEST_F(BuilderTest, MatmulAlignsBatches) {
  const auto product = [&](Shape a, Shape b) {
    return builder_.matmul(input(DType::f32, std::move(a)), input(DType::f32, std::move(b)), DType::f32)
        ->shape;
  };
  EXPECT_EQ(product({2, 3}, {3, 4}), (Shape{2, 4}));
  EXPECT_EQ(product({3}, {3}), Shape{});
  EXPECT_EQ(product({3}, {5, 3, 4}), (Shape{5, 4}));
  EXPECT_EQ(product({5, 2, 3}, {3}), (Shape{5, 2}));
  EXPECT_EQ(product({7, 1, 2, 3}, {5, 3, 4}), (Shape{7, 5, 2, 4}));
  EXPECT_EQ(product({1, 2, 3}, {1, 3, 4}), (Shape{1, 2, 4}));
  const Dim n = size("n");
  EXPECT_EQ(product({n, 2, 3}, {n, 3, 4}), (Shape{n, 2, 4}));
  EXPECT_EQ(product({n, 2, 3}, {5, 3, 4}), (Shape{5, 2, 4}));
  EXPECT_THROW(product({2, 3}, {4, 4}), ModelError);
  EXPECT_THROW(product({}, {4, 4}), ModelError);
}

TEST_F(BuilderTest, ViewsCheckCounts) {
  const Dim n = size("n");
  Value* x = input(DType::f32, {n, 6});
  EXPECT_EQ(builder_.view(x, {n, 2, 3})->shape, (Shape{n, 2, 3}));
  EXPECT_EQ(requires_made(), 0);
  builder_.view(x, {size("m"), 6});
  EXPECT_EQ(requires_made(), 1);
  EXPECT_THROW(builder_.view(input(DType::f32, {4}), {5}), ModelError);
  EXPECT_THROW(builder_.squeeze(input(DType::f32, {4}), {0}), ModelError);
}

TEST_F(BuilderTest, ShapeArithmeticBecomesSizes) {
  // Shape -> Gather -> Div -> Concat, as exporters write a reshape.
  const Dim n = size("n", 1), w = size("w", 1);
  Value* shape = builder_.from_dims({n, Dim(2) * w, 3});
  ASSERT_TRUE(shape->contents.has_value());
  Value* second = builder_.slice(shape, {1}, {1}, {1});
  Value* half = builder_.map(DType::i64, {second, builder_.scalar(DType::i64, 2)},
                             [](std::span<const Expr> e) { return e[0] / e[1]; });
  Value* whole = builder_.concat(
      {builder_.slice(shape, {0}, {1}, {1}), half, builder_.constant(Tensor(DType::i64, {1}))}, 0);
  EXPECT_EQ(*whole->contents, (std::vector<Dim>{n, w, 0}));
  Value* product = builder_.reduce_axes(Combiner::prod, builder_.view(whole, {3, 1}), {0}, false);
  EXPECT_EQ(*product->contents, (std::vector<Dim>{0}));
  EXPECT_NE(constant_of(product), nullptr);
}

TEST_F(BuilderTest, BoundSizesAreSharedByLaterReaders) {
  Value* sizes = input(DType::i64, {2});
  const std::vector<Dim> first = builder_.bind(sizes, "size");
  EXPECT_EQ(builder_.bind(builder_.view(sizes, {2}), "again"), first);
  EXPECT_EQ(requires_made(), 0);
  builder_.bind(sizes, "small", 0, 10);
  EXPECT_EQ(requires_made(), 2);
  EXPECT_THROW(builder_.bind(input(DType::f32, {2}), "size"), ModelError);
}

TEST_F(BuilderTest, ExpandReadsThroughSizeOne) {
  const Dim n = size("n");
  EXPECT_EQ(builder_.expand(input(DType::f32, {1, 3}), {n, 2, 3})->shape, (Shape{n, 2, 3}));
  EXPECT_EQ(requires_made(), 0);
  builder_.expand(input(DType::f32, {n}), {4});
  EXPECT_EQ(requires_made(), 1);
  EXPECT_THROW(builder_.expand(input(DType::f32, {3}), {4}), ModelError);
}

TEST_F(BuilderTest, AbsurdSizesAreModelErrors) {
  const Dim big(int64_t{1} << 40);
  Value* x = input(DType::f32, {big, big});
  EXPECT_THROW(builder_.view(x, {big}), ModelError);
  EXPECT_THROW(builder_.tabulate(DType::string, {2}, [](Body&, Builder::Indices) { return Expr(1); }),
               std::exception);
}

}  // namespace
}  // namespace o2w::ir
