#include "frontends/onnx/ops/common/window.h"

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::Expr;

Expr Window::position(int d, const Expr& out, const Expr& in_window) const {
  const auto k = static_cast<std::size_t>(d);
  Expr position = out * Expr(strides[k]) + in_window * Expr(dilations[k]);
  return pads_begin[k].is(0) ? position : position - Expr(pads_begin[k]);
}

Expr Window::inside(int d, const Expr& position) const {
  const auto k = static_cast<std::size_t>(d);
  Expr guard;
  if (!ir::provably_less_equal(pads_begin[k], 0)) guard = ge(position, Expr(0));
  const Dim span = (kernel[k] - 1) * Dim(dilations[k]);
  const Dim last = (output[k] - 1) * Dim(strides[k]) + span - pads_begin[k];
  // Where no window overhangs and there is no padding at the end, the last window ends inside by
  // construction of the output size, also where the algebra cannot see it.
  const bool by_construction = !overhangs[k] && ir::provably_less_equal(pads_end[k], 0);
  if (!by_construction && !ir::provably_less_equal(last, input[k] - 1)) {
    Expr below = lt(position, Expr(input[k]));
    guard = guard ? guard && below : below;
  }
  return guard;
}

std::vector<int64_t> spatial_attribute(Lowering& l, const char* name, int rank) {
  auto values = l.ints_attribute(name, std::vector<int64_t>(static_cast<std::size_t>(rank), 1));
  if (static_cast<int>(values.size()) != rank) {
    l.fail("attribute {} has {} entries, expected {} (one per spatial dimension)", name, values.size(), rank);
  }
  for (int64_t value : values) {
    if (value < 1 || value > INT32_MAX)
      l.fail("attribute {} has the entry {}, expected 1..{}", name, value, INT32_MAX);
  }
  return values;
}

namespace {

void check_pads(Lowering& l, const std::vector<int64_t>& pads, int rank) {
  if (static_cast<int>(pads.size()) != 2 * rank) {
    l.fail("attribute pads has {} entries, expected {} (begin and end per spatial dimension)", pads.size(),
           2 * rank);
  }
  for (int64_t pad : pads) {
    if (pad < INT32_MIN || pad > INT32_MAX)
      l.fail("attribute pads has the entry {}, which is out of range", pad);
  }
}

// The spatial dimension's output size and overhang, from its other members. `ceil_mode` rounds up.
void add_output_size(Lowering& l, Window& w, WindowUse use, bool ceil_mode) {
  const std::size_t k = w.output.size();
  const Dim stride = w.strides[k];
  const Dim extent = (w.kernel[k] - 1) * Dim(w.dilations[k]) + 1;
  const Dim padded = w.input[k] + w.pads_begin[k] + w.pads_end[k];
  const auto require_window = [&](const Dim& smallest) {
    l.b().require(
        ir::Require::Relation::less_equal, smallest, padded,
        fmt::format("the window of spatial dimension {} ({}) is too large for the padded input ({})", k,
                    extent.to_string(), padded.to_string()));
  };
  if (use == WindowUse::convolution) {
    require_window(extent);
    w.output.push_back(ir::floordiv(padded - extent, stride) + 1);
    w.overhangs.push_back(false);
    return;
  }
  l.b().require(ir::Require::Relation::less_equal, 1, w.input[k],
                fmt::format("spatial dimension {} of the pool's input must not be empty", k));
  // A window may be larger than the padded input by less than a stride, and by less than two strides gives
  // an output of size 0: ONNX Runtime rounds the quotient towards 0.
  require_window(extent - stride * Dim(2) + 1);
  const Dim rest = padded - extent;
  if (ceil_mode) {
    // A last window that would start in the padding at the end is dropped (ONNX 1.16 on, PyTorch, ONNX
    // Runtime).
    w.output.push_back(
        ir::min(ir::ceildiv(rest, stride) + 1, ir::ceildiv(w.input[k] + w.pads_begin[k], stride)));
    w.overhangs.push_back(true);
    return;
  }
  Dim size = ir::floordiv(rest, stride) + 1;
  const bool fits = ir::provably_less_equal(0, rest);
  if (!fits) size = ir::max(size, 1);
  if (!ir::provably_less_equal(1 - stride, rest)) size = ir::min(size, ir::ceildiv(rest, stride) + 1);
  w.output.push_back(std::move(size));
  w.overhangs.push_back(!fits);
}

}  // namespace

Window window_of(Lowering& l, ir::Shape input, WindowUse use, const ir::Shape* kernel) {
  const int rank = static_cast<int>(input.size());
  if (rank < 1) l.fail("the input has no spatial dimensions; expected [batch, channels, d1, ...]");
  Window w;
  if (kernel != nullptr) {
    w.kernel = *kernel;
    if (l.has_attribute("kernel_shape")) {
      const auto given = spatial_attribute(l, "kernel_shape", rank);
      for (std::size_t d = 0; d < given.size(); ++d) {
        require_equal(l, w.kernel[d], given[d], "kernel_shape and the weights' shape");
      }
    }
  } else {
    if (!l.has_attribute("kernel_shape")) l.fail("attribute kernel_shape is missing");
    for (int64_t size : spatial_attribute(l, "kernel_shape", rank)) w.kernel.emplace_back(size);
  }
  w.strides = spatial_attribute(l, "strides", rank);
  w.dilations = spatial_attribute(l, "dilations", rank);
  bool ceil_mode = use == WindowUse::pool && l.int_attribute("ceil_mode", 0) != 0;
  w.input = std::move(input);
  const std::string auto_pad = l.string_attribute("auto_pad", "NOTSET");
  std::vector<int64_t> pads(static_cast<std::size_t>(2 * rank), 0);
  if (auto_pad == "NOTSET" || auto_pad.empty()) {
    pads = l.ints_attribute("pads", pads);
    check_pads(l, pads, rank);
  } else if (auto_pad == "VALID") {
    ceil_mode = false;  // the specification rounds down for VALID whatever ceil_mode says
  } else if (auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") {
    l.fail("attribute auto_pad is '{}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto_pad);
  }
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  for (int d = 0; d < rank; ++d) {
    const auto k = static_cast<std::size_t>(d);
    const Dim stride = w.strides[k];
    const Dim extent = (w.kernel[k] - 1) * Dim(w.dilations[k]) + 1;
    if (same) {
      const Dim out = ir::ceildiv(w.input[k], stride);
      const Dim total = ir::max((out - 1) * stride + extent - w.input[k], 0);
      const Dim half = ir::floordiv(total, 2);
      w.pads_begin.push_back(auto_pad == "SAME_UPPER" ? half : total - half);
      w.pads_end.push_back(total - w.pads_begin.back());
      w.output.push_back(out);
      w.overhangs.push_back(false);
      continue;
    }
    w.pads_begin.emplace_back(pads[k]);
    w.pads_end.emplace_back(pads[k + static_cast<std::size_t>(rank)]);
    add_output_size(l, w, use, ceil_mode);
  }
  return w;
}

}  // namespace o2w::onnx_frontend
