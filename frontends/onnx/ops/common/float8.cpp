#include "frontends/onnx/ops/common/float8.h"

#include "compiler/support/error.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::ExprOp;

bool is_float8(DType type) {
  return type == DType::f8e4m3fn || type == DType::f8e4m3fnuz || type == DType::f8e5m2 ||
         type == DType::f8e5m2fnuz;
}

Expr to_float8(DType type, const Expr& x, bool saturate) {
  // Storing saturates, but keeps the infinities of the only type that has some.
  if (saturate) return type == DType::f8e5m2 ? min(max(x, -57344.0), 57344.0) : x;
  // The least magnitude that rounds to more than the largest number: half a unit in its last place beyond it.
  // There, ties go to the largest number if it is even in its last place, as 448 is.
  double bound = 0;
  switch (type) {
    case DType::f8e4m3fn:
      bound = 464;  // largest 448, its unit 32
      break;
    case DType::f8e4m3fnuz:
      bound = 248;  // largest 240, its unit 16
      break;
    case DType::f8e5m2:
    case DType::f8e5m2fnuz:
      bound = 61440;  // largest 57344, its unit 8192
      break;
    default:
      fail_internal("no 8-bit float");
  }
  const Expr magnitude = ir::unary(ExprOp::abs, x);
  const Expr overflows = type == DType::f8e4m3fn ? ir::gt(magnitude, bound) : ir::ge(magnitude, bound);
  const Expr infinity = x / 0.0;
  return ir::select(overflows, type == DType::f8e5m2 ? infinity : infinity * 0.0, x);
}

}  // namespace o2w::onnx_frontend
