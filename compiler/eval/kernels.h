// Operations on runs of elements, one function per operation and type: what a BlockProgram is made of.
#pragma once

#include <cstdint>

#include "compiler/ir/expr.h"

namespace o2w::eval {

// `in`, `a`, `b` and `out` are dense runs of `count` elements. A null kernel means that the operation does
// not exist for the type.
using UnaryKernel = void (*)(const void* in, void* out, int64_t count);
using BinaryKernel = void (*)(const void* a, const void* b, void* out, int64_t count);

// `type` is the operand's type; isnan, isinf and comparisons give boolean bytes.
UnaryKernel unary_kernel(ir::ExprOp op, ir::DType type);
BinaryKernel binary_kernel(ir::ExprOp op, ir::DType type);

// Numeric conversion between any two types but strings and complex numbers (those: InternalError),
// storage-only types included. `in` and `out` must not overlap.
void cast_elements(ir::DType from, ir::DType to, const void* in, void* out, int64_t count);

// Bytes of an element in a block register or a tensor: an index has 8, as in the evaluator it is an int64_t.
inline int element_size(ir::DType type) { return type == ir::DType::index ? 8 : ir::byte_size(type); }

}  // namespace o2w::eval
