// Matrix products of quantized operands, accumulated exactly in 32 bits.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// (A - a_zero) (B - b_zero) in i32, with numpy.matmul's shapes. Zero points of A go with its rows, those of B
// with its columns; null stands for 0.
ir::Value* integer_product(Lowering& l, ir::Value* a, ir::Value* a_zero, ir::Value* b, ir::Value* b_zero);
// The same for an A that has its zero point subtracted already.
ir::Value* integer_product(Lowering& l, ir::Value* a_differences, ir::Value* b, ir::Value* b_zero);

// A scale (or another parameter) at point `i` of a product: one element, one per row (of A) or column (of B),
// or a tensor of higher rank that broadcasts against the product.
ir::Expr row_parameter(ir::Body& body, ir::Value* parameter, const ir::Shape& shape, ir::Builder::Indices i);
ir::Expr column_parameter(ir::Body& body, ir::Value* parameter, const ir::Shape& shape,
                          ir::Builder::Indices i);

// sums * (a_scale * b_scale) + bias, f32; the bias may be null.
ir::Value* dequantized_product(Lowering& l, ir::Value* sums, ir::Value* a_scale, ir::Value* b_scale,
                               ir::Value* bias);

// a_scale * b_scale [* alpha] [/ y_scale] as a value of its own, one number or one per column, which folds
// where the scales are constants; null where a scale is per row or of higher rank.
ir::Value* column_factors(Lowering& l, double alpha, ir::Value* a_scale, ir::Value* b_scale,
                          ir::Value* y_scale);

}  // namespace o2w::onnx_frontend
