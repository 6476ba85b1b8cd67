// com.microsoft QAttention: Attention whose input and weights are quantized. The projections are integer
// products, what follows is in f32.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/ms_attention.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/linear/integer_product.h"
#include "frontends/onnx/ops/quantization/parameters.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Value;

// Inputs: input, weight, bias, input_scale, weight_scale, mask_index, input_zero_point, weight_zero_point,
// past.
void lower(Lowering& l) {
  ir::Builder& b = l.b();
  Value* input = l.input(0);
  Value* weights = l.input(1);
  Value* bias = l.input(2);
  Value* scale = l.input(4);
  Value* zero = l.optional_input(7);
  l.expect_rank(input, 3, 3, "the input");
  l.expect_rank(weights, 2, 2, "the weights");
  l.expect_rank(bias, 1, 1, "the bias");
  require_equal(l, bias->shape[0], weights->shape[1], "sizes of the bias and columns of the weights");
  for (Value* parameter : {scale, zero}) {
    if (parameter == nullptr) continue;
    l.expect_rank(parameter, 0, 1, "a scale or zero point of the weights");
    if (parameter->rank() == 1 && !parameter->shape[0].is(1))
      require_equal(l, parameter->shape[0], weights->shape[1], "a parameter and columns of the weights");
  }
  const int64_t heads = l.int_attribute("num_heads");
  if (heads < 1 || heads > INT32_MAX) l.fail("attribute num_heads is {}, expected 1 or more", heads);
  const Dim width = divide_exactly(l, weights->shape[1], 3, "columns of the weights by three");

  Value* differences = subtract_zero_point(l, input, l.optional_input(6), 2);
  // One product each for queries, keys and values, from their columns.
  const auto project = [&](int part) {
    const Dim start = width * Dim(part);
    const auto columns = [&](Value* parameter) {
      const bool per_column = parameter != nullptr && parameter->rank() == 1 && !parameter->shape[0].is(1);
      return per_column ? b.slice(parameter, {start}, {1}, {width}) : parameter;
    };
    Value* matrix = b.slice(weights, {0, start}, {1, 1}, {weights->shape[0], width});
    Value* sums = integer_product(l, differences, matrix, columns(zero));
    return split_heads(
        l, dequantized_product(l, sums, l.input(3), columns(scale), b.slice(bias, {start}, {1}, {width})),
        heads);
  };
  SelfAttention given;
  given.q = project(0);
  given.k = project(1);
  given.v = project(2);
  given.mask = l.optional_input(5);
  given.past = l.optional_input(8);
  finish_self_attention(l, given);
}

const RegisterOperator qattention({.domain = "com.microsoft",
                                   .name = "QAttention",
                                   .versions = {1},
                                   .limits = "do_rotary and past_present_share_buffer are not supported",
                                   .types = {{"T1", kBytes, inputs(0, 6)},
                                             {"T2", kBytes, inputs(1, 7)},
                                             {"T3", kFloat32, inputs(2, 3, 4, 8)},
                                             {"T4", {ir::DType::i32}, inputs(5)}},
                                   .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
