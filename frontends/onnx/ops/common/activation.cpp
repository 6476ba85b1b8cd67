#include "frontends/onnx/ops/common/activation.h"

#include <algorithm>
#include <cctype>

namespace o2w::onnx_frontend {

using ir::Expr;
using ir::ExprOp;
using ir::unary;

ActivationReader::ActivationReader(Lowering& l)
    : l_(&l),
      alphas_(l.floats_attribute("activation_alpha", {})),
      betas_(l.floats_attribute("activation_beta", {})) {}

double ActivationReader::alpha(double otherwise) {
  return used_alphas_ < alphas_.size() ? alphas_[used_alphas_++] : otherwise;
}

double ActivationReader::beta(double otherwise) {
  return used_betas_ < betas_.size() ? betas_[used_betas_++] : otherwise;
}

Activation ActivationReader::next(std::string name) {
  // ONNX's own models and exporters do not agree on the case of these names.
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name == "relu") return [](const Expr& x) { return max(x, 0.0); };
  if (name == "tanh") return [](const Expr& x) { return unary(ExprOp::tanh, x); };
  if (name == "sigmoid") return [](const Expr& x) { return unary(ExprOp::sigmoid, x); };
  if (name == "softsign") return [](const Expr& x) { return x / (1.0 + unary(ExprOp::abs, x)); };
  if (name == "softplus") {
    // log(1 + e^x) without overflow.
    return [](const Expr& x) {
      return max(x, 0.0) + unary(ExprOp::log1p, unary(ExprOp::exp, -unary(ExprOp::abs, x)));
    };
  }
  if (name == "affine") {
    const double a = alpha(1), b = beta(0);
    return [a, b](const Expr& x) { return x * a + b; };
  }
  if (name == "leakyrelu") {
    const double a = alpha(0.01);
    return [a](const Expr& x) { return select(lt(x, 0.0), x * a, x); };
  }
  if (name == "thresholdedrelu") {
    const double a = alpha(1);
    return [a](const Expr& x) { return select(gt(x, a), x, x * 0.0); };
  }
  if (name == "scaledtanh") {
    const double a = alpha(1), b = beta(1);
    return [a, b](const Expr& x) { return unary(ExprOp::tanh, x * b) * a; };
  }
  if (name == "hardsigmoid") {
    const double a = alpha(0.2), b = beta(0.5);
    return [a, b](const Expr& x) { return min(max(x * a + b, 0.0), 1.0); };
  }
  if (name == "elu") {
    const double a = alpha(1);
    return [a](const Expr& x) { return select(lt(x, 0.0), unary(ExprOp::expm1, x) * a, x); };
  }
  l_->fail("activation '{}' is not one that ONNX defines for recurrent operators", name);
}

Activation fused_activation(Lowering& l) {
  const std::string name = l.string_attribute("activation", "");
  const auto listed = l.floats_attribute("activation_params", {});
  // FusedConv lists the parameters, FusedGemm has an attribute for each.
  const auto parameter = [&](std::size_t k, const char* attribute, double otherwise) {
    return k < listed.size() ? listed[k] : l.float_attribute(attribute, otherwise);
  };
  if (name.empty()) return [](const Expr& x) { return x; };
  if (name == "Relu") return [](const Expr& x) { return max(x, 0.0); };
  if (name == "Tanh") return [](const Expr& x) { return unary(ExprOp::tanh, x); };
  if (name == "Sigmoid") return [](const Expr& x) { return unary(ExprOp::sigmoid, x); };
  if (name == "Softsign") return [](const Expr& x) { return x / (1.0 + unary(ExprOp::abs, x)); };
  if (name == "Softplus") {
    return [](const Expr& x) {
      return max(x, 0.0) + unary(ExprOp::log1p, unary(ExprOp::exp, -unary(ExprOp::abs, x)));
    };
  }
  if (name == "LeakyRelu") {
    const double a = parameter(0, "activation_alpha", 0.01);
    return [a](const Expr& x) { return select(lt(x, 0.0), x * a, x); };
  }
  if (name == "ThresholdedRelu") {
    const double a = parameter(0, "activation_alpha", 1);
    return [a](const Expr& x) { return select(gt(x, a), x, x * 0.0); };
  }
  if (name == "Elu") {
    const double a = parameter(0, "activation_alpha", 1);
    return [a](const Expr& x) { return select(lt(x, 0.0), unary(ExprOp::expm1, x) * a, x); };
  }
  if (name == "Selu") {
    const double a = parameter(0, "activation_alpha", 1.67326319217681884765625);
    const double g = parameter(1, "activation_gamma", 1.05070102214813232421875);
    return [a, g](const Expr& x) { return select(gt(x, 0.0), x, unary(ExprOp::expm1, x) * a) * g; };
  }
  if (name == "Clip") {
    const double low = parameter(0, "activation_alpha", -3.402823466e38);
    const double high = parameter(1, "activation_beta", 3.402823466e38);
    return [low, high](const Expr& x) { return min(max(x, low), high); };
  }
  if (name == "HardSigmoid") {
    const double a = parameter(0, "activation_alpha", 0.2), b = parameter(1, "activation_beta", 0.5);
    return [a, b](const Expr& x) { return min(max(x * a + b, 0.0), 1.0); };
  }
  l.fail(
      "activation '{}' is not one that fused operators have (Relu, Tanh, Sigmoid, LeakyRelu, Clip, "
      "HardSigmoid, Elu, Selu, Softplus, Softsign, ThresholdedRelu)",
      name);
}

Expr gelu(const Expr& x) { return x * 0.5 * (1.0 + unary(ExprOp::erf, x * 0.70710678118654752440)); }

Expr gelu_tanh(const Expr& x) {
  return x * 0.5 * (1.0 + unary(ExprOp::tanh, (x + x * x * x * 0.044715) * 0.79788456080286535588));
}

}  // namespace o2w::onnx_frontend
