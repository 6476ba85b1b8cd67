#include "compiler/ir/contents.h"

#include <algorithm>
#include <unordered_map>

#include "compiler/ir/numeric.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

constexpr int64_t kMaxElements = 64;
// Work limits: beyond them a tensor is not what a model computes a shape with.
constexpr int64_t kMaxPoints = 4096;
constexpr int kMaxOperations = 256;

using Known = std::optional<Dim>;

bool wide_enough(DType type) {
  return type == DType::i32 || type == DType::i64 || type == DType::u32 || type == DType::u64 ||
         type == DType::index;
}

// A number as an element of `type`: nothing if it might wrap.
Known as_type(DType type, const Dim& value) {
  if (type == DType::index) return value;
  if (const std::optional<int64_t> constant = value.constant()) {
    if (type == DType::boolean) return Dim(*constant != 0 ? 1 : 0);
    return wrap_int(type, *constant) == *constant ? Known(value) : std::nullopt;
  }
  if (type == DType::boolean) {
    if (provably_different(value, 0)) return Dim(1);
    return std::nullopt;
  }
  const bool fits =
      wide_enough(type) || (value.lower() >= int_lowest(type) && value.upper() <= int_highest(type));
  return fits ? Known(value) : std::nullopt;
}

std::optional<int64_t> flat_position(const Shape& shape, const std::vector<int64_t>& indices) {
  int64_t flat = 0;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (indices[k] < 0 || indices[k] >= shape[k].value()) return std::nullopt;
    flat = flat * shape[k].value() + indices[k];
  }
  return flat;
}

// Evaluates an expression at one point, over Dims.
class PointEvaluator {
 public:
  PointEvaluator(const Node& node, std::vector<int64_t> point) : node_(node), point_(std::move(point)) {}

  Known evaluate(const Expr& e) {
    if (const auto found = known_.find(e.get()); found != known_.end()) return found->second;
    Known value = compute(*e);
    if (value && e->type != DType::index) value = as_type(e->type, *value);
    known_.emplace(e.get(), value);
    return value;
  }

 private:
  Known compute(const ExprNode& e) {
    if (!is_integer(e.type) && e.type != DType::boolean && e.type != DType::index) return std::nullopt;
    switch (e.op) {
      case ExprOp::index:
        return Dim(point_.at(static_cast<std::size_t>(e.slot)));
      case ExprOp::literal:
        return e.type == DType::u64 && e.literal.integer < 0 ? std::nullopt : Known(e.literal.integer);
      case ExprOp::dim:
        return e.dim;
      case ExprOp::read:
        return read_element(e);
      case ExprOp::select:
        return select_element(e);
      default:
        break;
    }
    std::vector<Dim> args;
    for (const Expr& arg : e.args) {
      const Known value = evaluate(arg);
      if (!value) return std::nullopt;
      args.push_back(*value);
    }
    if (args.size() == 1) return compute_unary(e, args[0]);
    if (args.size() == 2) return compute_binary(e, args[0], args[1]);
    return std::nullopt;
  }

  Known read_element(const ExprNode& e) {
    const Value* input = node_.inputs.at(static_cast<std::size_t>(e.slot));
    if (!input->contents) return std::nullopt;
    std::vector<int64_t> indices;
    for (const Expr& arg : e.args) {
      const Known value = evaluate(arg);
      if (!value || !value->is_constant()) return std::nullopt;
      indices.push_back(value->value());
    }
    const std::optional<int64_t> flat = flat_position(input->shape, indices);
    if (!flat) return std::nullopt;
    return input->contents->at(static_cast<std::size_t>(*flat));
  }

  Known select_element(const ExprNode& e) {
    const Known condition = evaluate(e.args[0]);
    if (condition && condition->is_constant()) return evaluate(e.args[condition->is(0) ? 2 : 1]);
    const Known a = evaluate(e.args[1]), b = evaluate(e.args[2]);
    return a && b && *a == *b ? a : std::nullopt;
  }

  static Known compute_unary(const ExprNode& e, const Dim& a) {
    switch (e.op) {
      case ExprOp::cast:
        return a;  // evaluate() checks the range
      case ExprOp::neg:
        return Dim(0) - a;
      case ExprOp::abs:
        if (a.lower() >= 0) return a;
        return a.upper() <= 0 ? Dim(0) - a : max(a, Dim(0) - a);
      case ExprOp::sign:
        if (a.lower() > 0) return 1;
        if (a.upper() < 0) return -1;
        return a.is(0) ? Known(0) : std::nullopt;
      case ExprOp::logical_not:
        return a.is_constant() ? Known(a.is(0) ? 1 : 0) : std::nullopt;
      case ExprOp::checked_index:
        if (a.lower() >= 0 && provably_less_equal(a + Dim(1), e.dim)) return a;
        if (a.upper() < 0 && provably_less_equal(Dim(0) - a, e.dim)) return a + e.dim;
        return std::nullopt;
      case ExprOp::broadcast_index:
        if (e.dim.is(1) || a.is(0)) return 0;
        return provably_different(e.dim, 1) ? Known(a) : std::nullopt;
      default:
        return std::nullopt;
    }
  }

  static Known truth(bool holds, bool fails) {
    if (holds) return 1;
    return fails ? Known(0) : std::nullopt;
  }

  static Known compute_binary(const ExprNode& e, const Dim& a, const Dim& b) {
    // Division by zero gives 0, as everywhere in expressions.
    const bool divides =
        e.op == ExprOp::div || e.op == ExprOp::floordiv || e.op == ExprOp::mod || e.op == ExprOp::fmod;
    if (divides && b.is(0)) return 0;
    if (divides && !provably_different(b, 0)) return std::nullopt;
    const bool same_sign = (a.lower() >= 0 && b.lower() >= 0) || (a.upper() <= 0 && b.upper() <= 0);
    switch (e.op) {
      case ExprOp::add:
        return a + b;
      case ExprOp::sub:
        return a - b;
      case ExprOp::mul:
        return a * b;
      case ExprOp::floordiv:
        return floordiv(a, b);
      case ExprOp::mod:
        return mod(a, b);
      case ExprOp::div:
        // Towards zero.
        if (same_sign || a.exact_div(b)) return floordiv(a, b);
        return a.is_constant() && b.is_constant() ? Known(ceildiv(a, b)) : std::nullopt;
      case ExprOp::fmod:
        if (same_sign) return mod(a, b);
        return a.is_constant() && b.is_constant() ? Known(a - b * ceildiv(a, b)) : std::nullopt;
      case ExprOp::min:
        return min(a, b);
      case ExprOp::max:
        return max(a, b);
      case ExprOp::logical_and:
        return a.is_constant() && b.is_constant() ? Known(!a.is(0) && !b.is(0)) : std::nullopt;
      case ExprOp::logical_or:
        return a.is_constant() && b.is_constant() ? Known(!a.is(0) || !b.is(0)) : std::nullopt;
      case ExprOp::eq:
        return truth(provably_equal(a, b), provably_different(a, b));
      case ExprOp::ne:
        return truth(provably_different(a, b), provably_equal(a, b));
      case ExprOp::lt:
        return truth(provably_less_equal(a + Dim(1), b), provably_less_equal(b, a));
      case ExprOp::le:
        return truth(provably_less_equal(a, b), provably_less_equal(b + Dim(1), a));
      case ExprOp::gt:
        return truth(provably_less_equal(b + Dim(1), a), provably_less_equal(a, b));
      case ExprOp::ge:
        return truth(provably_less_equal(b, a), provably_less_equal(a + Dim(1), b));
      default:
        return std::nullopt;
    }
  }

  const Node& node_;
  std::vector<int64_t> point_;
  std::unordered_map<const ExprNode*, Known> known_;
};

// Calls visit(point) for all points of a static shape, row-major, while it returns true.
template <typename Visit>
bool for_each_point(const Shape& shape, const Visit& visit) {
  std::vector<int64_t> point(shape.size(), 0);
  for (const Dim& dim : shape) {
    if (dim.value() <= 0) return true;
  }
  while (true) {
    if (!visit(point)) return false;
    std::size_t k = shape.size();
    while (k > 0 && ++point[k - 1] == shape[k - 1].value()) point[--k] = 0;
    if (k == 0) return true;
  }
}

using Contents = std::vector<Dim>;

std::optional<Contents> contents_of_constant(const Tensor& tensor) {
  Contents contents;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const int64_t value = tensor.as_int(i);
    if (tensor.type() == DType::u64 && value < 0) return std::nullopt;
    contents.emplace_back(value);
  }
  return contents;
}

std::optional<Contents> contents_of_tabulate(const Node& node, const Expr& body, const Value& output) {
  if (op_count(body) > kMaxOperations) return std::nullopt;
  Contents contents;
  const bool known = for_each_point(output.shape, [&](const std::vector<int64_t>& point) {
    const Known value = PointEvaluator(node, point).evaluate(body);
    if (value) contents.push_back(*value);
    return value.has_value();
  });
  return known ? std::optional(std::move(contents)) : std::nullopt;
}

std::optional<Dim> combine(Combiner combiner, const Dim& a, const Dim& b) {
  switch (combiner) {
    case Combiner::sum:
      return a + b;
    case Combiner::prod:
      return a * b;
    case Combiner::min:
      return min(a, b);
    case Combiner::max:
      return max(a, b);
    default:
      return std::nullopt;
  }
}

std::optional<Contents> contents_of_reduce(const Node& node, const Reduce& reduce, const Value& output) {
  if (reduce.guard.get() != nullptr || !is_static(reduce.extents) || op_count(reduce.body) > kMaxOperations)
    return std::nullopt;
  if (element_count(reduce.extents).value() * std::max<int64_t>(element_count(output.shape).value(), 1) >
      kMaxPoints) {
    return std::nullopt;
  }
  if (reduce.combiner == Combiner::arg_min || reduce.combiner == Combiner::arg_max) {
    // The position of the only element; of more, it depends on how their sizes compare.
    if (element_count(reduce.extents).value() != 1) return std::nullopt;
    return Contents(static_cast<std::size_t>(element_count(output.shape).value()), Dim(0));
  }
  Contents contents;
  const bool known = for_each_point(output.shape, [&](const std::vector<int64_t>& point) {
    std::optional<Dim> total;
    if (reduce.combiner == Combiner::sum) total = 0;
    if (reduce.combiner == Combiner::prod) total = 1;
    const bool combined = for_each_point(reduce.extents, [&](const std::vector<int64_t>& inner) {
      std::vector<int64_t> all = point;
      all.insert(all.end(), inner.begin(), inner.end());
      const Known value = PointEvaluator(node, std::move(all)).evaluate(reduce.body);
      if (!value) return false;
      total = total ? combine(reduce.combiner, *total, *value) : value;
      if (total) total = as_type(output.type, *total);
      return total.has_value();
    });
    if (combined && total) contents.push_back(*total);
    return combined && total.has_value();
  });
  return known ? std::optional(std::move(contents)) : std::nullopt;
}

std::optional<Contents> contents_of_concat(const Node& node, const Concat& concat) {
  const auto axis = static_cast<std::size_t>(concat.axis);
  for (const Value* input : node.inputs) {
    if (!input->contents || !is_static(input->shape)) return std::nullopt;
  }
  const Shape& first = node.inputs[0]->shape;
  const int64_t outer =
      element_count(Shape(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(axis))).value();
  Contents contents;
  for (int64_t row = 0; row < outer; ++row) {
    for (const Value* input : node.inputs) {
      const auto length = static_cast<int64_t>(input->contents->size()) / outer;
      const auto begin = input->contents->begin() + row * length;
      contents.insert(contents.end(), begin, begin + length);
    }
  }
  return contents;
}

std::optional<Contents> contents_of(const Node& node, const Value& output) {
  if (const auto* constant = node.as<Constant>()) return contents_of_constant(constant->tensor);
  if (const auto* tabulate = node.as<Tabulate>()) return contents_of_tabulate(node, tabulate->body, output);
  if (const auto* reduce = node.as<Reduce>()) return contents_of_reduce(node, *reduce, output);
  if (const auto* concat = node.as<Concat>()) return contents_of_concat(node, *concat);
  if (node.is<View>() && node.inputs[0]->type == output.type) return node.inputs[0]->contents;
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<Dim>> compute_contents(const Node& node, const Value& output) {
  if (!is_integer(output.type) && output.type != DType::boolean) return std::nullopt;
  if (!is_static(output.shape)) return std::nullopt;
  try {
    if (element_count(output.shape).value() > kMaxElements) return std::nullopt;
    std::optional<Contents> contents = contents_of(node, output);
    // A view of run-time checked sizes can disagree; then nothing is known.
    if (contents && static_cast<int64_t>(contents->size()) != element_count(output.shape).value())
      return std::nullopt;
    return contents;
  } catch (const ModelError&) {
    // The algebra gave up (overflow, division by zero): the elements are computed at run time, which wraps.
    return std::nullopt;
  }
}

Tensor tensor_of_contents(const Value& value) {
  std::vector<int64_t> dims;
  for (const Dim& dim : value.shape) dims.push_back(dim.value());
  Tensor tensor(value.type, std::move(dims));
  for (std::size_t i = 0; i < value.contents->size(); ++i) {
    tensor.set_int(static_cast<int64_t>(i), (*value.contents)[i].value());
  }
  return tensor;
}

}  // namespace o2w::ir
