// One scalar operation of compiler/ir/expr.h as WebAssembly code. Total, as defined there: nothing traps.
//
// Representation: f32, f64, i64 and u64 as themselves; all else in an i32: integers narrower than 32 bits
// sign- or zero-extended as their type says, bool as 0 or 1, storage-only floats as their bits. `index` is an
// i32.
#pragma once

#include "compiler/codegen/function_table.h"
#include "compiler/ir/expr.h"

namespace o2w::codegen {

// ModelError for types that do not exist in generated code (strings, complex numbers).
WasmType wasm_type(ir::DType type);

class ScalarOps {
 public:
  ScalarOps(FunctionTable& functions, FunctionBuilder& f) : functions_(functions), f_(f) {}

  FunctionTable& functions() { return functions_; }

  Tree literal(ir::DType type, const ir::Literal& value);
  // `type` is the operand's.
  Tree unary(ir::ExprOp op, ir::DType type, Tree a);
  // `type` is the operands'; `rhs` is the right side as an expression (a literal there makes for simpler
  // code).
  Tree binary(ir::ExprOp op, ir::DType type, Tree a, Tree b, const ir::Expr& rhs);
  Tree cast(ir::DType from, ir::DType to, Tree a);
  Tree bitcast(ir::DType from, ir::DType to, Tree a);
  // One element in memory. Addresses are of any alignment (a host chooses those of its buffers).
  Tree load(ir::DType type, Tree address);
  void store(ir::DType type, Tree address, Tree value);

  // Name of the runtime library's function for a transcendental operator; suffix "f32x4" or "f64".
  static std::string math_function(ir::ExprOp op, const char* suffix);
  static bool is_math(ir::ExprOp op);  // computed by the runtime library for floats

 private:
  Tree normalise(ir::DType type, Tree a);
  Tree saturate(ir::DType type, Tree a);
  Tree math(ir::ExprOp op, ir::DType type, std::vector<Tree> arguments);
  Tree integer_unary(ir::ExprOp op, ir::DType type, Tree a);
  Tree float_unary(ir::ExprOp op, ir::DType type, Tree a);
  Tree integer_binary(ir::ExprOp op, ir::DType type, Tree a, Tree b, const ir::Expr& rhs);
  Tree float_binary(ir::ExprOp op, ir::DType type, Tree a, Tree b, const ir::Expr& rhs);
  Tree divide(ir::ExprOp op, ir::DType type, Tree a, Tree b, const ir::Expr& rhs);
  Tree divide_by_literal(ir::ExprOp op, ir::DType type, Tree a, int64_t divisor);
  Tree compare(ir::ExprOp op, ir::DType type, Tree a, Tree b);
  Tree power(ir::DType type, Tree a, Tree b);
  Tree number(WasmType type, int64_t value);  // an i32 or i64 constant
  Tree real(WasmType type, double value);     // an f32 or f64 constant

  FunctionTable& functions_;
  FunctionBuilder& f_;
};

}  // namespace o2w::codegen
