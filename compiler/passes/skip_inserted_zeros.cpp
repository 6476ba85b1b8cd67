#include "compiler/passes/skip_inserted_zeros.h"

namespace o2w::passes {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprOp;
using ir::Node;
using ir::Region;
using ir::Value;

// Pixels of `pixels` at distances `stride`, the first at `offset`, times `factor`; zeros between them. Rows,
// then columns.
struct Spread {
  Value* pixels = nullptr;
  int64_t stride[2] = {1, 1}, offset[2] = {0, 0};
  float factor = 1;
};

// By how much a node repeats the pixels of its only input; nothing if it does anything else.
bool find_repetitions(const Node& node, Spread& spread) {
  const auto* tabulate = node.as<ir::Tabulate>();
  if (tabulate == nullptr || node.inputs.size() != 1 || tabulate->body->op != ExprOp::read) return false;
  const std::vector<Expr>& at = tabulate->body->args;
  if (at.size() != 4 || !is_index(at[0], 0) || !is_index(at[1], 1)) return false;
  for (int d = 0; d < 2; ++d) {
    const Expr& index = at[static_cast<std::size_t>(d + 2)];
    if (index->op != ExprOp::floordiv || !is_index(index->args[0], d + 2) || !ir::is_literal(index->args[1]))
      return false;
    spread.stride[d] = index->args[1]->literal.integer;
    const auto k = static_cast<std::size_t>(d + 2);
    if (spread.stride[d] < 2 ||
        node.outputs[0]->shape[k] != node.inputs[0]->shape[k] * Dim(spread.stride[d])) {
      return false;
    }
  }
  spread.pixels = node.inputs[0];
  return true;
}

// Whether a picture is a number at the pixels that are kept and zero elsewhere.
bool find_kept(const ir::Tensor& mask, Spread& spread) {
  const int64_t rows = mask.dims()[2], columns = mask.dims()[3];
  const float* values = mask.data<float>();
  int64_t first = 0;
  while (first < mask.count() && values[first] == 0) ++first;
  if (first == mask.count()) return false;
  spread.offset[0] = first / columns;
  spread.offset[1] = first % columns;
  spread.factor = values[first];
  if (spread.offset[0] >= spread.stride[0] || spread.offset[1] >= spread.stride[1]) return false;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const bool kept =
          row % spread.stride[0] == spread.offset[0] && column % spread.stride[1] == spread.offset[1];
      if (values[row * columns + column] != (kept ? spread.factor : 0)) return false;
    }
  }
  return true;
}

std::optional<Spread> spread_of(const Value& x) {
  const Node* node = x.producer;
  const auto* tabulate = node != nullptr ? node->as<ir::Tabulate>() : nullptr;
  if (tabulate == nullptr || x.type != ir::DType::f32 || x.rank() != 4 || node->inputs.size() != 2 ||
      tabulate->body->op != ExprOp::mul) {
    return std::nullopt;
  }
  for (std::size_t side = 0; side < 2; ++side) {
    const Expr &picture = tabulate->body->args[side], &mask = tabulate->body->args[1 - side];
    if (picture->op != ExprOp::read || mask->op != ExprOp::read) return std::nullopt;
    const Value* repeated = node->inputs[static_cast<std::size_t>(picture->slot)];
    const ir::Tensor* constant = ir::constant_of(node->inputs[static_cast<std::size_t>(mask->slot)]);
    if (constant == nullptr || constant->type() != ir::DType::f32 || constant->dims().size() != 4) continue;
    if (constant->dims()[0] != 1 || constant->dims()[1] != 1 || x.shape[2] != Dim(constant->dims()[2]) ||
        x.shape[3] != Dim(constant->dims()[3]) || repeated->producer == nullptr) {
      return std::nullopt;
    }
    for (int d = 0; d < 4; ++d) {
      const auto k = static_cast<std::size_t>(d);
      if (!is_index(picture->args[k], d) && !(x.shape[k].is(1) && ir::is_literal(picture->args[k])))
        return std::nullopt;
      if (d >= 2 && !is_index(mask->args[k], d)) return std::nullopt;
    }
    Spread spread;
    if (find_repetitions(*repeated->producer, spread) && find_kept(*constant, spread)) return spread;
    return std::nullopt;
  }
  return std::nullopt;
}

// [m, c of a group, k..] -> [c, m of a group, k.. in reverse], times a factor.
ir::Tensor transposed_weights(const ir::Tensor& w, int64_t groups, float factor) {
  const int64_t m = w.dims()[0] / groups, c = w.dims()[1], kh = w.dims()[2], kw = w.dims()[3];
  ir::Tensor result(ir::DType::f32, {groups * c, m, kh, kw});
  const float* from = w.data<float>();
  float* to = result.mutable_data<float>();
  for (int64_t channel = 0; channel < groups * c; ++channel) {
    for (int64_t mi = 0; mi < m; ++mi) {
      const float* window = from + ((channel / c * m + mi) * c + channel % c) * kh * kw;
      for (int64_t k = kh * kw; k-- > 0;) *to++ = window[k] * factor;
    }
  }
  return result;
}

class ZeroSkipping {
 public:
  explicit ZeroSkipping(ir::Graph& graph) : graph_(graph) {}

  void run(Region& region) {
    for (std::size_t k = 0; k < region.nodes.size(); ++k) {
      for (Region* inner : ir::regions_of(*region.nodes[k])) run(*inner);
      if (auto weights = skip(*region.nodes[k])) {
        region.nodes.insert(region.nodes.begin() + static_cast<std::ptrdiff_t>(k), std::move(weights));
        ++k;
      }
    }
  }

 private:
  // The node of the new weights; null if nothing changes.
  std::unique_ptr<Node> skip(Node& node) {
    auto* convolution = std::get_if<ir::Convolution>(&node.attributes);
    if (convolution == nullptr || convolution->transposed) return nullptr;
    const ir::Tensor* w = ir::constant_of(node.inputs[1]);
    if (w == nullptr || w->type() != ir::DType::f32 || w->dims().size() != 4) return nullptr;
    for (std::size_t d = 0; d < 2; ++d) {
      if (convolution->strides[d] != 1 || convolution->dilations[d] != 1 ||
          !convolution->pads_begin[d].is_constant()) {
        return nullptr;
      }
    }
    const std::optional<Spread> spread = spread_of(*node.inputs[0]);
    if (!spread) return nullptr;
    std::vector<Dim> pads;
    for (std::size_t d = 0; d < 2; ++d) {
      // Tap k of the window meets the pixel that output o + k - pad shows; counted from the window's end that
      // is the transposed convolution's tap.
      const int64_t window = w->dims()[d + 2];
      const int64_t pad = window - 1 - convolution->pads_begin[d].value() - spread->offset[d];
      if (pad < 0 || window < spread->stride[d]) return nullptr;
      pads.emplace_back(pad);
    }
    auto made = std::make_unique<Node>();
    ir::Tensor weights = transposed_weights(*w, convolution->group, spread->factor);
    Value* value = graph_.new_value(ir::DType::f32, ir::Shape(weights.dims().begin(), weights.dims().end()),
                                    node.inputs[1]->name);
    value->producer = made.get();
    made->attributes = ir::Constant{std::move(weights)};
    made->outputs = {value};
    made->origin = node.origin;
    convolution->transposed = true;
    convolution->strides = {spread->stride[0], spread->stride[1]};
    convolution->pads_begin = std::move(pads);
    node.inputs = {spread->pixels, value};
    return made;
  }

  ir::Graph& graph_;
};

}  // namespace

void skip_inserted_zeros(ir::Graph& graph) { ZeroSkipping(graph).run(graph.region); }

}  // namespace o2w::passes
