#include "compiler/passes/fold_input_scales.h"

#include <algorithm>

#include "compiler/passes/affine_form.h"

namespace o2w::passes {
namespace {

using ir::DType;
using ir::Expr;
using ir::Node;
using ir::Region;
using ir::Value;

class Folding {
 public:
  explicit Folding(ir::Graph& graph) : graph_(graph) {}

  void run(Region& region) {
    for (std::size_t k = 0; k < region.nodes.size(); ++k) {
      for (Region* inner : ir::regions_of(*region.nodes[k])) run(*inner);
      k += fold(region, k);
    }
  }

 private:
  // Elementwise work behind products is done on the way; less of it for some of them would only make their
  // kernels differ.
  static bool comes_from_products(const Value& value, int depth = 4) {
    const Node* node = value.producer;
    if (node == nullptr) return false;
    if (depth == 0) return true;
    if (!node->is<ir::Tabulate>()) return !node->is<ir::View>() && !node->is<ir::Constant>();
    return std::any_of(node->inputs.begin(), node->inputs.end(),
                       [depth](const Value* input) { return comes_from_products(*input, depth - 1); });
  }

  static bool pads_nothing(const Node& node) {
    const auto& convolution = *node.as<ir::Convolution>();
    const Value &x = *node.inputs[0], &w = *node.inputs[1];
    for (std::size_t d = 0; d < convolution.pads_begin.size(); ++d) {
      const ir::Dim window = (w.shape[d + 2] - ir::Dim(1)) * ir::Dim(convolution.dilations[d]) + ir::Dim(1);
      const ir::Dim last = (node.outputs[0]->shape[d + 2] - ir::Dim(1)) * ir::Dim(convolution.strides[d]);
      if (!convolution.pads_begin[d].is(0) || !ir::provably_less_equal(last + window, x.shape[d + 2]))
        return false;
    }
    return true;
  }

  // The number of nodes inserted.
  std::size_t fold(Region& region, std::size_t position) {
    Node& node = *region.nodes[position];
    const auto* convolution = node.as<ir::Convolution>();
    if (convolution == nullptr || convolution->transposed) return 0;
    const Value &x = *node.inputs[0], &w = *node.inputs[1];
    const Node* scaling = x.producer;
    if (scaling == nullptr || !scaling->is<ir::Tabulate>() || x.type != DType::f32 || w.type != DType::f32 ||
        ir::constant_of(&w) == nullptr || !x.shape[1].is_constant() || x.shape[1].is(0)) {
      return 0;
    }
    // The only input that is no constant, of the result's shape.
    int slot = -1;
    for (std::size_t k = 0; k < scaling->inputs.size(); ++k) {
      if (ir::constant_of(scaling->inputs[k]) != nullptr) continue;
      if (slot >= 0 || scaling->inputs[k]->type != DType::f32 || scaling->inputs[k]->shape != x.shape)
        return 0;
      slot = static_cast<int>(k);
    }
    if (slot < 0 || comes_from_products(*scaling->inputs[static_cast<std::size_t>(slot)])) return 0;
    const std::size_t rank = x.shape.size();
    const Expr body = at_own_position(scaling->as<ir::Tabulate>()->body, scaling->inputs, x.shape);
    const std::optional<AffineForm> form = affine_form(body, identity_read(slot, rank));
    if (!form || is_constant(*form) || !is_per_channel(form->scale, scaling->inputs) ||
        !is_per_channel(form->bias, scaling->inputs) ||
        (form->bias.get() != nullptr && !pads_nothing(node))) {
      return 0;
    }
    const ir::Shape channels{x.shape[1]};
    const auto per_channel = [&](const Expr& e) {
      return evaluate(graph_, ir::substitute_indices(e, {Expr(0), ir::index_var(0)}), scaling->inputs,
                      channels);
    };
    const std::optional<ir::Tensor> scale = per_channel(form->scale);
    std::optional<ir::Tensor> bias;
    if (form->bias.get() != nullptr) bias = per_channel(form->bias);
    // A scale that is not finite would meet zeros of the padding.
    if (!scale || (form->bias.get() != nullptr && !bias) || !is_finite(*scale)) return 0;
    return rewrite(region, position, scaling->inputs[static_cast<std::size_t>(slot)], *scale, bias);
  }

  static bool is_finite(const ir::Tensor& tensor) {
    const float* values = tensor.data<float>();
    return std::all_of(values, values + tensor.count(), [](float x) { return x - x == 0; });
  }

  std::size_t rewrite(Region& region, std::size_t position, Value* x, const ir::Tensor& scale,
                      const std::optional<ir::Tensor>& bias) {
    Node& node = *region.nodes[position];
    const int64_t groups = node.as<ir::Convolution>()->group;
    const ir::Tensor& w = *ir::constant_of(node.inputs[1]);
    // [m, c of a group, taps]
    const int64_t m = w.dims()[0], c = w.dims()[1], taps = m * c == 0 ? 0 : w.count() / (m * c);
    ir::Tensor scaled(DType::f32, w.dims()), shift(DType::f32, {m});
    const float *from = w.data<float>(), *factors = scale.data<float>();
    float *to = scaled.mutable_data<float>(), *sums = shift.mutable_data<float>();
    for (int64_t row = 0; row < m; ++row) {
      double sum = 0;
      for (int64_t k = 0; k < c; ++k) {
        const int64_t channel = row / (m / groups) * c + k;
        for (int64_t tap = 0; tap < taps; ++tap, ++from, ++to) {
          *to = *from * factors[channel];
          if (bias) sum += static_cast<double>(*from) * static_cast<double>(bias->data<float>()[channel]);
        }
      }
      sums[row] = static_cast<float>(sum);
    }
    node.inputs = {x, insert_constant(graph_, region, position, std::move(scaled), node)};
    if (!bias) return 1;
    Value* added = insert_constant(graph_, region, position + 1, std::move(shift), node);
    add_behind(region, position + 2, added);
    return 3;
  }

  // What the node at `position` gives, plus a number for each channel, under the result's value.
  void add_behind(Region& region, std::size_t position, Value* added) {
    Node& node = *region.nodes[position];
    Value* result = node.outputs[0];
    Value* sum = graph_.new_value(DType::f32, result->shape, result->name);
    auto made = std::make_unique<Node>();
    made->attributes =
        ir::Tabulate{identity_read(0, result->shape.size()) + ir::read(1, DType::f32, {ir::index_var(1)})};
    made->inputs = {sum, added};
    made->outputs = {result};
    made->origin = node.origin;
    result->producer = made.get();
    node.outputs = {sum};
    sum->producer = &node;
    region.nodes.insert(region.nodes.begin() + static_cast<std::ptrdiff_t>(position + 1), std::move(made));
  }

  ir::Graph& graph_;
};

}  // namespace

void fold_input_scales(ir::Graph& graph) {
  Folding(graph).run(graph.region);
  graph.collect_garbage();
}

}  // namespace o2w::passes
