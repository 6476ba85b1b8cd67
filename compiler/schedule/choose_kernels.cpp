// Convolutions and products of matrices -> hand-shaped kernels with packed weights.
#include <algorithm>
#include <map>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/kernel_shapes.h"
#include "compiler/schedule/pack_weights.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

using ir::Dim;

bool is_f32(const Draft& draft, int tensor) { return draft.at(tensor).type == ir::DType::f32; }
bool is_i16(const Draft& draft, int tensor) { return draft.at(tensor).type == ir::DType::i16; }

// What kernels multiply: f32 to f32, or i16 summed in i32 to whatever the epilogue makes of it.
bool multiplies_floats(const Draft& draft, int lhs, int rhs, int out, const Epilogue& epilogue) {
  return is_f32(draft, lhs) && is_f32(draft, rhs) && is_f32(draft, out) &&
         epilogue.accumulator == ir::DType::f32;
}
bool multiplies_integers(const Draft& draft, int lhs, int rhs, const Epilogue& epilogue) {
  return is_i16(draft, lhs) && is_i16(draft, rhs) && epilogue.accumulator == ir::DType::i32;
}

Epilogue finished(const Draft& draft, const Epilogue& epilogue, int out) {
  Epilogue result = epilogue;
  result.out = draft.at(out).type;
  return result;
}

// The new tensor of packed weights.
int add_constant(Draft& draft, ir::Tensor contents, const std::string& name) {
  DraftTensor tensor;
  tensor.type = contents.type();
  for (const int64_t dim : contents.dims()) tensor.shape.emplace_back(dim);
  tensor.layout = dense_layout(tensor.shape);
  tensor.name = name;
  tensor.home = DraftTensor::Home::constant;
  tensor.contents = std::move(contents);
  draft.tensors.push_back(std::move(tensor));
  return static_cast<int>(draft.tensors.size()) - 1;
}

// Packed copies are shared by the operations that read the same weights in the same way.
struct Packed {
  int tensor = -1;
  Factors factors = Factors::f32;
  int64_t k = 0, n = 0, k_stride = 0, n_stride = 0;  // of a matrix of integers
};
using PackedWeights = std::map<std::pair<int, std::string>, Packed>;

Packed add_integers(Draft& draft, std::optional<PackedIntegers> packed, const std::string& name) {
  if (!packed) return {};
  const Factors factors = packed->has_offsets ? Factors::i16_i8_offsets : Factors::i16_i8;
  return {add_constant(draft, std::move(packed->weights), name), factors};
}

KernelOp kernel_op(Kernel kernel, int lhs, int rhs, int out, const std::vector<int>& operands) {
  KernelOp op{std::move(kernel), {lhs, rhs, out}, 2};
  op.tensors.insert(op.tensors.end(), operands.begin(), operands.end());
  return op;
}

// --- Convolutions.

bool is_depthwise(const Draft& draft, const ConvolutionOp& op) {
  const ir::Shape& w = draft.at(op.w).shape;
  const int64_t group = op.attributes.group;
  return group > 1 && w[1].is(1) && w[0].is(group);
}

KernelOp convolution_kernel(Draft& draft, const ConvolutionOp& op, PackedWeights& packed,
                            const KernelOptions& options) {
  const ir::Convolution& c = op.attributes;
  const DraftTensor &x = draft.at(op.x), &w = draft.at(op.w), &out = draft.at(op.out);
  const bool flat = x.shape.size() == 3;  // one spatial dimension is a picture of one row
  const std::size_t width = flat ? 2 : 3;
  const auto spatial = [&](const std::vector<int64_t>& values, bool vertical) {
    return vertical ? (flat ? 1 : values[0]) : values.back();
  };
  Conv2d kernel;
  kernel.n = x.shape[0];
  kernel.c = w.shape[1] * Dim(c.group);  // the same as x's, which the model may leave open
  kernel.h = flat ? Dim(1) : x.shape[2];
  kernel.w = x.shape[width];
  kernel.m = w.shape[0];
  kernel.oh = flat ? Dim(1) : out.shape[2];
  kernel.ow = out.shape[width];
  kernel.kh = flat ? 1 : w.shape[2].value();
  kernel.kw = w.shape[width].value();
  kernel.stride_h = spatial(c.strides, true);
  kernel.stride_w = spatial(c.strides, false);
  kernel.dilation_h = spatial(c.dilations, true);
  kernel.dilation_w = spatial(c.dilations, false);
  kernel.pad_top = flat ? Dim(0) : c.pads_begin[0];
  kernel.pad_left = c.pads_begin.back();
  kernel.x_batch_stride = x.layout.strides[0];
  kernel.x_pixel_stride = x.layout.strides[width];
  kernel.x_row_stride = flat ? kernel.x_pixel_stride * kernel.w : x.layout.strides[2];
  kernel.planes = takes_planes(draft, op);
  if (kernel.planes) kernel.x_plane_stride = x.layout.strides[1];
  kernel.out_batch_stride = out.layout.strides[0];
  kernel.out_pixel_stride = out.layout.strides[width];
  kernel.out_row_stride = flat ? kernel.out_pixel_stride * kernel.ow : out.layout.strides[2];
  kernel.group = c.group;
  if (is_depthwise(draft, op)) kernel.algorithm = Conv2d::Algorithm::depthwise;
  kernel.epilogue = finished(draft, op.epilogue, op.out);

  const bool of_bytes = w.integers && !kernel.depthwise() && w.integers->axis <= 0;
  if (is_f32(draft, op.w) && !of_bytes) choose_algorithm(kernel, options.choices, options.exact);
  const bool winograd = kernel.algorithm == Conv2d::Algorithm::winograd;
  const std::string form = kernel.depthwise() ? "depthwise"
                           : winograd         ? "winograd"
                                              : "groups of " + std::to_string(c.group);
  Packed& weights = packed.try_emplace({op.w, form}).first->second;
  if (weights.tensor < 0) {
    const std::string name = w.name;
    if (is_i16(draft, op.w) && kernel.depthwise()) {
      weights = {add_constant(draft, pack_depthwise(w.contents), name), Factors::i16};
    } else if (of_bytes) {
      weights = {add_constant(draft, pack_dequantized_convolution(*w.integers, c.group), name),
                 Factors::f32_i8};
    } else if (is_i16(draft, op.w)) {
      weights = add_integers(draft, pack_integer_convolution(w.contents, c.group), name);
      ensure(weights.tensor >= 0, "a convolution with a kernel but no packed weights");
    } else {
      weights.tensor = add_constant(draft,
                                    kernel.depthwise() ? pack_depthwise(w.contents)
                                    : winograd         ? pack_winograd(w.contents)
                                                       : pack_convolution(w.contents, c.group),
                                    name);
    }
  }
  kernel.factors = weights.factors;
  const bool pointwise = kernel.kh == 1 && kernel.kw == 1 && kernel.stride_h == 1 && kernel.stride_w == 1 &&
                         c.group == 1 && kernel.pad_top.is(0) && kernel.pad_left.is(0) &&
                         kernel.oh == kernel.h && kernel.ow == kernel.w;
  const Dim pixels = kernel.h * kernel.w;
  const bool dense = kernel.x_batch_stride == pixels * kernel.x_pixel_stride &&
                     kernel.x_row_stride == kernel.w * kernel.x_pixel_stride &&
                     kernel.out_batch_stride == pixels * kernel.out_pixel_stride &&
                     kernel.out_row_stride == kernel.w * kernel.out_pixel_stride;
  if (!pointwise || !dense) return kernel_op(kernel, op.x, weights.tensor, op.out, op.epilogue_tensors);
  // A 1 x 1 convolution is a product of all pixels with the weights.
  Matmul product;
  product.m = kernel.n * pixels;
  product.n = kernel.m;
  product.k = kernel.c;
  product.factors = kernel.factors;
  product.lhs_row_stride = kernel.x_pixel_stride;
  product.rhs = Matmul::Rhs::packed;
  product.out_row_stride = kernel.out_pixel_stride;
  product.epilogue = kernel.epilogue;
  choose_algorithm(product, options.choices);
  return kernel_op(product, op.x, weights.tensor, op.out, op.epilogue_tensors);
}

// --- Products of matrices.

// One dimension of an einsum, with its stride in each tensor (0 where the tensor has no such dimension).
struct Axis {
  char label = 0;
  Dim extent, lhs, rhs, out;
  bool in_lhs = false, in_rhs = false, in_out = false;
};

std::optional<std::vector<Axis>> axes_of(const Draft& draft, const EinsumOp& op) {
  std::map<char, Axis> axes;
  const auto add = [&](const std::string& labels, int tensor, Dim Axis::* stride, bool Axis::* present) {
    for (std::size_t d = 0; d < labels.size(); ++d) {
      Axis& axis = axes[labels[d]];
      if (axis.*present) return false;  // a diagonal
      axis.label = labels[d];
      axis.*present = true;
      axis.*stride = draft.at(tensor).layout.strides[d];
      axis.extent = draft.at(tensor).shape[d];
    }
    return true;
  };
  if (!add(op.labels.lhs, op.lhs, &Axis::lhs, &Axis::in_lhs) ||
      !add(op.labels.rhs, op.rhs, &Axis::rhs, &Axis::in_rhs) ||
      !add(op.labels.out, op.out, &Axis::out, &Axis::in_out)) {
    return std::nullopt;
  }
  std::vector<Axis> list;
  for (const char label : op.labels.out) list.push_back(axes[label]);
  for (const auto& [label, axis] : axes) {
    if (!axis.in_out) list.push_back(axis);
  }
  return list;
}

// Merges two axes of one role (m with m, k with k) where `inner` continues `outer` in every tensor that has
// them.
void merge(std::vector<Axis>& axes) {
  for (std::size_t i = 0; i + 1 < axes.size();) {
    const Axis &outer = axes[i], &inner = axes[i + 1];
    const bool same_role =
        outer.in_lhs == inner.in_lhs && outer.in_rhs == inner.in_rhs && outer.in_out == inner.in_out;
    const auto continues = [&](bool present, const Dim& a, const Dim& b) {
      return !present || a == b * inner.extent;
    };
    if (same_role && continues(outer.in_lhs, outer.lhs, inner.lhs) &&
        continues(outer.in_rhs, outer.rhs, inner.rhs) && continues(outer.in_out, outer.out, inner.out)) {
      axes[i + 1].extent = outer.extent * inner.extent;
      axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

// The longest axis of a role whose stride in one tensor is 1, taken out of the list; else, if `any`, the
// longest at all.
std::optional<Axis> take(std::vector<Axis>& axes, bool in_lhs, bool in_rhs, bool in_out, Dim Axis::* unit,
                         bool any) {
  const auto role = [&](const Axis& axis) {
    return axis.in_lhs == in_lhs && axis.in_rhs == in_rhs && axis.in_out == in_out;
  };
  auto best = axes.end();
  for (auto axis = axes.begin(); axis != axes.end(); ++axis) {
    if (!role(*axis)) continue;
    if (unit != nullptr && (*axis.*unit).is(1)) {
      best = axis;
      break;
    }
    if (any && (best == axes.end() || best->extent.upper() < axis->extent.upper())) best = axis;
  }
  if (best == axes.end()) return std::nullopt;
  const Axis taken = *best;
  axes.erase(best);
  return taken;
}

// Whether scales and zero points of the right side are one, or one per column of the product.
bool scales_are_by_column(const EinsumOp& op, const ir::Dequantization& weights) {
  if (weights.axis < 0) return true;
  const auto is_column = [&](char label) { return op.labels.lhs.find(label) == std::string::npos; };
  return is_column(op.labels.rhs[static_cast<std::size_t>(weights.axis)]) &&
         std::count_if(op.labels.rhs.begin(), op.labels.rhs.end(), is_column) == 1;
}

std::optional<KernelOp> matmul_kernel(Draft& draft, const EinsumOp& op, PackedWeights& packed,
                                      const KernelChoices& choices) {
  const bool integers = multiplies_integers(draft, op.lhs, op.rhs, op.epilogue);
  if (!integers && !multiplies_floats(draft, op.lhs, op.rhs, op.out, op.epilogue)) return std::nullopt;
  std::optional<std::vector<Axis>> found = axes_of(draft, op);
  if (!found) return std::nullopt;
  std::vector<Axis>& axes = *found;
  // A size of 1 has no stride to speak of.
  std::erase_if(axes, [](const Axis& axis) { return axis.extent.is(1); });
  merge(axes);
  const Axis one{.label = 0, .extent = 1, .lhs = 1, .rhs = 1, .out = 1};

  // Columns must be contiguous in the output, the summed dimension in the left operand.
  const auto role = [](bool l, bool r, bool o) {
    return [=](const Axis& axis) { return axis.in_lhs == l && axis.in_rhs == r && axis.in_out == o; };
  };
  const bool has_columns = std::any_of(axes.begin(), axes.end(), role(false, true, true));
  const bool has_sum = std::any_of(axes.begin(), axes.end(), role(true, true, false));
  const std::optional<Axis> n = has_columns ? take(axes, false, true, true, &Axis::out, false) : one;
  const std::optional<Axis> k = has_sum ? take(axes, true, true, false, &Axis::lhs, false) : one;
  if (!n || !k) return std::nullopt;
  const Axis m = take(axes, true, false, true, nullptr, true).value_or(one);
  // What is left to sum over would need several passes; labels of one operand alone are sums before the
  // product.
  for (const Axis& axis : axes) {
    if (!axis.in_out) return std::nullopt;
  }

  Matmul kernel;
  kernel.m = m.extent;
  kernel.n = n->extent;
  kernel.k = k->extent;
  kernel.lhs_row_stride = m.lhs;
  kernel.out_row_stride = m.out;
  kernel.epilogue = finished(draft, op.epilogue, op.out);
  if (integers) kernel.factors = Factors::i16;
  for (const Axis& axis : axes) kernel.batch.push_back({axis.extent, axis.lhs, axis.rhs, axis.out});

  const DraftTensor& rhs = draft.at(op.rhs);
  const bool shared = std::all_of(axes.begin(), axes.end(), [](const Axis& axis) { return !axis.in_rhs; });
  int right = op.rhs;
  Packed weights;
  if (rhs.home == DraftTensor::Home::constant && shared && k->extent.is_constant() &&
      n->extent.is_constant()) {
    const std::string form = op.labels.rhs + " " + k->rhs.to_string() + " " + n->rhs.to_string();
    Packed& known = packed.try_emplace({op.rhs, form}).first->second;
    if (known.tensor < 0) {
      const int64_t depth = k->extent.value(), columns = n->extent.value(), k_stride = k->rhs.value(),
                    n_stride = n->rhs.value();
      const ir::Tensor contents = rhs.contents;
      const std::string name = rhs.name;
      if (rhs.integers && scales_are_by_column(op, *rhs.integers)) {
        const auto weights_of = rhs.integers;
        known = {add_constant(draft, pack_dequantized_matrix(*weights_of, depth, columns, k_stride, n_stride),
                              name),
                 Factors::f32_i8};
      } else if (integers) {
        known = add_integers(draft, pack_integer_matrix(contents, depth, columns, k_stride, n_stride), name);
        known.k = depth;
        known.n = columns;
        known.k_stride = k_stride;
        known.n_stride = n_stride;
      } else {
        known.tensor = add_constant(draft, pack_matrix(contents, depth, columns, k_stride, n_stride), name);
      }
    }
    weights = known;
  }
  if (weights.tensor >= 0) {
    right = weights.tensor;
    kernel.rhs = Matmul::Rhs::packed;
    kernel.factors = weights.factors;
  } else if (n->rhs.is(1)) {
    kernel.rhs = Matmul::Rhs::rows;
    kernel.rhs_stride = k->rhs;
  } else if (k->rhs.is(1) && !integers) {
    kernel.rhs = Matmul::Rhs::columns;
    kernel.rhs_stride = n->rhs;
  } else {
    return std::nullopt;
  }
  choose_algorithm(kernel, choices);
  return kernel_op(kernel, op.lhs, right, op.out, op.epilogue_tensors);
}

// The product with its sides exchanged: out^T = rhs^T lhs^T.
EinsumOp exchanged(const EinsumOp& op) {
  EinsumOp other = op;
  std::swap(other.lhs, other.rhs);
  std::swap(other.labels.lhs, other.labels.rhs);
  return other;
}

void choose(Draft& draft, Block& block, PackedWeights& packed, const KernelOptions& options) {
  for (Operation& operation : block) {
    for (Block* inner : blocks_of(operation)) choose(draft, *inner, packed, options);
    if (const auto* convolution = operation.as<ConvolutionOp>()) {
      if (has_kernel(draft, *convolution))
        operation.what = convolution_kernel(draft, *convolution, packed, options);
    } else if (const auto* einsum = operation.as<EinsumOp>()) {
      std::optional<KernelOp> kernel = matmul_kernel(draft, *einsum, packed, options.choices);
      if (!kernel && einsum->epilogue_tensors.empty())
        kernel = matmul_kernel(draft, exchanged(*einsum), packed, options.choices);
      if (kernel) operation.what = std::move(*kernel);
    }
  }
}

}  // namespace

bool has_kernel(const Draft& draft, const ConvolutionOp& convolution) {
  const ir::Convolution& attributes = convolution.attributes;
  const DraftTensor& w = draft.at(convolution.w);
  const std::size_t rank = draft.at(convolution.x).shape.size();
  if ((rank != 3 && rank != 4) || w.home != DraftTensor::Home::constant || w.contents.count() == 0)
    return false;
  if (multiplies_integers(draft, convolution.x, convolution.w, convolution.epilogue)) {
    return !attributes.transposed && (is_depthwise(draft, convolution) || fits_bytes(w.contents));
  }
  if (!multiplies_floats(draft, convolution.x, convolution.w, convolution.out, convolution.epilogue))
    return false;
  if (!attributes.transposed) return true;
  for (std::size_t i = 0; i < attributes.strides.size(); ++i) {
    if (attributes.dilations[i] != 1 || !attributes.pads_begin[i].is_constant() ||
        attributes.pads_begin[i].value() < 0 || w.shape[i + 2].value() < attributes.strides[i]) {
      return false;
    }
  }
  return true;
}

bool takes_planes(const Draft& draft, const ConvolutionOp& convolution) {
  const ir::Convolution& attributes = convolution.attributes;
  const DraftTensor &x = draft.at(convolution.x), &w = draft.at(convolution.w);
  if (!has_kernel(draft, convolution) || attributes.transposed || attributes.group != 1 ||
      x.type != ir::DType::f32 || w.shape[1].value() > kMostPlanes || attributes.dilations.back() != 1 ||
      w.shape.back().value() > kMostPlaneTaps || !x.layout.strides.back().is(1)) {
    return false;
  }
  // Channels-last after all; what Winograd's algorithm reads; products.
  const bool strided = std::any_of(attributes.strides.begin(), attributes.strides.end(),
                                   [](int64_t stride) { return stride > 1; });
  const bool is_channels_last = !x.shape[1].is(1) && x.layout.strides[1].is(1);
  return !is_channels_last && strided && w.shape.back().value() > 1;
}

void choose_kernels(Draft& draft, const KernelOptions& options) {
  PackedWeights packed;
  choose(draft, draft.block, packed, options);
  std::vector<PackedMatrix> matrices;
  for (const auto& [from, p] : packed) {
    if (p.tensor >= 0 && p.n > 0)
      matrices.push_back(
          {from.first, p.tensor, p.k, p.n, p.k_stride, p.n_stride, p.factors == Factors::i16_i8_offsets});
  }
  share_packed_weights(draft, matrices);
}

}  // namespace o2w::schedule
