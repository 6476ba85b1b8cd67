// com.microsoft DynamicQuantizeLSTM: LSTM with 8-bit weights [directions, inputs, 4 * hidden] and
// [directions, hidden, 4 * hidden]. What is multiplied with them is quantized by its own range: X once, the
// state at every step.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/linear/integer_product.h"
#include "frontends/onnx/ops/quantization/parameters.h"
#include "frontends/onnx/ops/recurrent/lstm.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

class QuantizedProducts : public RecurrentProducts {
 public:
  explicit QuantizedProducts(Lowering& l)
      : l_(l), w_{l.input(1), l.input(8), l.input(9)}, r_{l.input(2), l.input(10), l.input(11)} {
    l.expect_rank(w_.matrix, 3, 3, "weights W");
    l.expect_rank(r_.matrix, 3, 3, "weights R");
  }

  Dim hidden() const override { return r_.matrix->shape[1]; }

  void check(int directions, const Dim& inputs, const Dim& rows) override {
    for (const Weights* weights : {&w_, &r_}) {
      require_equal(l_, weights->matrix->shape[0], directions,
                    "first size of W and R and number of directions");
      require_equal(l_, weights->matrix->shape[2], rows, "last size of W and R and four times hidden_size");
      for (Value* parameter : {weights->scale, weights->zero_point}) {
        l_.expect_rank(parameter, 1, 2, "a scale or zero point of the weights");
        require_equal(l_, parameter->shape[0], directions, "size of a scale or zero point and directions");
        if (parameter->rank() == 2)
          require_equal(l_, parameter->shape[1], rows, "size of a scale or zero point and 4 * hidden_size");
      }
    }
    require_equal(l_, w_.matrix->shape[1], inputs, "second size of W and last of X");
  }

  Value* with_inputs(Value* x, int direction) override {
    // Steps after the end of the longest sequence do not count for the range.
    Value* lengths = l_.optional_input(4);
    DynamicQuantization parameters;
    if (lengths == nullptr) {
      parameters = dynamic_parameters(l_, x);
    } else {
      Value* longest = l_.b().reduce_axes(ir::Combiner::max, lengths, {0}, false);
      parameters = dynamic_parameters(l_, x, [&](ir::Body& body, ir::Builder::Indices i) {
        return lt(i[0], ir::cast(DType::index, body.at(longest, {})));
      });
    }
    // Outside of the loop, whose body only reads them.
    state_weights_ = prepared(r_, direction);
    Value* flat = l_.b().view(x, {x->shape[0] * x->shape[1], x->shape[2]});
    return product(flat, parameters, prepared(w_, direction));
  }

  Value* with_state(Value* h, int /*direction*/) override {
    return product(h, dynamic_parameters(l_, h), state_weights_);
  }

 private:
  struct Weights {
    Value* matrix = nullptr;
    Value* scale = nullptr;
    Value* zero_point = nullptr;
  };

  Value* of_direction(Value* x, int direction) {
    const ir::Shape shape = trailing(x->shape, 1);
    if (x->shape[0].is(1)) return l_.b().view(x, shape);
    return l_.b().tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
      std::vector<Expr> indices(i.begin(), i.end());
      indices.insert(indices.begin(), Expr(direction));
      return body.at(x, std::move(indices));
    });
  }

  // The weights of one direction.
  struct Prepared {
    Value* differences = nullptr;
    Value* scale = nullptr;
  };
  Prepared prepared(const Weights& weights, int direction) {
    Value* matrix = of_direction(weights.matrix, direction);
    return {subtract_zero_point(l_, matrix, of_direction(weights.zero_point, direction), 1),
            of_direction(weights.scale, direction)};
  }

  Value* product(Value* x, const DynamicQuantization& parameters, const Prepared& weights) {
    Value* sums = l_.b().matmul(dynamic_differences(l_, x, parameters), weights.differences, DType::i32);
    return dequantized_product(l_, sums, parameters.scale, weights.scale, nullptr);
  }

  Lowering& l_;
  Weights w_, r_;
  Prepared state_weights_;  // of the direction that is being made
};

void lower(Lowering& l) {
  QuantizedProducts products(l);
  lower_lstm(l, &products);
}

const RegisterOperator dynamic_quantize_lstm({.domain = "com.microsoft",
                                              .name = "DynamicQuantizeLSTM",
                                              .versions = {1},
                                              .types = {{"T", kFloat32, inputs(0, 3, 5, 6, 7, 8, 10)},
                                                        {"T1", {DType::i32}, inputs(4)},
                                                        {"T2", kBytes, inputs(1, 2, 9, 11), kMixed}},
                                              .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
