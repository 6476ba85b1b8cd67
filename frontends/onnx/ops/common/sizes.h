// Small things that many lowerings need: sizes as numbers, axes, shapes with parts replaced.
#pragma once

#include <string>
#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// A size as a scalar of `type` (a literal when it is known).
ir::Expr size_as(ir::DType type, const ir::Dim& size);
// numerator / denominator as ONNX Runtime computes scale factors: both rounded to f32, divided in f32.
ir::Expr size_ratio(const ir::Dim& numerator, const ir::Dim& denominator);

// first, first + 1, .., last - 1.
std::vector<int> axis_range(int first, int last);
// The shape with the given dimensions set to 1.
ir::Shape with_ones(ir::Shape shape, const std::vector<int>& axes);
ir::Shape leading(const ir::Shape& shape, int count);
ir::Shape trailing(const ir::Shape& shape, int first);
// Product of the dimensions at `axes`.
ir::Dim count_along(const ir::Shape& shape, const std::vector<int>& axes);

// The sizes must be the same: an error now when they cannot be, a run-time check when that is not known.
// `what` begins the message.
void require_equal(Lowering& l, const ir::Dim& a, const ir::Dim& b, const std::string& what);
// `divisor` must divide `size`; returns the quotient.
ir::Dim divide_exactly(Lowering& l, const ir::Dim& size, const ir::Dim& divisor, const std::string& what);

// A 1-D value's element for point `position`, where a tensor of one element (any rank) serves all positions.
ir::Expr vector_or_scalar_at(ir::Body& body, ir::Value* value, const ir::Expr& position);

}  // namespace o2w::onnx_frontend
