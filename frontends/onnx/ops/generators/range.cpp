// Range: start, start + delta, ... up to, but not including, limit.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;

// Number of elements where the bounds are known or symbolic integers and the step is a constant.
std::optional<Dim> known_count(const std::optional<std::vector<Dim>>& start,
                               const std::optional<std::vector<Dim>>& limit,
                               const std::optional<std::vector<Dim>>& delta) {
  if (!start || !limit || !delta || !(*delta)[0].is_constant()) return std::nullopt;
  const int64_t step = (*delta)[0].value();
  const Dim span = step > 0 ? (*limit)[0] - (*start)[0] : (*start)[0] - (*limit)[0];
  return ir::max(ir::ceildiv(span, step > 0 ? step : -step), 0);
}

void lower_range(Lowering& l) {
  ir::Value* scalars[3];
  for (int i = 0; i < 3; ++i) {
    scalars[i] = as_scalar(l, l.input(i), "an input");
  }
  const DType type = scalars[0]->type;
  const auto [start, limit, delta] = scalars;
  if (const ir::Tensor* step = l.constant(delta); step && step->as_double(0) == 0)
    l.fail("the step (input 2) is 0");

  std::optional<Dim> count;
  if (ir::is_integer(type))
    count = known_count(l.known_sizes(start), l.known_sizes(limit), l.known_sizes(delta));
  if (!count) {
    // max(ceil((limit - start) / delta), 0); integers are exact in f64 as far as a tensor can be long.
    const DType real = type == DType::f64 || ir::is_integer(type) ? DType::f64 : DType::f32;
    ir::Value* number = l.b().map(DType::i64, {start, limit, delta}, [&](std::span<const Expr> e) {
      const Expr quotient = (ir::cast(real, e[1]) - ir::cast(real, e[0])) / ir::cast(real, e[2]);
      return ir::cast(DType::i64, ir::max(ir::unary(ExprOp::ceil, quotient), 0.0));
    });
    count = l.sizes(number, "range")[0];
  }
  l.output(0, l.b().tabulate(type, {*count}, [&](ir::Body& body, ir::Builder::Indices i) {
    return body.at(start, {}) + ir::cast(ir::compute_type(type), i[0]) * body.at(delta, {});
  }));
}
const RegisterOperator range(
    {.name = "Range", .versions = {11, 27}, .types = {{"T", kNumeric}}, .lower = lower_range});
const RegisterOperator ms_range({.domain = "com.microsoft",
                                 .name = "Range",
                                 .versions = {1},
                                 .types = {{"T", kNumeric}},
                                 .lower = lower_range});

}  // namespace
}  // namespace o2w::onnx_frontend
