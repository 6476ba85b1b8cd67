// ConvTranspose: the gradient of a convolution by its input; and com.microsoft.ConvTransposeWithDynamicPads.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/common/window.h"
#include "frontends/onnx/ops/conv/convolution.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Value;

std::vector<int64_t> output_padding_of(Lowering& l, int spatial) {
  auto padding =
      l.ints_attribute("output_padding", std::vector<int64_t>(static_cast<std::size_t>(spatial), 0));
  if (static_cast<int>(padding.size()) != spatial) {
    l.fail("attribute output_padding has {} entries, expected {}", padding.size(), spatial);
  }
  for (int64_t p : padding) {
    if (p < 0 || p > INT32_MAX) l.fail("attribute output_padding has the entry {}, expected 0 or more", p);
  }
  return padding;
}

// What an input gives instead of the attribute `pads`.
using PadsInput = std::optional<std::vector<Dim>>;

std::vector<Dim> pads_of(Lowering& l, int spatial, const std::string& auto_pad, const PadsInput& given) {
  std::vector<Dim> pads(static_cast<std::size_t>(2 * spatial), 0);
  if (given) {
    pads = *given;
  } else if (auto_pad != "VALID" && l.has_attribute("pads")) {
    const std::vector<int64_t> listed = l.ints_attribute("pads", {});
    pads.assign(listed.begin(), listed.end());
  }
  if (static_cast<int>(pads.size()) != 2 * spatial) {
    l.fail("there are {} pads, but {} are needed", pads.size(), 2 * spatial);
  }
  return pads;
}

void lower_with(Lowering& l, Value* bias, const PadsInput& given_pads) {
  Value* x = l.input(0);
  Value* w = l.input(1);
  l.expect_rank(x, 3, 64, "input X");
  l.expect_rank(w, x->rank(), x->rank(), "weights W");
  const int spatial = x->rank() - 2;
  const int64_t group = l.int_attribute("group", 1);
  if (group < 1 || group > INT32_MAX) l.fail("attribute group is {}, expected 1..{}", group, INT32_MAX);
  require_equal(l, x->shape[1], w->shape[0], "channels of X and of W");
  divide_exactly(l, x->shape[1], group, "input channels by group");
  if (l.has_attribute("kernel_shape")) {
    const auto given = spatial_attribute(l, "kernel_shape", spatial);
    for (std::size_t d = 0; d < given.size(); ++d) {
      require_equal(l, w->shape[d + 2], given[d], "kernel_shape and the weights' shape");
    }
  }
  ir::Convolution attributes;
  attributes.strides = spatial_attribute(l, "strides", spatial);
  attributes.dilations = spatial_attribute(l, "dilations", spatial);
  attributes.group = group;
  attributes.transposed = true;
  const auto output_padding = output_padding_of(l, spatial);
  const std::string auto_pad = l.string_attribute("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty()) {
    l.fail("attribute auto_pad is '{}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto_pad);
  }
  auto output_shape = l.ints_attribute("output_shape", {});
  if (static_cast<int>(output_shape.size()) == spatial + 2)
    output_shape.erase(output_shape.begin(), output_shape.begin() + 2);
  if (!output_shape.empty() && static_cast<int>(output_shape.size()) != spatial) {
    l.fail("attribute output_shape has {} entries, expected {}", output_shape.size(), spatial);
  }
  const std::vector<Dim> pads = pads_of(l, spatial, auto_pad, given_pads);

  ir::Shape shape = {x->shape[0], w->shape[1] * Dim(group)};
  for (int d = 0; d < spatial; ++d) {
    const auto k = static_cast<std::size_t>(d);
    const Dim extent = (w->shape[k + 2] - 1) * Dim(attributes.dilations[k]) + 1;
    // The size without any padding: what the kernel can reach, plus output_padding.
    const Dim full = (x->shape[k + 2] - 1) * Dim(attributes.strides[k]) + extent + Dim(output_padding[k]);
    if (!same && output_shape.empty()) {
      const Dim size = full - pads[k] - pads[k + static_cast<std::size_t>(spatial)];
      if (!ir::provably_less_equal(1, size)) {
        l.b().require(ir::Require::Relation::less_equal, 1, size,
                      fmt::format("the padding of spatial dimension {} leaves no output", d));
      }
      attributes.pads_begin.emplace_back(pads[k]);
      shape.push_back(size);
      continue;
    }
    const Dim size =
        output_shape.empty() ? x->shape[k + 2] * Dim(attributes.strides[k]) : Dim(output_shape[k]);
    if (size.upper() < 1)
      l.fail("attribute output_shape has the entry {}, expected a positive number", size.to_string());
    // total = begin + end; negative when the output is larger than what the kernel reaches, then zeros follow
    // at the end.
    const Dim total = full - size;
    const Dim smaller = ir::floordiv(ir::max(total, 0), 2);
    attributes.pads_begin.push_back(auto_pad == "SAME_UPPER" ? smaller : ir::max(total, 0) - smaller);
    shape.push_back(size);
  }
  Value* y = l.b().convolution(x, w, std::move(attributes), std::move(shape), ir::compute_type(x->type));
  l.output(0, add_channel_bias(l, y, bias, x->type));
}

void lower(Lowering& l) { lower_with(l, l.optional_input(2), std::nullopt); }

void lower_with_pads_input(Lowering& l) {
  PadsInput pads;
  if (Value* given = l.optional_input(2)) {
    l.expect_rank(given, 1, 1, "input Pads");
    pads = l.sizes(given, "pad");
    for (const Dim& pad : *pads) {
      if (ir::provably_less_equal(0, pad)) continue;
      l.b().require(ir::Require::Relation::less_equal, 0, pad, "a pad must not be negative");
    }
  }
  lower_with(l, l.optional_input(3), pads);
}

const RegisterOperator conv_transpose(
    {.name = "ConvTranspose", .versions = {1, 11, 22}, .types = {{"T", kFloats}}, .lower = lower});

const RegisterOperator with_dynamic_pads({.domain = "com.microsoft",
                                          .name = "ConvTransposeWithDynamicPads",
                                          .versions = {1},
                                          .types = {{"T", kFloats, inputs(0, 1, 3)},
                                                    {"tensor(int64)", kInt64, inputs(2)}},
                                          .lower = lower_with_pads_input});

}  // namespace
}  // namespace o2w::onnx_frontend
