#include "frontends/onnx/folding.h"

#include <algorithm>
#include <map>
#include <memory>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/dequantization.h"

namespace o2w::onnx_frontend {
namespace {

// Element steps: the evaluator takes some tens of millions in a second.
constexpr int64_t steps_per_node = int64_t{1} << 27;
constexpr int64_t steps_per_model = int64_t{1} << 31;
// Results up to this size fold whatever they are made of.
constexpr int64_t small_bytes = 64 << 10;
// Dequantized 8-bit weights are four times their size.
constexpr int64_t largest_growth = 4;
constexpr int64_t unbounded = int64_t{1} << 62;

int64_t saturating_product(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? unbounded : std::min(product, unbounded);
}

int64_t count(const ir::Shape& shape) {
  int64_t product = 1;
  for (const ir::Dim& dim : shape) {
    const std::optional<int64_t> size = dim.constant();
    if (!size) return unbounded;
    product = saturating_product(product, std::max<int64_t>(*size, 0));
  }
  return product;
}

// How many elements are visited, reductions included.
int64_t steps(const ir::Node& node) {
  int64_t total = 0;
  for (const ir::Value* output : node.outputs) total = std::max(total, count(output->shape));
  if (const auto* reduce = node.as<ir::Reduce>()) return saturating_product(total, count(reduce->extents));
  if (const auto* scatter = node.as<ir::Scatter>()) return std::max(total, count(scatter->extents));
  if (const auto* einsum = node.as<ir::Einsum>()) {
    std::map<char, int64_t> extents;
    const auto add = [&](const std::string& labels, const ir::Value* value) {
      for (std::size_t i = 0; i < labels.size() && i < value->shape.size(); ++i) {
        extents[labels[i]] = value->shape[i].constant().value_or(unbounded);
      }
    };
    add(einsum->lhs, node.inputs[0]);
    add(einsum->rhs, node.inputs[1]);
    int64_t product = 1;
    for (const auto& [label, extent] : extents) product = saturating_product(product, extent);
    return product;
  }
  if (node.is<ir::Convolution>()) {
    // An upper bound: every output element against one filter, or every input element when transposed.
    const int64_t filter = count(node.inputs[1]->shape);
    return saturating_product(std::max(total, count(node.inputs[0]->shape)), filter);
  }
  for (const ir::Value* input : node.inputs) total = std::max(total, count(input->shape));
  return total;
}

int64_t bytes(const std::vector<ir::Value*>& values) {
  int64_t total = 0;
  for (const ir::Value* value : values) {
    total = std::min(unbounded, total + saturating_product(count(value->shape), ir::byte_size(value->type)));
  }
  return total;
}

}  // namespace

ir::Builder::Folder constant_folder() {
  return [left = std::make_shared<int64_t>(steps_per_model)](
             const ir::Node& node) -> std::optional<std::vector<ir::Tensor>> {
    const int64_t needed = steps(node);
    if (needed > steps_per_node || needed > *left) return {};
    // Products multiply by the integers themselves; for other users a pass folds them.
    if (const auto weights = ir::dequantization_of(node); weights && ir::is_large(*weights)) return {};
    const int64_t limit = std::max(small_bytes, saturating_product(largest_growth, bytes(node.inputs)));
    if (bytes(node.outputs) > limit) return {};
    *left -= needed;
    return eval::fold(node, limit);
  };
}

}  // namespace o2w::onnx_frontend
