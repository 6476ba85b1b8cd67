// com.microsoft.Attention: the projections to queries, keys and values, then attention among them.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/ms_attention.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

namespace {

// Keys (0) or values (1) of a state [2, batch, heads, positions, head size].
Value* half_of(Lowering& l, Value* past, int64_t which) {
  ir::Shape shape = past->shape;
  shape[0] = 1;
  return l.b().squeeze(l.b().slice(past, {which, 0, 0, 0, 0}, {1, 1, 1, 1, 1}, shape), {0});
}

}  // namespace

void finish_self_attention(Lowering& l, const SelfAttention& given) {
  if (l.int_attribute("do_rotary", 0) != 0) {
    l.fail(
        "attribute do_rotary is set, which needs tables that the operator does not have; ONNX Runtime's "
        "RotaryEmbedding before MultiHeadAttention says the same");
  }
  Attention a;
  a.q = given.q;
  a.heads_first = false;
  std::optional<Dim> used;
  Value* past = given.past;
  if (past != nullptr) {
    l.expect_rank(past, 5, 5, "the past state");
    require_equal(l, past->shape[0], 2, "first dimension of the past state");
    if (l.int_attribute("past_present_share_buffer", 0) != 0) {
      if (given.past_length_input < 0) l.fail("attribute past_present_share_buffer is not supported here");
      used = sizes_input(l, given.past_length_input, 1, "past_sequence_length").front();
    }
  }
  const auto extended = [&](const Heads& fresh, int64_t which) {
    return extend(l, past == nullptr ? nullptr : half_of(l, past, which), fresh, used ? &*used : nullptr);
  };
  const Extended keys = extended(given.k, 0), values = extended(given.v, 1);
  a.k = keys.all;
  a.v = values.all;
  const Dim before = used ? *used : past != nullptr ? past->shape[3] : Dim(0);
  const ScoreSizes sizes{a.q.batch(), a.q.heads(), a.q.positions(), a.k.positions(), before};
  const ScoreTerm mask =
      mask_term(l, given.mask, sizes, l.float_attribute("mask_filter_value", -10000), true);
  apply_terms(a, bias_term(l, given.bias, sizes), mask, l.int_attribute("unidirectional", 0) != 0, sizes);
  a.scale = scale_queries(l, a.q);

  Value* y = attend(l, a).y;
  const ir::Shape shape = {given.q.batch(), given.q.positions(), given.v.heads() * given.v.size()};
  l.output(0, l.b().cast(l.b().view(y, shape), given.type));
  if (l.wants_output(1)) {
    l.output(1, l.b().concat({l.b().unsqueeze(keys.present, {0}), l.b().unsqueeze(values.present, {0})}, 0));
  }
}

namespace {

// Widths of queries, keys and values in the columns of the weights.
std::vector<Dim> widths_of(Lowering& l, const Value* weights) {
  const auto given = l.ints_attribute("qkv_hidden_sizes", {});
  if (given.empty()) {
    const Dim third = divide_exactly(l, weights->shape[1], 3, "columns of the weights by three");
    return {third, third, third};
  }
  if (given.size() != 3) l.fail("attribute qkv_hidden_sizes has {} entries, expected 3", given.size());
  for (const int64_t size : given) {
    if (size < 1 || size > INT32_MAX) l.fail("attribute qkv_hidden_sizes has the entry {}", size);
  }
  if (given[0] != given[1]) {
    l.fail("attribute qkv_hidden_sizes gives queries {} and keys {} elements, they must be the same",
           given[0], given[1]);
  }
  std::vector<Dim> widths(given.begin(), given.end());
  require_equal(l, weights->shape[1], widths[0] + widths[1] + widths[2],
                "columns of the weights and qkv_hidden_sizes");
  return widths;
}

// input * weights[:, start : start + width] + bias[start : ...] as heads. One product each for queries, keys
// and values: constant weights are cut when compiling, and nothing has to be cut when the model runs.
Heads project(Lowering& l, Value* input, Value* weights, Value* bias, const Dim& start, const Dim& width,
              const Dim& heads) {
  ir::Builder& b = l.b();
  Value* columns = b.slice(weights, {0, start}, {1, 1}, {weights->shape[0], width});
  Value* product = b.matmul(input, columns, ir::compute_type(input->type));
  if (bias != nullptr) {
    Value* part = b.slice(bias, {start}, {1}, {width});
    product = b.map(product->type, {product, b.cast(part, product->type)},
                    [](std::span<const Expr> e) { return e[0] + e[1]; });
  }
  return split_heads(l, b.cast(product, input->type), heads);
}

void lower(Lowering& l) {
  Value* input = l.input(0);
  Value* weights = l.input(1);
  Value* bias = l.optional_input(2);
  l.expect_rank(input, 3, 3, "the input");
  l.expect_rank(weights, 2, 2, "the weights");
  if (bias != nullptr) {
    l.expect_rank(bias, 1, 1, "the bias");
    require_equal(l, bias->shape[0], weights->shape[1], "sizes of the bias and columns of the weights");
  }
  const int64_t heads = l.int_attribute("num_heads");
  if (heads < 1 || heads > INT32_MAX) l.fail("attribute num_heads is {}, expected 1 or more", heads);
  const std::vector<Dim> widths = widths_of(l, weights);

  SelfAttention given;
  given.q = project(l, input, weights, bias, 0, widths[0], heads);
  given.k = project(l, input, weights, bias, widths[0], widths[1], heads);
  given.v = project(l, input, weights, bias, widths[0] + widths[1], widths[2], heads);
  given.past = l.optional_input(4);
  given.mask = l.optional_input(3);
  given.bias = l.optional_input(5);
  given.past_length_input = 6;
  given.type = input->type;
  finish_self_attention(l, given);
}

const RegisterOperator attention({.domain = "com.microsoft",
                                  .name = "Attention",
                                  .versions = {1},
                                  .limits = "do_rotary is not supported",
                                  .types = {{"T", kFloats, inputs(0, 1, 2, 4, 5)},
                                            {"M", {DType::i32}, inputs(3, 6), kMixed}},
                                  .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
