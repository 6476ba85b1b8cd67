// AffineGrid: the positions in [-1, 1] that GridSample reads at, an affine map of the output's own positions.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;

void lower_affine_grid(Lowering& l) {
  ir::Value* theta = l.input(0);  // [batch, n, n + 1] for n spatial dimensions
  l.expect_rank(theta, 3, 3, "input 0");
  const Dim rows = theta->shape[1];
  const auto known = rows.constant();
  if (!known || (*known != 2 && *known != 3)) l.fail("input 0 must have shape [N, 2, 3] or [N, 3, 4]");
  const auto n = static_cast<std::size_t>(*known);
  l.b().require(ir::Require::Relation::equal, theta->shape[2], rows + 1,
                "input 0 must have shape [N, 2, 3] or [N, 3, 4]");
  const std::vector<Dim> size = sizes_input(l, 1, n + 2, "size");  // batch, channels, then spatial
  l.b().require(ir::Require::Relation::equal, size[0], theta->shape[0],
                "both inputs must have one batch size");
  const bool align_corners = l.int_attribute("align_corners", 0) != 0;
  const ir::DType type = ir::compute_type(theta->type);

  ir::Shape shape = {theta->shape[0]};
  shape.insert(shape.end(), size.begin() + 2, size.end());
  shape.emplace_back(rows);
  l.output(0, l.b().tabulate(theta->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr row = i[n + 1];
    Expr sum = body.at(theta, {i[0], row, static_cast<int64_t>(n)});
    // Coordinates come in the order x, y, z: the last dimension's first.
    for (std::size_t k = 0; k < n; ++k) {
      const Expr at = ir::cast(type, i[n - k]), extent = ir::cast(type, Expr(size[n + 1 - k]));
      const Expr coordinate =
          align_corners ? at * 2.0 / (extent - 1.0) - 1.0 : (at * 2.0 + 1.0) / extent - 1.0;
      sum = sum + body.at(theta, {i[0], row, static_cast<int64_t>(k)}) * coordinate;
    }
    return sum;
  }));
}
const RegisterOperator affine_grid({.name = "AffineGrid",
                                    .versions = {20},
                                    .types = {{"T1", kFloats, inputs(0)}, {"T2", kInt64, inputs(1)}},
                                    .lower = lower_affine_grid});

}  // namespace
}  // namespace o2w::onnx_frontend
