// What RNN, GRU and LSTM share: directions, layouts, initial states, sequence lengths, and the loop over
// time.
//
// The products with the inputs of all steps are one matrix product before the loop. Each direction is a loop
// of its own over [batch, hidden] states; a direction that runs backwards reads and writes time back to
// front, per batch entry where lengths are given (as ONNX Runtime does; the specification is silent).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "frontends/onnx/lowering.h"
#include "frontends/onnx/ops/common/activation.h"

namespace o2w::onnx_frontend {

// The products with the weights, for operators that hold W and R in another form than [directions, gates *
// hidden, inputs] and multiply in another way.
class RecurrentProducts {
 public:
  virtual ~RecurrentProducts() = default;
  virtual ir::Dim hidden() const = 0;
  // Checks the weights against the sizes that the other inputs have.
  virtual void check(int directions, const ir::Dim& inputs, const ir::Dim& rows) = 0;
  // x W: [steps, batch, inputs] -> [steps * batch, gates * hidden].
  virtual ir::Value* with_inputs(ir::Value* x, int direction) = 0;
  // h R: [batch, hidden] -> [batch, gates * hidden]; called in the loop.
  virtual ir::Value* with_state(ir::Value* h, int direction) = 0;
};

class Recurrence {
 public:
  // One step of one direction, inside the loop.
  struct Step {
    int direction = 0;
    // R of this direction, [gates * hidden, hidden]; null where RecurrentProducts hold the weights.
    ir::Value* recurrent = nullptr;
    std::vector<ir::Value*> states;  // h, then what the operator adds, each [batch, hidden]
    // x W^T + biases for gate number `gate` of hidden unit `unit`.
    std::function<ir::Expr(ir::Body&, const ir::Expr& batch, int gate, const ir::Expr& unit)> input;
    // h R^T (or another [batch, ..] product made in the step) at the same place.
    ir::Expr gate(ir::Body& body, ir::Value* product, const ir::Expr& batch, int number,
                  const ir::Expr& unit) const;
    ir::Dim hidden;
  };
  using StepFunction = std::function<std::vector<ir::Value*>(const Step&)>;  // the next states

  // Reads and checks the node: inputs X, W, R, B, sequence_lens, initial_h. `bias_of_recurrence(gate)` says
  // whether the recurrent bias of a gate is added to its input (or left to the step). `products`: null for
  // the float weights W and R.
  Recurrence(Lowering& l, int gates, int activations_per_direction,
             const std::vector<std::string>& default_activations,
             const std::function<bool(int)>& adds_recurrent_bias, RecurrentProducts* products = nullptr);

  int directions() const { return directions_; }
  ir::DType type() const { return type_; }  // the type that everything is computed in
  const ir::Dim& hidden() const { return hidden_; }
  const ir::Dim& batch() const { return batch_; }
  // Activation number `k` of a direction.
  const Activation& activation(int direction, int k) const;
  // clip(x) to +-attribute clip; x when there is none.
  ir::Expr clipped(const ir::Expr& x) const;
  // h R of all gates: [batch, gates * hidden].
  ir::Value* state_product(const Step& step);
  // The recurrent bias of a gate.
  ir::Expr recurrent_bias(ir::Body& body, int direction, int gate, const ir::Expr& unit) const;
  // An optional initial state input ([directions, batch, hidden], or [batch, directions, hidden] in layout
  // 1), zeros when absent, for a direction.
  ir::Value* initial_state(int input, int direction);

  // Runs all directions; `initial` are input numbers of the initial states. Output 0 is Y, output 1 + k the
  // final state k.
  void run(const std::vector<int>& initial, const StepFunction& step);

 private:
  ir::Value* slice_direction(ir::Value* x, int direction);
  ir::Value* project(int direction);
  bool backwards(int direction) const { return reverse_ || direction == 1; }
  ir::Expr time(ir::Body& body, const ir::Expr& step, const ir::Expr& batch, int direction) const;
  ir::Value* over_time(ir::Value* scanned, int direction);
  ir::Value* join(std::vector<ir::Value*> per_direction, int axis);

  void check_float_weights();

  Lowering& l_;
  RecurrentProducts* products_;
  int gates_;
  int activations_per_direction_;
  int directions_ = 1;
  bool reverse_ = false, batch_first_ = false;
  double clip_ = 0;
  ir::DType type_;
  ir::Dim steps_, batch_, inputs_, hidden_;
  ir::Value* x_ = nullptr;        // [steps, batch, inputs]
  ir::Value* bias_ = nullptr;     // [directions, 2 * gates * hidden]
  ir::Value* lengths_ = nullptr;  // [batch]
  std::vector<Activation> activations_;
  std::function<bool(int)> adds_recurrent_bias_;
};

}  // namespace o2w::onnx_frontend
