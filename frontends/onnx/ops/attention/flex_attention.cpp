// FlexAttention (ai.onnx.preview): attention whose scores and probabilities pass through graphs of the
// model's.
#include <cmath>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/sdpa.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Value;

// The tensor after the graph of attribute `name`.
Value* modified(Lowering& l, const char* name, Value* x) {
  if (!l.has_attribute(name)) return x;
  const GraphDef& graph = l.graph_attribute(name);
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1) {
    l.fail("the graph {} has {} inputs and {} outputs, expected one of each: all scores", name,
           graph.inputs.size(), graph.outputs.size());
  }
  Value* y = l.subgraphs().lower(graph, l.b().region(), {x}).at(0);
  if (!ir::is_float(y->type))
    l.fail("the graph {} gives {}, expected floating-point numbers", name, ir::user_name(y->type));
  l.expect_rank(y, 4, 4, name);
  for (std::size_t d = 0; d < 4; ++d)
    require_equal(l, y->shape[d], x->shape[d], std::string("shape after ") + name);
  return l.b().cast(y, x->type);
}

void lower_flex_attention(Lowering& l) {
  ir::Builder& b = l.b();
  Attention a;
  a.q = {l.input(0), true};
  a.k = {l.input(1), true};
  a.v = {l.input(2), true};
  const DType type = a.v.value->type;
  if (l.int_attribute("softmax_precision", 1) == 11) a.q.value = b.cast(a.q.value, DType::f64);
  ir::Expr factor;
  if (l.has_attribute("scale")) {
    a.scale = l.float_attribute("scale");
  } else if (const auto size = a.q.size().constant()) {
    a.scale = 1 / std::sqrt(static_cast<double>(*size));
  } else {
    const DType compute = ir::compute_type(a.q.value->type);
    factor = ir::unary(ir::ExprOp::reciprocal, ir::unary(ir::ExprOp::sqrt, size_as(compute, a.q.size())));
    a.logit = [=](ir::Body&, const ir::Expr& score, const ScoreIndex&) { return score * factor; };
  }
  a.rework_logits = [&](Value* x) { return modified(l, "mask_mod", modified(l, "score_mod", x)); };
  a.rework_weights = [&](Value* x) { return modified(l, "prob_mod", x); };
  l.output(0, b.cast(attend(l, a).y, type));
}
const RegisterOperator flex_attention({.domain = "ai.onnx.preview",
                                       .name = "FlexAttention",
                                       .versions = {1},
                                       .types = {{"T1", kFloats, inputs(0, 1)}, {"T2", kFloats, inputs(2)}},
                                       .lower = lower_flex_attention});

}  // namespace
}  // namespace o2w::onnx_frontend
