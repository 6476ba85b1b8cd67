// com.microsoft.NhwcMaxPool: MaxPool of [N, d.., C].
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/conv/channels_last.h"
#include "frontends/onnx/ops/pool/pooling.h"

namespace o2w::onnx_frontend {
namespace {

void lower(Lowering& l) {
  l.expect_rank(l.input(0), 3, 64, "input x");
  ir::Value* x = channels_first(l, l.input(0));
  l.output(0, channels_last(l, reduce_window(l, x, pool_window(l, x), ir::Combiner::max, x->type)));
}

const RegisterOperator max_pool({.domain = "com.microsoft",
                                 .name = "NhwcMaxPool",
                                 .versions = {1},
                                 .types = {{"T", kFloats | kBytes}},
                                 .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
