// Constants of one f32 element that nests read become numbers in their expressions: code for a number is
// better (it is kept in a register, and a maximum with one needs no care for NaN on its side) than for an
// operand.
#include <algorithm>
#include <cstring>
#include <map>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

using ir::Expr;

// Nests that differ in a number only are functions of their own, so a model that has a scale of its own at
// every node (a quantized one) keeps those in memory.
constexpr std::size_t kMostNumbers = 32;
constexpr int kOftenUsed = 3;

// Values by their bits, with the number of operands that hold them.
using Numbers = std::map<uint32_t, int>;

std::optional<float> number_of(const DraftTensor& tensor) {
  if (tensor.home != DraftTensor::Home::constant || tensor.type != ir::DType::f32 ||
      tensor.contents.count() != 1) {
    return std::nullopt;
  }
  return tensor.contents.data<float>()[0];
}

uint32_t bits_of(float number) {
  uint32_t bits = 0;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}

void count(Draft& draft, Numbers& numbers) {
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    const NestOp* nest = operation.as<NestOp>();
    if (nest == nullptr) return;
    for (const int tensor : nest->tensors) {
      if (const std::optional<float> number = number_of(draft.at(tensor))) ++numbers[bits_of(*number)];
    }
  });
}

void replace(const Draft& draft, NestOp& op, const std::function<bool(float)>& wanted) {
  bool changed = false;
  for (Stage& stage : op.nest.stages) {
    for_each_expression(stage, [&](Expr& e) {
      e = ir::rewrite(e, [&](const Expr& node) {
        if (node->op != ir::ExprOp::read) return node;
        // The check of an index stays.
        if (std::any_of(node->args.begin(), node->args.end(), ir::may_fail)) return node;
        const auto number = number_of(draft.at(op.tensors[static_cast<std::size_t>(node->slot)]));
        if (!number || !wanted(*number)) return node;
        changed = true;
        return ir::literal_float(ir::DType::f32, *number);
      });
    });
  }
  if (changed) drop_unused_operands(op);
}

}  // namespace

void literal_scalars(Draft& draft) {
  Numbers numbers;
  count(draft, numbers);
  const bool few = numbers.size() <= kMostNumbers;
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    if (NestOp* nest = operation.as<NestOp>()) {
      replace(draft, *nest, [&](float number) { return few || numbers[bits_of(number)] >= kOftenUsed; });
    }
  });
}

}  // namespace o2w::schedule
