// LinearAttention (27): a matrix per head that every step decays, corrects and extends by key times value,
// and that the query reads. Heads of queries may share the heads of keys and values.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/control_flow/loop_builder.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;
using Indices = ir::Builder::Indices;

struct Rule {
  bool decays = false, corrects = false;
};

Rule rule_of(Lowering& l) {
  const std::string name = l.string_attribute("update_rule", "gated_delta");
  if (name == "linear") return {};
  if (name == "gated") return {.decays = true};
  if (name == "delta") return {.corrects = true};
  if (name == "gated_delta") return {.decays = true, .corrects = true};
  l.fail("update_rule is '{}', expected linear, gated, delta or gated_delta", name);
}

// [batch, steps, heads * size] read as [batch, steps, heads, size].
Value* with_heads(Lowering& l, int input, const Dim& heads, const char* what) {
  Value* x = l.input(input);
  l.expect_rank(x, 3, 3, what);
  const Dim size = divide_exactly(l, x->shape[2], heads, fmt::format("heads and last size of {}", what));
  return l.b().view(x, {x->shape[0], x->shape[1], heads, size});
}

// An input that only some rules have.
Value* gate(Lowering& l, int input, bool needed, const char* what) {
  if (!needed) return nullptr;
  if (l.optional_input(input) == nullptr) l.fail("the update rule needs the input {}", what);
  Value* x = l.input(input);
  l.expect_rank(x, 3, 3, what);
  return x;
}

void lower_linear_attention(Lowering& l) {
  ir::Builder& b = l.b();
  const int64_t heads = l.int_attribute("q_num_heads"), shared = l.int_attribute("kv_num_heads");
  if (heads < 1 || shared < 1 || heads % shared != 0)
    l.fail("q_num_heads {} must be a positive multiple of kv_num_heads {}", heads, shared);
  const Rule rule = rule_of(l);
  Value *query = with_heads(l, 0, heads, "query"), *key = with_heads(l, 1, shared, "key");
  Value* value = with_heads(l, 2, shared, "value");
  Value* decay = gate(l, 4, rule.decays, "decay");
  Value* beta = gate(l, 5, rule.corrects, "beta");
  const Dim batch = query->shape[0], steps = query->shape[1], keys = key->shape[3], values = value->shape[3];
  require_equal(l, query->shape[3], keys, "head size of query and key");
  for (Value* other : {key, value, decay, beta}) {
    if (other == nullptr) continue;
    require_equal(l, other->shape[0], batch, "batch of all inputs");
    require_equal(l, other->shape[1], steps, "length of all inputs");
  }
  // A number for every key's element, or one for a head; of beta, one for a head or one for all heads.
  using Relation = ir::Require::Relation;
  if (decay != nullptr) {
    const Dim each = divide_exactly(l, decay->shape[2], shared, "heads and last size of decay");
    b.require(Relation::broadcastable, each, keys,
              "decay has neither one number per head nor one per key element");
  }
  if (beta != nullptr)
    b.require(Relation::broadcastable, beta->shape[2], shared,
              "beta has neither one number per head nor just one");
  const auto decay_at = [&](ir::Body& body, const Expr& n, const Expr& step, const Expr& head,
                            const Expr& key_element) {
    const Expr of_head = ir::eq(Expr(decay->shape[2]), Expr(shared));
    const Expr element = head * Expr(keys) + key_element;
    return body.at(decay, {n, step, ir::select(of_head, head, element)});
  };

  const DType type = query->type == DType::f64 ? DType::f64 : DType::f32;
  // No scale, or 0: 1 / sqrt(size).
  const Expr scale = l.float_attribute("scale", 0) == 0
                         ? ir::unary(ir::ExprOp::reciprocal, ir::unary(ir::ExprOp::sqrt, size_as(type, keys)))
                         : ir::literal_of(type, l.float_attribute("scale"));
  const ir::Shape state_shape = {batch, shared, keys, values};
  Value* start = nullptr;
  DType state_type = query->type;
  if (l.optional_input(3) != nullptr) {
    start = l.input(3);
    state_type = start->type;
    l.expect_rank(start, 4, 4, "past_state");
    for (std::size_t d = 0; d < 4; ++d)
      require_equal(l, start->shape[d], state_shape[d], "shape of past_state");
    start = b.cast(start, type);
  } else {
    start = b.tabulate(type, state_shape, [&](ir::Body&, Indices) { return ir::literal_of(type, 0); });
  }

  LoopSpec spec;
  spec.trip_count = steps;
  spec.carried = {start};
  spec.body = [&](ir::Region& region, Value* iteration, const std::vector<Value*>& carried) {
    ir::Region* outer = b.enter(&region);
    const auto now = [&](ir::Body& body) { return ir::cast(DType::index, body.at(iteration, {})); };
    const auto wide = [&](const Expr& e) { return ir::cast(type, e); };
    Value* state = carried[0];
    if (decay != nullptr) {
      state = b.tabulate(type, state_shape, [&](ir::Body& body, Indices i) {
        const Expr d = wide(decay_at(body, i[0], now(body), i[1], i[2]));
        return body.at(state, {i[0], i[1], i[2], i[3]}) * ir::unary(ir::ExprOp::exp, d);
      });
    }
    const auto key_at = [&](ir::Body& body, const Expr& n, const Expr& head, const Expr& k) {
      return wide(body.at(key, {n, now(body), head, k}));
    };
    // What is written beside the key: the value or, corrected, its difference from what the key retrieves
    // already.
    Value* written = b.tabulate(type, {batch, shared, values}, [&](ir::Body& body, Indices i) {
      return wide(body.at(value, {i[0], now(body), i[1], i[2]}));
    });
    if (beta != nullptr) {
      Value* retrieved =
          b.reduce(ir::Combiner::sum, type, {batch, shared, values}, {keys}, [&](ir::Body& body, Indices i) {
            return body.at(state, {i[0], i[1], i[3], i[2]}) * key_at(body, i[0], i[1], i[3]);
          });
      Value* target = written;
      written = b.tabulate(type, target->shape, [&](ir::Body& body, Indices i) {
        const Expr rate = wide(body.at(beta, {i[0], now(body), ir::broadcast_index(i[1], beta->shape[2])}));
        return rate * (body.at(target, {i[0], i[1], i[2]}) - body.at(retrieved, {i[0], i[1], i[2]}));
      });
    }
    Value* next = b.tabulate(type, state_shape, [&](ir::Body& body, Indices i) {
      return body.at(state, {i[0], i[1], i[2], i[3]}) +
             key_at(body, i[0], i[1], i[2]) * body.at(written, {i[0], i[1], i[3]});
    });
    const int64_t each = heads / shared;
    Value* read =
        b.reduce(ir::Combiner::sum, type, {batch, heads, values}, {keys}, [&](ir::Body& body, Indices i) {
          const Expr head = each == 1 ? i[1] : ir::floordiv(i[1], Expr(each));
          return wide(body.at(query, {i[0], now(body), i[1], i[3]})) *
                 body.at(next, {i[0], head, i[3], i[2]});
        });
    Value* y = b.map(query->type, {read}, [&](std::span<const Expr> e) { return e[0] * scale; });
    b.enter(outer);
    return LoopBody{.carried = {next}, .scan = {y}};
  };
  const LoopResult result = build_loop(b, spec);
  // [steps, batch, heads, values]
  Value* y = b.transpose(result.scan[0], {1, 0, 2, 3});
  l.output(0, b.view(y, {batch, steps, Dim(heads) * values}));
  if (l.wants_output(1)) l.output(1, b.cast(result.carried[0], state_type));
}
const RegisterOperator linear_attention({.name = "LinearAttention",
                                         .versions = {27},
                                         .types = {{"T", kFloats, inputs(0, 1, 2, 4, 5)},
                                                   {"S", kFloats, inputs(3)}},
                                         .lower = lower_linear_attention});

// The same where it keeps one state.
void lower_ms_linear_attention(Lowering& l) {
  if (l.int_attribute("state_window", 0) != 0)
    l.fail("attribute state_window is {}, only 0 is supported", l.int_attribute("state_window"));
  lower_linear_attention(l);
}
const RegisterOperator ms_linear_attention({.domain = "com.microsoft",
                                            .name = "LinearAttention",
                                            .versions = {1},
                                            .limits = "no window of states",
                                            .types = {{"T", kFloats, inputs(0, 1, 2, 4, 5)},
                                                      {"S", kFloats, inputs(3)}},
                                            .lower = lower_ms_linear_attention});

}  // namespace
}  // namespace o2w::onnx_frontend
