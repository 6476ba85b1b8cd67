#include "compiler/ir/dim.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

Dim sym(const char* name, int64_t lower = 0, int64_t upper = INT32_MAX) {
  return Dim::symbol(std::make_shared<const Symbol>(Symbol{name, lower, upper, true}));
}

TEST(Dim, SumsAndProductsAreCanonical) {
  const Dim a = sym("a"), b = sym("b");
  EXPECT_EQ(a + b, b + a);
  EXPECT_EQ((a + b) * (a - b), a * a - b * b);
  EXPECT_EQ(a - a, Dim(0));
  EXPECT_EQ((a * b * Dim(2)).to_string(), "2*a*b");
  EXPECT_EQ((Dim(2) * a - Dim(1)).to_string(), "2*a + -1");
  EXPECT_EQ((a + b).hash(), (b + a).hash());
}

TEST(Dim, QuotientsCancel) {
  const Dim w = sym("w"), a = sym("a"), b = sym("b");
  EXPECT_EQ(floordiv(Dim(4) * w, 4), w);
  EXPECT_EQ(floordiv(a * b, b), a);
  EXPECT_EQ(floordiv(Dim(2) * w + Dim(3), 2), w + Dim(1));
  EXPECT_EQ(floordiv(floordiv(w, 2), 2), floordiv(w, 4));
  EXPECT_EQ(floordiv(floordiv(w + Dim(1), 2) + Dim(1), 2), floordiv(w + Dim(3), 4));
  EXPECT_EQ(floordiv(Dim(6) * a, Dim(4) * b), floordiv(Dim(3) * a, Dim(2) * b));
  EXPECT_EQ(ceildiv(Dim(4) * w + Dim(1), 4), w + Dim(1));
  EXPECT_EQ(mod(Dim(4) * w, 4), Dim(0));
  EXPECT_EQ(mod(Dim(4) * w + Dim(5), 4), Dim(1));
  EXPECT_EQ(mod(a * b, b), Dim(0));
  EXPECT_EQ(*((a + b) * (a + Dim(3))).exact_div(a + b), a + Dim(3));
  EXPECT_FALSE((a + Dim(1)).exact_div(2).has_value());
}

TEST(Dim, BoundsDecideMinMaxAndBroadcast) {
  const Dim n = sym("n", 2, 10), m = sym("m"), one_to_four = sym("k", 1, 4);
  EXPECT_EQ(min(n, 20), n);
  EXPECT_EQ(max(n, one_to_four + Dim(20)), one_to_four + Dim(20));
  EXPECT_EQ(max(max(m, n), m), max(n, m));
  EXPECT_EQ(broadcast(m, m), m);
  EXPECT_EQ(broadcast(1, m), m);
  EXPECT_EQ(broadcast(n, m), n);
  EXPECT_EQ(broadcast(m, 5), Dim(5));
  EXPECT_EQ(broadcast(broadcast(m, one_to_four), m), broadcast(one_to_four, m));
  EXPECT_TRUE(provably_less_equal(floordiv(m, 2), m));
  EXPECT_TRUE(provably_less_equal(min(m, 3), 3));
  EXPECT_TRUE(provably_different(n, 1));
  EXPECT_FALSE(provably_different(m, 1));
  EXPECT_GE((m - floordiv(m, 2)).lower(), 0);
}

TEST(Dim, OverflowIsAModelError) {
  const Dim big(int64_t{1} << 62);
  EXPECT_THROW(big + big, ModelError);
  EXPECT_THROW(big * big, ModelError);
  EXPECT_THROW(floordiv(sym("w"), 0), ModelError);
  EXPECT_EQ(element_count({big, big, 0}), Dim(0));
}

TEST(Dim, SubstituteAndEvaluate) {
  const Dim w = sym("w"), h = sym("h");
  const Dim d = floordiv(w + Dim(3), 4) * h;
  EXPECT_EQ(d.evaluate({{"w", 9}, {"h", 2}}), 6);
  EXPECT_EQ(d.evaluate({{"w", 9}}), std::nullopt);
  EXPECT_EQ(floordiv(w, h).evaluate({{"w", 9}, {"h", 0}}), std::nullopt);
  EXPECT_EQ(d.substitute({{"w", Dim(4) * h}}), h * h);
  EXPECT_EQ(d.substitute({{"w", 1}, {"h", w}}), w);
  EXPECT_EQ(d.symbols().size(), 2u);
}

// An expression built twice: as a Dim, and as plain arithmetic at a point. Whatever the algebra makes of it,
// the value must be the same and lie within the bounds.
class RandomExpression {
 public:
  explicit RandomExpression(unsigned seed) : random_(seed) {
    for (const char* name : {"x", "y", "z"}) {
      const int64_t lower = pick(0, 3), upper = lower + pick(0, 12);
      symbols_.push_back(sym(name, lower, upper));
      values_[name] = pick(lower, upper);
    }
  }

  void check() {
    const auto [dim, value] = make(5);
    if (!value) return;
    EXPECT_EQ(dim.evaluate(values_), value) << dim.to_string();
    EXPECT_LE(dim.lower(), *value) << dim.to_string();
    EXPECT_GE(dim.upper(), *value) << dim.to_string();
    const auto [other, other_value] = make(3);
    if (!other_value) return;
    if (provably_equal(dim, other)) {
      EXPECT_EQ(*value, *other_value);
    }
    if (provably_different(dim, other)) {
      EXPECT_NE(*value, *other_value);
    }
    if (provably_less_equal(dim, other)) {
      EXPECT_LE(*value, *other_value);
    }
  }

 private:
  struct Both {
    Dim dim;
    std::optional<int64_t> value;
  };

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  }

  Both make(int depth) {
    if (depth == 0 || pick(0, 5) == 0) {
      if (pick(0, 2) == 0) {
        const int64_t value = pick(-6, 9);
        return {value, value};
      }
      const Dim& symbol = symbols_[static_cast<std::size_t>(pick(0, 2))];
      return {symbol, symbol.evaluate(values_)};
    }
    const Both a = make(depth - 1), b = make(depth - 1);
    if (!a.value || !b.value) return {0, std::nullopt};
    const int64_t x = *a.value, y = *b.value;
    switch (pick(0, 7)) {
      case 0:
        return {a.dim + b.dim, x + y};
      case 1:
        return {a.dim - b.dim, x - y};
      case 2:
        return {a.dim * b.dim, x * y};
      case 3:
        return y == 0 || b.dim.is(0) ? Both{0, std::nullopt} : Both{floordiv(a.dim, b.dim), floor_div(x, y)};
      case 4:
        return y == 0 || b.dim.is(0) ? Both{0, std::nullopt} : Both{ceildiv(a.dim, b.dim), -floor_div(-x, y)};
      case 5:
        return y == 0 || b.dim.is(0) ? Both{0, std::nullopt}
                                     : Both{mod(a.dim, b.dim), x - y * floor_div(x, y)};
      case 6:
        return {min(a.dim, b.dim), std::min(x, y)};
      default:
        return {max(a.dim, b.dim), std::max(x, y)};
    }
  }

  std::mt19937 random_;
  std::vector<Dim> symbols_;
  std::map<std::string, int64_t> values_;
};

// Products of unbounded sizes are beyond all bounds, so nothing is known of their difference.
TEST(Dim, UnboundedProductsAreNotProvablyDifferent) {
  const Dim a = sym("a"), b = sym("b"), c = sym("c"), d = sym("d"), e = sym("e");
  EXPECT_FALSE(provably_different(a * b * c * d, a * c * d * e * floordiv(b, e)));
  EXPECT_GE(floordiv(a, b).lower(), 0);
}

TEST(Dim, AlgebraAgreesWithArithmetic) {
  for (unsigned seed = 0; seed < 20000; ++seed) {
    SCOPED_TRACE(seed);
    RandomExpression(seed).check();
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace o2w::ir
