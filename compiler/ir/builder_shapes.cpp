// Shapes that meet: broadcasting, run-time checks, sizes as values.
#include <algorithm>

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

}  // namespace

void Builder::require(Require::Relation relation, const Dim& a, const Dim& b, const std::string& message) {
  if (provably_holds(relation, a, b)) return;
  if (provably_fails(relation, a, b))
    throw ModelError(fmt::format("{} ({} and {})", message, a.to_string(), b.to_string()));
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
