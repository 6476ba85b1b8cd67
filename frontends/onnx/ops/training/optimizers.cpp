// One step of an optimizer (ai.onnx.preview.training): Adagrad, Adam, Momentum. The inputs are the learning
// rate R, the number T of steps done, and lists of equal length: the tensors X, their gradients G and what
// the optimizer keeps of each.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Value;

// The elements of one tensor and of what goes with it, in one compute type.
struct Element {
  Expr rate, steps;
  Expr x, gradient;  // with the regularisation's part
  std::vector<Expr> kept;
};
// The new element first, then what is kept.
using Step = std::function<std::vector<Expr>(const Element&)>;

void optimize(Lowering& l, int kept, const Step& step) {
  const int lists = 2 + kept, tensors = (l.input_count() - 2) / lists;
  if (tensors < 1 || l.input_count() != 2 + tensors * lists) {
    l.fail("has {} inputs; R, T and {} lists of one length are expected", l.input_count(), lists);
  }
  const double norm = l.float_attribute("norm_coefficient", 0);
  Value* rate = as_scalar(l, l.input(0), "R");
  Value* steps = as_scalar(l, l.input(1), "T");
  for (int k = 0; k < tensors; ++k) {
    std::vector<Value*> operands = {rate, steps};
    for (int list = 0; list < lists; ++list) {
      Value* operand = l.input(2 + list * tensors + k);
      Value* x = l.input(2 + k);
      l.expect_rank(operand, x->rank(), x->rank(), "a gradient or what is kept of a tensor");
      for (std::size_t d = 0; d < x->shape.size(); ++d)
        require_equal(l, operand->shape[d], x->shape[d], "shape of a tensor and of what goes with it");
      operands.push_back(operand);
    }
    for (int result = 0; result < 1 + kept; ++result) {
      const int number = result * tensors + k;
      if (!l.wants_output(number)) continue;
      const DType type = operands[static_cast<std::size_t>(result == 0 ? 2 : 3 + result)]->type;
      l.output(number, l.b().map(type, operands, [&](std::span<const Expr> e) {
        const DType compute = e[2]->type;
        Element element{ir::cast(compute, e[0]), ir::cast(compute, e[1]), e[2], {}, {}};
        element.gradient = norm == 0 ? e[3] : e[2] * norm + e[3];
        element.kept.assign(e.begin() + 4, e.end());
        return step(element)[static_cast<std::size_t>(result)];
      }));
    }
  }
}

Expr root(const Expr& x) { return ir::unary(ExprOp::sqrt, x); }

void lower_adagrad(Lowering& l) {
  const double decay = l.float_attribute("decay_factor", 0), epsilon = l.float_attribute("epsilon", 1e-6);
  optimize(l, 1, [&](const Element& e) {
    const Expr squares = e.kept[0] + e.gradient * e.gradient;
    const Expr rate = e.rate / (e.steps * decay + 1.0);
    return std::vector<Expr>{e.x - rate * e.gradient / (root(squares) + epsilon), squares};
  });
}

void lower_adam(Lowering& l) {
  const double alpha = l.float_attribute("alpha", 0.9), beta = l.float_attribute("beta", 0.999);
  const double epsilon = l.float_attribute("epsilon", 1e-6),
               after = l.float_attribute("norm_coefficient_post", 0);
  optimize(l, 2, [&](const Element& e) {
    const Expr mean = e.kept[0] * alpha + e.gradient * (1 - alpha);
    const Expr squares = e.kept[1] * beta + e.gradient * e.gradient * (1 - beta);
    // The first steps' averages lean towards 0.
    const DType type = e.x->type;
    const auto power = [&](double base) {
      return ir::binary(ExprOp::pow, ir::literal_of(type, base), e.steps);
    };
    const Expr one = ir::literal_of(type, 1);
    const Expr corrected = e.rate * root(one - power(beta)) / (one - power(alpha));
    const Expr rate = ir::select(ir::gt(e.steps, 0.0), corrected, e.rate);
    const Expr x = e.x - rate * mean / (root(squares) + epsilon);
    return std::vector<Expr>{after == 0 ? x : x * (1 - after), mean, squares};
  });
}

void lower_momentum(Lowering& l) {
  const double alpha = l.float_attribute("alpha"), beta = l.float_attribute("beta");
  const std::string mode = l.string_attribute("mode", "standard");
  if (mode != "standard" && mode != "nesterov") l.fail("mode is '{}', expected standard or nesterov", mode);
  optimize(l, 1, [&](const Element& e) {
    const DType type = e.x->type;
    const Expr share = ir::select(ir::gt(e.steps, 0.0), ir::literal_of(type, beta), ir::literal_of(type, 1));
    const Expr velocity = e.kept[0] * alpha + share * e.gradient;
    const Expr way = mode == "standard" ? velocity : e.gradient + velocity * alpha;
    return std::vector<Expr>{e.x - e.rate * way, velocity};
  });
}

const std::vector<TypeParameter> types = {
    {"T1", kFloats, inputs(0)}, {"T2", kIntegers, inputs(1)}, {"T3", kFloats, inputs_from(2), kMixed}};
const RegisterOperator adagrad({.domain = "ai.onnx.preview.training",
                                .name = "Adagrad",
                                .versions = {1},
                                .types = types,
                                .lower = lower_adagrad});
const RegisterOperator adam({.domain = "ai.onnx.preview.training",
                             .name = "Adam",
                             .versions = {1},
                             .types = types,
                             .lower = lower_adam});
const RegisterOperator momentum({.domain = "ai.onnx.preview.training",
                                 .name = "Momentum",
                                 .versions = {1},
                                 .types = types,
                                 .lower = lower_momentum});

}  // namespace
}  // namespace o2w::onnx_frontend
