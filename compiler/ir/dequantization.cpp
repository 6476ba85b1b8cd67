#include "compiler/ir/dequantization.h"

namespace o2w::ir {
namespace {

constexpr int64_t kSmall = 16 << 10;  // elements

const Node* constant_node(const Value* value) {
  return value->producer != nullptr && value->producer->is<Constant>() ? value->producer : nullptr;
}

bool is_zero_index(const Expr& e) { return e->op == ExprOp::literal && e->literal.integer == 0; }

// Element i, j, .. of the operand at place i, j, ..
bool reads_in_place(const ExprNode& read, const Shape& shape) {
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (!is_index(read.args[d], static_cast<int>(d)) && !(shape[d].is(1) && is_zero_index(read.args[d])))
      return false;
  }
  return true;
}

// The one loop variable that a parameter is read by; -1 for none, -2 if it is read in another way.
int axis_of(const ExprNode& read) {
  int axis = -1;
  for (const Expr& arg : read.args) {
    if (is_zero_index(arg)) continue;
    const Expr& index = arg->op == ExprOp::broadcast_index ? arg->args[0] : arg;
    if (index->op != ExprOp::index || axis >= 0) return -2;
    axis = index->slot;
  }
  return axis;
}

const ExprNode* operand_of(const Expr& e) {
  if (e->op == ExprOp::read) return e.get();
  return e->op == ExprOp::cast && e->type == DType::i32 ? operand_of(e->args[0]) : nullptr;
}

}  // namespace

std::optional<Dequantization> dequantization_of(const Node& node) {
  const auto* tabulate = node.as<Tabulate>();
  if (tabulate == nullptr || node.outputs[0]->type != DType::f32 || tabulate->body->op != ExprOp::mul)
    return std::nullopt;
  for (const Value* input : node.inputs) {
    if (constant_node(input) == nullptr) return std::nullopt;
  }
  const Expr &real = tabulate->body->args[0], &scale = tabulate->body->args[1];
  if (real->op != ExprOp::cast || real->args[0]->type != DType::i32 || scale->op != ExprOp::read)
    return std::nullopt;
  const Expr& difference = real->args[0];
  const bool has_zeros = difference->op == ExprOp::sub;
  const ExprNode* numbers = operand_of(has_zeros ? difference->args[0] : difference);
  const ExprNode* zeros = has_zeros ? operand_of(difference->args[1]) : nullptr;
  if (numbers == nullptr || (has_zeros && zeros == nullptr)) return std::nullopt;
  const Shape& shape = node.outputs[0]->shape;
  const auto tensor = [&](const ExprNode& read) -> const Tensor& {
    return *constant_of(node.inputs[static_cast<std::size_t>(read.slot)]);
  };
  Dequantization result;
  result.numbers = tensor(*numbers);
  result.scales = tensor(*scale);
  if (!is_integer(result.numbers.type()) || byte_size(result.numbers.type()) != 1 ||
      result.scales.type() != DType::f32 || result.scales.count() == 0 ||
      node.inputs[static_cast<std::size_t>(numbers->slot)]->shape != shape ||
      !reads_in_place(*numbers, shape)) {
    return std::nullopt;
  }
  result.axis = axis_of(*scale);
  if (result.axis < -1) return std::nullopt;
  if (zeros != nullptr) {
    result.zeros = tensor(*zeros);
    const int axis = axis_of(*zeros);
    if (!is_integer(result.zeros->type()) || axis < -1 || result.zeros->count() == 0) return std::nullopt;
    if (axis >= 0 && result.axis >= 0 && axis != result.axis) return std::nullopt;
    if (axis >= 0) result.axis = axis;
  }
  const int64_t entries = result.axis < 0 ? 1 : result.numbers.dims()[static_cast<std::size_t>(result.axis)];
  const auto fits = [&](const Tensor& parameter) {
    return parameter.count() == 1 || parameter.count() == entries;
  };
  if (!fits(result.scales) || (result.zeros && !fits(*result.zeros))) return std::nullopt;
  return result;
}

Tensor dequantized(const Dequantization& weights) {
  Tensor result(DType::f32, weights.numbers.dims());
  const std::vector<int64_t>& dims = weights.numbers.dims();
  int64_t inner = 1, entries = 1;
  if (weights.axis >= 0) {
    const auto axis = static_cast<std::size_t>(weights.axis);
    entries = dims[axis];
    for (std::size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  }
  auto* to = result.mutable_data<float>();
  for (int64_t i = 0; i < result.count(); ++i) {
    const int64_t entry = i / inner % entries;
    const auto difference = static_cast<int>(weights.numbers.as_int(i)) - weights.zero_at(entry);
    to[i] = static_cast<float>(difference) * weights.scale_at(entry);
  }
  return result;
}

bool is_large(const Dequantization& weights) { return weights.numbers.count() > kSmall; }

}  // namespace o2w::ir
