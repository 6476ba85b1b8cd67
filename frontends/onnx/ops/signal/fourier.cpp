#include "frontends/onnx/ops/signal/fourier.h"

#include <numbers>

#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

Value* fourier(Lowering& l, Value* x, const Dim& length, const Dim& bins, bool inverse) {
  const DType type = ir::compute_type(x->type);
  // table[part of x, n, k, part of y]: y = (re + i im)(cos -+ i sin). The angle is reduced in integers and
  // computed in f64, so that its error does not grow with n * k.
  Value* table =
      l.b().tabulate(type, {x->shape[3], x->shape[1], bins, 2}, [&](ir::Body&, ir::Builder::Indices i) {
        const Expr turns = ir::cast(DType::i64, i[1]) * ir::cast(DType::i64, i[2]);
        const Expr step = mod(turns, ir::cast(DType::i64, Expr(length)));
        const Expr angle = ir::cast(DType::f64, step) * (2 * std::numbers::pi) / size_as(DType::f64, length);
        const Expr cosine = ir::unary(ExprOp::cos, angle);
        const Expr sine = ir::unary(ExprOp::sin, angle) * (inverse ? -1.0 : 1.0);
        const Expr entry = select(eq(i[0], i[3]), cosine, select(eq(i[0], Expr(0)), -sine, sine));
        return ir::cast(type, inverse ? entry / size_as(DType::f64, length) : entry);
      });
  return l.b().einsum(l.b().cast(x, type), table, "abcd", "dbke", "akce", type);
}

Value* real_inverse_fourier(Lowering& l, Value* x, const Dim& length) {
  const DType type = ir::compute_type(x->type);
  // table[part of x, k, n]: bins between the first and the middle one stand for their conjugates too, so
  // count twice.
  Value* table =
      l.b().tabulate(type, {x->shape[3], x->shape[1], length}, [&](ir::Body&, ir::Builder::Indices i) {
        const Expr turns = ir::cast(DType::i64, i[1]) * ir::cast(DType::i64, i[2]);
        const Expr step = mod(turns, ir::cast(DType::i64, Expr(length)));
        const Expr angle = ir::cast(DType::f64, step) * (2 * std::numbers::pi) / size_as(DType::f64, length);
        const Expr turned =
            select(eq(i[0], Expr(0)), ir::unary(ExprOp::cos, angle), -ir::unary(ExprOp::sin, angle));
        const Expr alone = eq(i[1], Expr(0)) || eq(i[1] * Expr(2), Expr(length));
        const Expr weight = select(alone, ir::literal_of(DType::f64, 1), ir::literal_of(DType::f64, 2));
        return ir::cast(type, turned * weight / size_as(DType::f64, length));
      });
  return l.b().einsum(l.b().cast(x, type), table, "abcd", "dbn", "anc", type);
}

}  // namespace o2w::onnx_frontend
