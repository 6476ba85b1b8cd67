#include "frontends/onnx/ops/recurrent/recurrence.h"

#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/control_flow/loop_builder.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

namespace {

// The builder makes nodes in another region while this lives.
class InRegion {
 public:
  InRegion(ir::Builder& builder, ir::Region& region) : builder_(builder), outer_(builder.enter(&region)) {}
  ~InRegion() { builder_.enter(outer_); }
  InRegion(const InRegion&) = delete;
  InRegion& operator=(const InRegion&) = delete;

 private:
  ir::Builder& builder_;
  ir::Region* outer_;
};

}  // namespace

Recurrence::Recurrence(Lowering& l, int gates, int activations_per_direction,
                       const std::vector<std::string>& default_activations,
                       const std::function<bool(int)>& adds_recurrent_bias, RecurrentProducts* products)
    : l_(l),
      products_(products),
      gates_(gates),
      activations_per_direction_(activations_per_direction),
      adds_recurrent_bias_(adds_recurrent_bias) {
  const std::string direction = l.string_attribute("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    l.fail("attribute direction is '{}', expected forward, reverse or bidirectional", direction);
  }
  directions_ = direction == "bidirectional" ? 2 : 1;
  reverse_ = direction == "reverse";
  batch_first_ = l.int_attribute("layout", 0) != 0;
  clip_ = l.float_attribute("clip", 0);

  Value* x = l.input(0);
  l.expect_rank(x, 3, 3, "input X");
  type_ = ir::compute_type(x->type);
  x_ = l.b().cast(batch_first_ ? l.b().transpose(x, {1, 0, 2}) : x, type_);
  steps_ = x_->shape[0];
  batch_ = x_->shape[1];
  inputs_ = x_->shape[2];
  if (products_ == nullptr) l.expect_rank(l.input(2), 3, 3, "weights R");
  hidden_ = products_ != nullptr ? products_->hidden() : l.input(2)->shape[2];
  if (l.has_attribute("hidden_size"))
    require_equal(l, hidden_, l.int_attribute("hidden_size"), "hidden_size and R");
  const Dim rows = hidden_ * Dim(gates);
  if (products_ != nullptr) {
    products_->check(directions_, inputs_, rows);
  } else {
    check_float_weights();
  }
  if (l.optional_input(3) != nullptr) {
    bias_ = l.input(3);
    l.expect_rank(bias_, 2, 2, "bias B");
    require_equal(l, bias_->shape[0], directions_, "first size of B and number of directions");
    require_equal(l, bias_->shape[1], rows * Dim(2), "second size of B");
  }
  if (l.optional_input(4) != nullptr) {
    lengths_ = l.input(4);
    l.expect_rank(lengths_, 1, 1, "sequence_lens");
    require_equal(l, lengths_->shape[0], batch_, "size of sequence_lens and batch");
  }

  auto names = l.strings_attribute("activations", {});
  if (names.empty()) {
    for (int d = 0; d < directions_; ++d)
      names.insert(names.end(), default_activations.begin(), default_activations.end());
  }
  if (static_cast<int>(names.size()) != directions_ * activations_per_direction) {
    l.fail("attribute activations has {} entries, expected {}", names.size(),
           directions_ * activations_per_direction);
  }
  ActivationReader reader(l);
  for (const std::string& name : names) activations_.push_back(reader.next(name));
}

void Recurrence::check_float_weights() {
  Value* w = l_.input(1);
  Value* r = l_.input(2);
  l_.expect_rank(w, 3, 3, "weights W");
  for (Value* weights : {w, r}) {
    require_equal(l_, weights->shape[0], directions_, "first size of W and R and number of directions");
    require_equal(l_, weights->shape[1], hidden_ * Dim(gates_),
                  "second size of W and R and gates times hidden_size");
  }
  require_equal(l_, w->shape[2], inputs_, "last sizes of W and X");
}

const Activation& Recurrence::activation(int direction, int k) const {
  return activations_.at(static_cast<std::size_t>(direction * activations_per_direction_ + k));
}

Expr Recurrence::clipped(const Expr& x) const { return clip_ > 0 ? min(max(x, -clip_), clip_) : x; }

Expr Recurrence::recurrent_bias(ir::Body& body, int direction, int gate, const Expr& unit) const {
  if (bias_ == nullptr) return ir::literal_of(type_, 0);
  return ir::cast(type_, body.at(bias_, {Expr(direction), unit + Expr(hidden_ * Dim(gates_ + gate))}));
}

Expr Recurrence::Step::gate(ir::Body& body, Value* product, const Expr& batch, int number,
                            const Expr& unit) const {
  return body.at(product, {batch, unit + Expr(hidden * Dim(number))});
}

Value* Recurrence::state_product(const Step& step) {
  if (products_ != nullptr) return products_->with_state(step.states[0], step.direction);
  return l_.b().einsum(step.states[0], step.recurrent, "mk", "nk", "mn", type_);
}

Value* Recurrence::slice_direction(Value* x, int direction) {
  ir::Shape shape = trailing(x->shape, 1);
  if (directions_ == 1) return l_.b().view(x, shape);
  return l_.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> indices(i.begin(), i.end());
    indices.insert(indices.begin(), Expr(direction));
    return body.at(x, std::move(indices));
  });
}

Value* Recurrence::initial_state(int input, int direction) {
  const ir::Shape shape = {batch_, hidden_};
  if (l_.optional_input(input) == nullptr) {
    return l_.b().tabulate(type_, shape,
                           [&](ir::Body&, ir::Builder::Indices) { return ir::literal_of(type_, 0); });
  }
  Value* state = l_.input(input);
  l_.expect_rank(state, 3, 3, "initial state");
  const std::size_t of_direction = batch_first_ ? 1 : 0;
  require_equal(l_, state->shape[of_direction], directions_, "an initial state and the number of directions");
  require_equal(l_, state->shape[1 - of_direction], batch_, "an initial state and the batch");
  require_equal(l_, state->shape[2], hidden_, "an initial state and hidden_size");
  return l_.b().tabulate(type_, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr d(direction);
    return batch_first_ ? body.at(state, {i[0], d, i[1]}) : body.at(state, {d, i[0], i[1]});
  });
}

// X W^T plus biases of a direction: [steps, batch, gates * hidden].
Value* Recurrence::project(int direction) {
  ir::Builder& b = l_.b();
  const Dim rows = hidden_ * Dim(gates_);
  Value* product = nullptr;
  if (products_ != nullptr) {
    product = products_->with_inputs(x_, direction);
  } else {
    Value* flat = b.view(x_, {steps_ * batch_, inputs_});
    Value* weights = b.cast(slice_direction(l_.input(1), direction), type_);
    product = b.einsum(flat, weights, "mk", "nk", "mn", type_);
  }
  if (bias_ != nullptr) {
    std::vector<Value*> per_gate;
    for (int gate = 0; gate < gates_; ++gate) {
      per_gate.push_back(b.tabulate(type_, {hidden_}, [&](ir::Body& body, ir::Builder::Indices i) {
        const Expr of_input =
            ir::cast(type_, body.at(bias_, {Expr(direction), i[0] + Expr(hidden_ * Dim(gate))}));
        return adds_recurrent_bias_(gate) ? of_input + recurrent_bias(body, direction, gate, i[0]) : of_input;
      }));
    }
    Value* bias = per_gate.size() == 1 ? per_gate[0] : b.concat(per_gate, 0);
    product = b.tabulate(type_, product->shape, [&](ir::Body& body, ir::Builder::Indices i) {
      return body.at(product, {i[0], i[1]}) + body.at(bias, {i[1]});
    });
  }
  return b.view(product, {steps_, batch_, rows});
}

// The time that loop step `step` treats for a batch entry; the same mapping leads from time back to step.
// Only meaningful for steps within the entry's length, but always a valid position.
Expr Recurrence::time(ir::Body& body, const Expr& step, const Expr& batch, int direction) const {
  if (!backwards(direction)) return step;
  if (lengths_ == nullptr) return Expr(steps_ - 1) - step;
  const Expr length = ir::cast(DType::index, body.at(lengths_, {batch}));
  return min(max(length - Expr(1) - step, Expr(0)), Expr(steps_ - 1));
}

// Outputs by loop step -> by time; 0 after a sequence's end.
Value* Recurrence::over_time(Value* scanned, int direction) {
  if (!backwards(direction) && lengths_ == nullptr) return scanned;
  return l_.b().tabulate(type_, scanned->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr value = body.at(scanned, {time(body, i[0], i[1], direction), i[1], i[2]});
    if (lengths_ == nullptr) return value;
    return select(lt(i[0], ir::cast(DType::index, body.at(lengths_, {i[1]}))), value,
                  ir::literal_of(type_, 0));
  });
}

Value* Recurrence::join(std::vector<Value*> per_direction, int axis) {
  for (Value*& value : per_direction) value = l_.b().unsqueeze(value, {axis});
  return per_direction.size() == 1 ? per_direction[0] : l_.b().concat(per_direction, axis);
}

void Recurrence::run(const std::vector<int>& initial, const StepFunction& step) {
  ir::Builder& b = l_.b();
  std::vector<Value*> outputs;
  std::vector<std::vector<Value*>> finals(initial.size());
  for (int d = 0; d < directions_; ++d) {
    Value* projected = project(d);
    Value* recurrent = products_ != nullptr ? nullptr : b.cast(slice_direction(l_.input(2), d), type_);
    LoopSpec spec;
    spec.trip_count = steps_;
    for (int input : initial) spec.carried.push_back(initial_state(input, d));
    spec.body = [&](ir::Region& region, Value* iteration, const std::vector<Value*>& states) {
      const InRegion inside(b, region);
      const auto now = [&](ir::Body& body) { return ir::cast(DType::index, body.at(iteration, {})); };
      Step s;
      s.direction = d;
      s.recurrent = recurrent;
      s.states = states;
      s.hidden = hidden_;
      s.input = [&](ir::Body& body, const Expr& batch, int gate, const Expr& unit) {
        return body.at(projected, {time(body, now(body), batch, d), batch, unit + Expr(hidden_ * Dim(gate))});
      };
      LoopBody made;
      made.carried = step(s);
      if (lengths_ != nullptr) {
        for (std::size_t k = 0; k < states.size(); ++k) {
          Value* next = made.carried[k];
          made.carried[k] = b.tabulate(type_, next->shape, [&](ir::Body& body, ir::Builder::Indices i) {
            const Expr running = lt(now(body), ir::cast(DType::index, body.at(lengths_, {i[0]})));
            return select(running, body.at(next, {i[0], i[1]}), body.at(states[k], {i[0], i[1]}));
          });
        }
      }
      if (l_.wants_output(0)) made.scan.push_back(made.carried[0]);
      return made;
    };
    LoopResult result = build_loop(b, spec);
    if (l_.wants_output(0)) outputs.push_back(over_time(result.scan[0], d));
    for (std::size_t k = 0; k < initial.size(); ++k) finals[k].push_back(result.carried[k]);
  }
  const DType type = l_.input(0)->type;
  if (l_.wants_output(0)) {
    Value* y = join(outputs, 1);  // [steps, directions, batch, hidden]
    l_.output(0, b.cast(batch_first_ ? b.transpose(y, {2, 0, 1, 3}) : y, type));
  }
  for (std::size_t k = 0; k < initial.size(); ++k) {
    const int number = static_cast<int>(k) + 1;
    if (l_.wants_output(number)) l_.output(number, b.cast(join(finals[k], batch_first_ ? 1 : 0), type));
  }
}

}  // namespace o2w::onnx_frontend
