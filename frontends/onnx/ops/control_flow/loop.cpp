// Loop (ONNX 1, 11, 13, 16 and the later versions that only add element types).
#include <limits>
#include <utility>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/control_flow/loop_builder.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::Value;

constexpr int64_t most_iterations = std::numeric_limits<int32_t>::max();

// Absent when the loop is bounded by its condition alone: exporters write the largest int64 for that.
std::optional<Dim> trip_count(Lowering& lowering) {
  Value* given = lowering.optional_input(0);
  if (given == nullptr) return {};
  lowering.input(0);
  Value* scalar = as_scalar(lowering, given, "the trip count");
  if (const auto known = lowering.known_sizes(scalar); known && known->size() == 1) {
    const Dim& count = known->front();
    if (count.is_constant() && count.value() >= most_iterations) return {};
    return ir::max(count, Dim(0));
  }
  Value* clamped = lowering.b().map1(
      scalar, [&](const Expr& count) { return ir::max(ir::min(count, Expr(most_iterations)), Expr(0)); });
  return lowering.b().bind(clamped, "trip_count").front();
}

Value* condition(Lowering& lowering, Value* value) {
  if (value->type != ir::DType::boolean) {
    lowering.fail("the condition must be bool, but is {}", ir::user_name(value->type));
  }
  return as_scalar(lowering, value, "the condition");
}

void lower_loop(Lowering& lowering) {
  const GraphDef& body = lowering.graph_attribute("body");
  ir::Builder& b = lowering.b();
  LoopSpec spec;
  spec.trip_count = trip_count(lowering);
  for (int i = 2; i < lowering.input_count(); ++i) spec.carried.push_back(lowering.input(i));
  const std::size_t carried = spec.carried.size();
  if (body.outputs.size() < carried + 1) {
    lowering.fail("the body has {} outputs, but there are a condition and {} carried tensors",
                  body.outputs.size(), carried);
  }
  if (static_cast<std::size_t>(lowering.output_count()) > body.outputs.size() - 1) {
    lowering.fail("the node lists {} outputs, but the body gives {}", lowering.output_count(),
                  body.outputs.size() - 1);
  }
  // Without a condition to begin with, the body's is ignored (the operator's documentation, "ordered for").
  if (Value* start = lowering.optional_input(1)) {
    spec.condition = condition(lowering, start);
    if (const ir::Tensor* known = lowering.constant(spec.condition);
        known != nullptr && known->as_int(0) == 0) {
      spec.condition = nullptr;
      spec.trip_count = Dim(0);
    }
  }
  // Whenever the body runs, the condition was true.
  Value* yes = b.scalar(ir::DType::boolean, 1);

  spec.body = [&](ir::Region& region, Value* iteration, const std::vector<Value*>& values) {
    std::vector<Value*> inputs{iteration, yes};
    inputs.insert(inputs.end(), values.begin(), values.end());
    std::vector<Value*> results = lowering.subgraphs().lower(body, region, inputs);
    LoopBody made;
    ir::Region* before = b.enter(&region);
    made.condition = condition(lowering, results.front());
    b.enter(before);
    made.carried.assign(results.begin() + 1, results.begin() + 1 + static_cast<std::ptrdiff_t>(carried));
    made.scan.assign(results.begin() + 1 + static_cast<std::ptrdiff_t>(carried), results.end());
    return made;
  };
  const LoopResult result = build_loop(b, spec);
  for (int i = 0; i < lowering.output_count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    lowering.output(i, at < carried ? result.carried[at] : result.scan[at - carried]);
  }
}

const RegisterOperator op_loop(
    {.name = "Loop",
     .versions = {1, 11, 13, 16, 19, 21, 23, 24, 25},
     .limits = "Tensors only; carried tensors keep their rank, scan outputs' elements their shape.",
     .types = {{"I", kInt64, inputs(0)}, {"B", kBool, inputs(1)}, {"V", kAny, inputs_from(2), kMixed}},
     .lower = lower_loop});

}  // namespace
}  // namespace o2w::onnx_frontend
