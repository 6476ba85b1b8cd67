// Activation functions named by attributes: of recurrent operators (activations, activation_alpha,
// activation_beta) and of ONNX Runtime's fused operators (activation, activation_params).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

using Activation = std::function<ir::Expr(const ir::Expr&)>;

// Takes the parameters of each activation in turn from the lists activation_alpha and activation_beta of RNN,
// GRU and LSTM: only functions that have a parameter consume one (ONNX operators.md, "LSTM"; the same order
// as in ONNX Runtime).
class ActivationReader {
 public:
  explicit ActivationReader(Lowering& l);
  Activation next(std::string name);

 private:
  double alpha(double otherwise);
  double beta(double otherwise);

  Lowering* l_;
  std::vector<double> alphas_, betas_;
  std::size_t used_alphas_ = 0, used_betas_ = 0;
};

// The attribute activation of fused operators, with activation_params (FusedConv) or activation_alpha, _beta
// and _gamma (FusedGemm); identity when absent.
Activation fused_activation(Lowering& l);

// y = 0.5 x (1 + erf(x / sqrt 2)).
ir::Expr gelu(const ir::Expr& x);
// y = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
ir::Expr gelu_tanh(const ir::Expr& x);

}  // namespace o2w::onnx_frontend
