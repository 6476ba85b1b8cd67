// Shapes that meet: broadcasting, run-time checks, sizes as values.
#include <algorithm>
#include <optional>
#include <utility>

#include "compiler/ir/builder.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

bool may_be_one(const Dim& dim) { return dim.lower() <= 1 && dim.upper() >= 1; }

bool provably_holds(Require::Relation relation, const Dim& a, const Dim& b) {
  switch (relation) {
    case Require::Relation::equal:
      return provably_equal(a, b);
    case Require::Relation::broadcastable:
      return a.is(1) || b.is(1) || provably_equal(a, b);
    case Require::Relation::less_equal:
      return provably_less_equal(a, b);
  }
  return false;
}

bool provably_fails(Require::Relation relation, const Dim& a, const Dim& b) {
  switch (relation) {
    case Require::Relation::equal:
      return provably_different(a, b);
    case Require::Relation::broadcastable:
      return !may_be_one(a) && !may_be_one(b) && provably_different(a, b);
    case Require::Relation::less_equal:
      return provably_less_equal(b + Dim(1), a);
  }
  return false;
}

// More than any size; its square still fits.
constexpr int64_t kNoBound = int64_t{1} << 31;

bool is_moderate(int64_t value) { return value > -kNoBound && value < kNoBound; }

// An input symbol, and bounds for it.
struct Bounds {
  SymbolRef symbol;
  int64_t lower = -kNoBound, upper = kNoBound;
};

// Bounds equivalent to 0 <= dim, where dim is c * symbol + k or a quotient of such by a positive constant,
// plus a constant.
std::optional<Bounds> bounds_of_nonnegative(const Dim& dim) {
  if (dim.terms().empty() || dim.terms().size() > 2) return std::nullopt;
  const DimTerm& term = dim.terms().front();
  if (term.factors.size() != 1) return std::nullopt;
  int64_t constant = 0;
  if (dim.terms().size() == 2) {
    if (!dim.terms().back().factors.empty()) return std::nullopt;
    constant = dim.terms().back().coefficient;
  }
  // The factor is at least ceil(-constant / coefficient), or at most floor(constant / -coefficient).
  const int64_t coefficient = term.coefficient;
  if (!is_moderate(coefficient) || !is_moderate(constant)) return std::nullopt;
  const bool at_least = coefficient > 0;
  const int64_t bound = at_least ? ceildiv(Dim(-constant), Dim(coefficient)).value()
                                 : floordiv(Dim(constant), Dim(-coefficient)).value();
  const Atom& factor = *term.factors.front();
  if (factor.symbol != nullptr) {
    if (!factor.symbol->from_input) return std::nullopt;
    Bounds bounds{factor.symbol};
    (at_least ? bounds.lower : bounds.upper) = bound;
    return bounds;
  }
  const std::optional<int64_t> divisor = factor.op == DimOp::floordiv ? factor.b.constant() : std::nullopt;
  if (!divisor || *divisor <= 0 || *divisor >= kNoBound) return std::nullopt;
  // floor(x / d) >= n is x >= d n; floor(x / d) <= n is x <= d n + d - 1.
  return at_least ? bounds_of_nonnegative(factor.a - Dim(bound) * Dim(*divisor))
                  : bounds_of_nonnegative(Dim(bound) * Dim(*divisor) + Dim(*divisor - 1) - factor.a);
}

}  // namespace

bool Builder::narrow(Require::Relation relation, const Dim& a, const Dim& b) {
  // A region that is not always run may not decide.
  if (region_ != &graph_->region) return false;
  if (relation == Require::Relation::less_equal) {
    const std::optional<Bounds> bounds = bounds_of_nonnegative(b - a);
    if (!bounds ||
        std::max(bounds->lower, bounds->symbol->lower) > std::min(bounds->upper, bounds->symbol->upper)) {
      return false;
    }
    graph_->tighten(bounds->symbol->name, bounds->lower, bounds->upper);
    return true;
  }
  if (relation == Require::Relation::broadcastable) {
    // s and min(s, c) can only be equal, unless c is 1.
    for (const auto& [whole, part] : {std::pair(a, b), std::pair(b, a)}) {
      if (broadcast(whole, part) != whole || whole.as_symbol() == nullptr || part.upper() <= 1) continue;
      if (min(whole, Dim(part.upper())) == part)
        return narrow(Require::Relation::less_equal, whole, Dim(part.upper()));
    }
  }
  return false;
}

void Builder::require(Require::Relation relation, const Dim& a, const Dim& b, const std::string& message) {
  if (provably_holds(relation, a, b)) return;
  if (provably_fails(relation, a, b))
    throw ModelError(fmt::format("{} ({} and {})", message, a.to_string(), b.to_string()));
  if (narrow(relation, a, b)) return;
  const std::tuple<Require::Relation, Dim, Dim> check(relation, a, b);
  if (required_.contains(check)) return;
  if (region_ == &graph_->region) required_.insert(check);
  append(Require{relation, a, b, message}, {}, {});
}

Shape Builder::broadcast_shapes(const Shape& a, const Shape& b, const std::string& what) {
  const std::size_t rank = std::max(a.size(), b.size());
  Shape shape;
  for (std::size_t k = 0; k < rank; ++k) {
    // Aligned at the last dimension; missing leading ones are 1.
    const Dim x = k + a.size() >= rank ? a[k + a.size() - rank] : Dim(1);
    const Dim y = k + b.size() >= rank ? b[k + b.size() - rank] : Dim(1);
    const bool equal_or_fail = !may_be_one(x) && !may_be_one(y);
    require(equal_or_fail ? Require::Relation::equal : Require::Relation::broadcastable, x, y,
            fmt::format("{}: shapes {} and {} do not broadcast together", what, to_string(a), to_string(b)));
    shape.push_back(equal_or_fail && y.is_constant() ? y : broadcast(x, y));
  }
  return shape;
}

std::vector<Expr> Builder::broadcast_read(const Value* value, const Shape& shape, Indices indices) {
  ensure(value->shape.size() <= shape.size() && indices.size() >= shape.size(),
         "a read of a broadcast operand");
  const std::size_t missing = shape.size() - value->shape.size();
  std::vector<Expr> positions;
  for (std::size_t k = 0; k < value->shape.size(); ++k) {
    const Dim& size = value->shape[k];
    const Expr& index = indices[k + missing];
    positions.push_back(size == shape[k + missing] && !size.is(1) ? index : broadcast_index(index, size));
  }
  return positions;
}

Value* Builder::expand(Value* x, Shape shape) {
  if (x->shape == shape) return x;
  if (x->shape.size() > shape.size()) {
    fail_model("a tensor of shape {} cannot be expanded to {}", to_string(x->shape), to_string(shape));
  }
  const std::size_t missing = shape.size() - x->shape.size();
  const std::string message =
      fmt::format("a tensor of shape {} cannot be expanded to {}", to_string(x->shape), to_string(shape));
  for (std::size_t k = 0; k < x->shape.size(); ++k) {
    const Dim &from = x->shape[k], &to = shape[k + missing];
    if (from.is(1) || provably_equal(from, to)) continue;
    if (!may_be_one(from)) {
      require(Require::Relation::equal, from, to, message);
      continue;
    }
    // A size known to be the broadcast of this one and others needs no check.
    if (broadcast(from, to) == to && !to.is_constant()) continue;
    require(Require::Relation::broadcastable, from, to, message);
    if (may_be_one(to)) {
      require(Require::Relation::less_equal, from, to, message);
      if (from.lower() < 1) require(Require::Relation::less_equal, to, to * from, message);
    }
  }
  return tabulate(x->type, shape,
                  [&](Body& body, Indices indices) { return body.at(x, broadcast_read(x, shape, indices)); });
}

Value* Builder::from_dims(const std::vector<Dim>& dims, DType type, bool scalar) {
  ensure(!scalar || dims.size() == 1, "a scalar of several sizes");
  const auto count = static_cast<int64_t>(dims.size());
  const Shape shape = scalar ? Shape{} : Shape{count};
  if (is_static(dims)) {
    Tensor tensor(type, scalar ? std::vector<int64_t>{} : std::vector<int64_t>{count});
    for (int64_t i = 0; i < count; ++i) tensor.set_int(i, dims[static_cast<std::size_t>(i)].value());
    return constant(std::move(tensor));
  }
  return tabulate(type, shape, [&](Body&, Indices indices) {
    Expr element(dims.back());
    for (int64_t i = count - 2; i >= 0; --i) {
      element = select(eq(indices[0], Expr(i)), Expr(dims[static_cast<std::size_t>(i)]), element);
    }
    return element;
  });
}

std::vector<Dim> Builder::bind(Value* sizes, const std::string& hint, int64_t lower, int64_t upper) {
  if (sizes->rank() > 1 || !is_integer(sizes->type)) {
    fail_model("tensor '{}' of {}{} does not hold sizes; a 1-D or scalar integer tensor is expected",
               sizes->name, user_name(sizes->type), to_string(sizes->shape));
  }
  if (!sizes->contents) {
    const Dim count = element_count(sizes->shape);
    constexpr int64_t kMost = 64;
    if (!count.is_constant() || count.value() > kMost) {
      fail_model("tensor '{}' holds sizes, but how many is not known when compiling (shape {})", sizes->name,
                 to_string(sizes->shape));
    }
    Bind attributes;
    std::vector<Dim> dims;
    for (int64_t i = 0; i < count.value(); ++i) {
      attributes.symbols.push_back(graph_->new_symbol(hint, lower, upper, false));
      dims.push_back(Dim::symbol(attributes.symbols.back()));
    }
    append(std::move(attributes), {sizes}, {});
    // Later readers get the same symbols, provided this node stands before all of them: not when it is in an
    // inner region.
    const bool defined_here =
        std::find(region_->parameters.begin(), region_->parameters.end(), sizes) !=
            region_->parameters.end() ||
        std::any_of(region_->nodes.rbegin(), region_->nodes.rend(),
                    [&](const std::unique_ptr<Node>& node) { return node.get() == sizes->producer; });
    if (defined_here) sizes->contents = dims;
    return dims;
  }
  for (const Dim& dim : *sizes->contents) {
    const std::string message =
        fmt::format("an element of tensor '{}' is outside {}..{}", sizes->name, lower, upper);
    require(Require::Relation::less_equal, lower, dim, message);
    require(Require::Relation::less_equal, dim, upper, message);
  }
  return *sizes->contents;
}

}  // namespace o2w::ir
