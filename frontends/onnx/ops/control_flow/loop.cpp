// Loop (ONNX 1, 11, 13, 16 and the later versions that only add element types).
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/control_flow/loop_builder.h"
#include "frontends/onnx/ops/control_flow/region_symbols.h"
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

std::vector<Value*> values_of(LoopResult result) {
  std::vector<Value*> values = std::move(result.carried);
  values.insert(values.end(), result.scan.begin(), result.scan.end());
  return values;
}

void give(Lowering& lowering, const std::vector<Value*>& values) {
  for (int i = 0; i < lowering.output_count(); ++i) lowering.output(i, values[static_cast<std::size_t>(i)]);
}

// What the loop gives when it does not begin: the values it starts with, and scan outputs of no elements like
// these.
Alternative without_iterations(ir::Builder& b, const LoopSpec& spec, const std::vector<Value*>& elements,
                               const std::set<std::string>& inner_symbols) {
  Alternative none{std::make_unique<ir::Region>(), spec.carried};
  ir::Region* before = b.enter(none.region.get());
  for (const Value* element : elements) {
    ir::Shape shape{Dim(0)};
    for (const Dim& dim : element->shape) shape.push_back(uses_any(dim, inner_symbols) ? Dim(0) : dim);
    const ir::DType type = element->type;
    none.results.push_back(b.tabulate(type, std::move(shape), [&](ir::Body&, ir::Builder::Indices) {
      return ir::literal_of(ir::compute_type(type), 0);
    }));
  }
  b.enter(before);
  return none;
}

// A carried tensor has one rank to start with and another from the first iteration on: that iteration comes
// before a loop of the others.
void peel(Lowering& lowering, const LoopSpec& spec) {
  ir::Builder& b = lowering.b();
  Alternative runs{std::make_unique<ir::Region>(), {}};
  ir::Region* outside = b.enter(runs.region.get());
  LoopBody first = spec.body(*runs.region, b.scalar(ir::DType::i64, 0), spec.carried);
  const std::vector<Value*> elements = first.scan;
  LoopSpec rest;
  if (spec.trip_count) rest.trip_count = ir::max(*spec.trip_count - Dim(1), Dim(0));
  if (spec.condition != nullptr) rest.condition = first.condition;
  rest.carried = first.carried;
  rest.body = [&](ir::Region& region, Value* iteration, const std::vector<Value*>& values) {
    ir::Region* before = b.enter(&region);
    Value* next = b.map1(iteration, [](const Expr& i) { return i + ir::literal_of(ir::DType::i64, 1); });
    b.enter(before);
    return spec.body(region, next, values);
  };
  LoopResult result = build_loop(b, rest);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    result.scan[i] = b.concat({b.unsqueeze(elements[i], {0}), result.scan[i]}, 0);
  }
  runs.results = values_of(std::move(result));
  b.enter(outside);

  // Whether there is a first iteration, where that is not certain.
  Value* condition = spec.condition;
  if (condition != nullptr && lowering.constant(condition) != nullptr)
    condition = nullptr;  // true: see lower_loop
  if (spec.trip_count && spec.trip_count->lower() < 1) {
    Value* count = b.from_dims({*spec.trip_count}, ir::DType::i64, /*scalar=*/true);
    Value* some = b.map(ir::DType::boolean, {count}, [](std::span<const Expr> n) {
      return ir::gt(n[0], ir::literal_of(ir::DType::i64, 0));
    });
    condition = condition == nullptr ? some
                                     : b.map(ir::DType::boolean, {condition, some},
                                             [](std::span<const Expr> x) { return x[0] && x[1]; });
  }
  if (condition == nullptr) {
    for (auto& node : runs.region->nodes) b.region().nodes.push_back(std::move(node));
    give(lowering, runs.results);
    return;
  }
  Alternative none = without_iterations(b, spec, elements, symbols_defined_in(*runs.region));
  lowering.subgraphs().diverge(condition, std::move(runs), std::move(none));
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
  if (const auto result = build_loop_of_constant_ranks(b, spec)) {
    give(lowering, values_of(*result));
  } else {
    peel(lowering, spec);
  }
}

const RegisterOperator op_loop(
    {.name = "Loop",
     .versions = {1, 11, 13, 16, 19, 21, 23, 24, 25},
     .limits =
         "Carried tensors keep their rank from the first iteration on, scan outputs' elements their shape.",
     .types = {{"I", kIndices, inputs(0)},
               {"B", kBool, inputs(1)},
               {"V", kAny | kLists, inputs_from(2), kMixed}},
     .lower = lower_loop});

}  // namespace
}  // namespace o2w::onnx_frontend
