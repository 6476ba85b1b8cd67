// Exact folding of operations on literals; shared by the constructors of Expr.
#pragma once

#include "compiler/ir/expr.h"

namespace o2w::ir {

// Literals in compute types. Null where the result would not be the module's bits (transcendental functions)
// or where positions would leave their range.
Expr fold_cast(DType type, const Expr& literal);  // always folds
Expr fold_unary(ExprOp op, const Expr& literal);
Expr fold_binary(ExprOp op, const Expr& a, const Expr& b);

}  // namespace o2w::ir
