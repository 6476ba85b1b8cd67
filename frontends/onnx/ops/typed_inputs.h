// A node's inputs by class of element type. A type outside of the class is a ModelError that names the input
// and both types, so that lowerings may build expressions without thinking of types that ONNX does not allow
// there.
#pragma once

#include <string>
#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// Any type, strings and complex numbers included: for operators that only move elements about, or choose
// between them.
ir::Value* movable_input(Lowering& lowering, int i);
ir::Value* numeric_input(Lowering& lowering, int i);  // integers and floats
ir::Value* float_input(Lowering& lowering, int i);
ir::Value* integer_input(Lowering& lowering, int i);
ir::Value* boolean_input(Lowering& lowering, int i);

// The elements of integer input `i`, of which there must be `count`: constant, symbolic or bound at run time
// (then named by `hint`). Unlike Lowering::sizes, this lets the tensor's length be known only when the model
// runs.
std::vector<ir::Dim> sizes_input(Lowering& lowering, int i, std::size_t count, const char* hint);

// Both values must have one element type.
void expect_same_type(Lowering& lowering, const ir::Value* a, const ir::Value* b);

// The value as a scalar; it must have one element (many exporters write [1] where ONNX says scalar).
ir::Value* as_scalar(Lowering& lowering, ir::Value* value, const char* what);

// The only element of a constant as a literal of its compute type.
ir::Expr literal_from(const ir::Tensor& tensor);
// A real number as a literal of `type`; integers take the number towards zero, saturating.
ir::Expr literal_number(ir::DType type, double number);

// An element type given as an ONNX data type code (attributes `to`, `dtype`); ModelError unless it is a type
// tensors can have here.
ir::DType element_type(Lowering& lowering, int64_t code, const char* attribute);

}  // namespace o2w::onnx_frontend
