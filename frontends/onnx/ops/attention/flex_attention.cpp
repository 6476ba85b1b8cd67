// FlexAttention (ai.onnx.preview): attention whose scores and probabilities pass through graphs of the
// model's.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/attention/heads.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/softmax/softmax.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;
using ir::Value;

// The tensor after the graph of attribute `name`, or the tensor where there is none.
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
  Value *q = float_input(l, 0), *k = float_input(l, 1), *v = float_input(l, 2);
  l.expect_rank(q, 4, 4, "Q");
  l.expect_rank(k, 4, 4, "K");
  l.expect_rank(v, 4, 4, "V");
  const DType compute = ir::compute_type(q->type);
  const DType type = l.has_attribute("softmax_precision")
                         ? element_type(l, l.int_attribute("softmax_precision"), "softmax_precision")
                         : compute;
  const Expr scale = attention_scale(l, q->shape[3], compute);
  Value* scores = b.map(type, {attention_scores(l, q, k, compute)},
                        [&](std::span<const Expr> e) { return e[0] * scale; });
  scores = modified(l, "mask_mod", modified(l, "score_mod", scores));
  Value* probabilities = modified(l, "prob_mod", softmax(l, scores, {3}, type));
  l.output(0,
           b.cast(attention_result(l, b.cast(probabilities, compute), b.cast(v, compute), compute), v->type));
}
const RegisterOperator flex_attention(
    {.domain = "ai.onnx.preview", .name = "FlexAttention", .versions = {1}, .lower = lower_flex_attention});

}  // namespace
}  // namespace o2w::onnx_frontend
