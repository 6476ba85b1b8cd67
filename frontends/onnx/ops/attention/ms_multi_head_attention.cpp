// com.microsoft.MultiHeadAttention and DecoderMaskedMultiHeadAttention, whose queries are single positions.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/ms_attention.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

// The positions of the inputs that the two operators have in other orders.
struct Signature {
  int bias, mask, score_bias, past_key, past_value, past_length, beams;
};
constexpr Signature kMultiHead = {3, 4, 5, 6, 7, 8, 9};
constexpr Signature kDecoder = {10, 3, 4, 5, 6, 7, 9};

// The last dimension but one of a packed tensor [batch, positions, heads, parts, head size] taken apart.
Heads part_of(Lowering& l, Value* packed, int64_t parts, int64_t which) {
  require_equal(l, packed->shape[3], parts, "parts of the packed tensor");
  ir::Shape shape = packed->shape;
  shape[3] = 1;
  return {l.b().squeeze(l.b().slice(packed, {0, 0, 0, which, 0}, {1, 1, 1, 1, 1}, shape), {3}), false};
}

// x + bias[start : start + heads * head size].
Heads add_bias(Lowering& l, const Heads& x, Value* bias, const Dim& start) {
  if (bias == nullptr) return x;
  return {l.b().tabulate(x.value->type, x.value->shape,
                         [&](ir::Body& body, ir::Builder::Indices i) {
                           const Expr head = x.heads_first ? i[1] : i[2];
                           return body.at(x.value, {i.begin(), i.end()}) +
                                  body.at(bias, {head * Expr(x.size()) + i[3] + Expr(start)});
                         }),
          x.heads_first};
}

struct Inputs {
  Heads q, k, v;
  bool values_from_elsewhere = false;  // keys and values come projected, with their heads first
};

Inputs heads_of(Lowering& l, const Dim& heads, bool decoder) {
  Value* query = l.input(0);
  Value* key = l.optional_input(1);
  Value* value = l.optional_input(2);
  if (key == nullptr && value != nullptr) l.fail("a value is given, but no key");
  Inputs in;
  if (query->rank() == 5) {
    if (key != nullptr) l.fail("a packed query (rank 5) holds the keys and values, but a key is given too");
    require_equal(l, query->shape[2], heads, "heads of the packed query and num_heads");
    return {part_of(l, query, 3, 0), part_of(l, query, 3, 1), part_of(l, query, 3, 2)};
  }
  l.expect_rank(query, 3, 3, "the query");
  if (key == nullptr) {
    if (!decoder) l.fail("the key is missing, and the query of rank 3 is not packed");
    const Heads all = split_heads(l, query, heads * 3);
    const auto third = [&](int64_t which) {
      ir::Shape shape = all.value->shape;
      shape[2] = heads;
      return Heads{l.b().slice(all.value, {0, 0, heads * Dim(which), 0}, {1, 1, 1, 1}, shape), false};
    };
    return {third(0), third(1), third(2)};
  }
  in.q = split_heads(l, query, heads);
  if (value == nullptr) {
    l.expect_rank(key, 5, 5, "a key without a value");
    in.k = part_of(l, key, 2, 0);
    in.v = part_of(l, key, 2, 1);
  } else if (key->rank() == 4) {
    l.expect_rank(value, 4, 4, "the value");
    in.k = {key, true};
    in.v = {value, true};
    in.values_from_elsewhere = true;
  } else {
    l.expect_rank(key, 3, 3, "the key");
    in.k = split_heads(l, key, heads);
    in.v = split_heads(l, value, heads);
  }
  require_equal(l, in.k.heads(), heads, "heads of the key and num_heads");
  return in;
}

void lower_with(Lowering& l, const Signature& at, bool decoder) {
  const int64_t heads = l.int_attribute("num_heads");
  if (heads < 1 || heads > INT32_MAX) l.fail("attribute num_heads is {}, expected 1 or more", heads);
  Inputs in = heads_of(l, heads, decoder);
  const DType type = in.q.value->type;
  if (Value* bias = l.optional_input(at.bias)) {
    l.expect_rank(bias, 1, 1, "the bias");
    const Dim width = in.q.size() * Dim(heads);
    require_equal(l, bias->shape[0], width * 2 + in.v.size() * Dim(heads),
                  "size of the bias and of query, key and value");
    in.q = add_bias(l, in.q, bias, 0);
    if (!in.values_from_elsewhere) {
      in.k = add_bias(l, in.k, bias, width);
      in.v = add_bias(l, in.v, bias, width * 2);
    }
  }

  Value* past_key = l.optional_input(at.past_key);
  Value* past_value = l.optional_input(at.past_value);
  if ((past_key == nullptr) != (past_value == nullptr))
    l.fail("past_key and past_value must be given together");
  std::optional<Dim> used;
  const bool shares = decoder ? l.int_attribute("past_present_share_buffer", 0) != 0
                              : l.optional_input(at.past_length) != nullptr;
  if (past_key != nullptr && shares) used = sizes_input(l, at.past_length, 1, "past_sequence_length").front();
  const Dim before = used ? *used : past_key != nullptr ? past_key->shape[2] : Dim(0);
  if (l.optional_input(at.beams) != nullptr) {
    l.fail("cache_indirection reorders the beams of a search, which is not supported");
  }
  const Extended keys = extend(l, past_key, in.k, used ? &*used : nullptr);
  const Extended values = extend(l, past_value, in.v, used ? &*used : nullptr);

  Attention a{.q = in.q, .k = keys.all, .v = values.all, .heads_first = false};
  const ScoreSizes sizes{a.q.batch(), heads, a.q.positions(), a.k.positions(), before};
  const ScoreTerm mask =
      mask_term(l, l.optional_input(at.mask), sizes, l.float_attribute("mask_filter_value", -10000), false);
  apply_terms(a, bias_term(l, l.optional_input(at.score_bias), sizes), mask,
              !decoder && l.int_attribute("unidirectional", 0) != 0, sizes);
  a.scale = scale_queries(l, a.q);
  const Attended result = attend(l, a);
  l.output(0, l.b().cast(l.b().view(result.y, {sizes.batch, sizes.queries, a.v.size() * Dim(heads)}), type));
  if (l.wants_output(1)) l.output(1, keys.present);
  if (l.wants_output(2)) l.output(2, values.present);
  if (l.wants_output(3)) {
    // Before the softmax; ONNX Runtime's causal mask is the lowest number.
    const DType compute = result.logits->type;
    l.output(3, l.b().map(type, {result.logits}, [&](std::span<const Expr> e) {
      return max(e[0], ir::literal_of(compute, -3.402823466e38));
    }));
  }
}

const RegisterOperator multi_head({.domain = "com.microsoft",
                                   .name = "MultiHeadAttention",
                                   .versions = {1},
                                   .limits = "cache_indirection is not supported",
                                   .types = {{"T", kFloats, inputs(0, 1, 2, 3, 5, 6, 7)},
                                             {"M", {DType::i32}, inputs(4, 8, 9)}},
                                   .lower = [](Lowering& l) { lower_with(l, kMultiHead, false); }});
const RegisterOperator decoder({.domain = "com.microsoft",
                                .name = "DecoderMaskedMultiHeadAttention",
                                .versions = {1},
                                .limits = "cache_indirection is not supported",
                                .types = {{"T", kFloats, inputs(0, 1, 2, 4, 5, 6, 10)},
                                          {"M", {DType::i32}, inputs(3, 7, 8, 9)}},
                                .lower = [](Lowering& l) { lower_with(l, kDecoder, true); }});

}  // namespace
}  // namespace o2w::onnx_frontend
