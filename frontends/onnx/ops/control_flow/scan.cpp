// Scan (ONNX 8, in a file of its own; 9, 11, 16 and the later versions that only add element types): a loop
// over slices.
#include <utility>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/control_flow/loop_builder.h"
#include "frontends/onnx/ops/control_flow/scan_8.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::Expr;
using ir::Value;

// One axis and direction per scan input or output.
struct Slicing {
  std::vector<int64_t> axes;
  std::vector<bool> reversed;
};

Slicing slicing(Lowering& lowering, const char* axes, const char* directions, std::size_t count) {
  Slicing result;
  result.axes = lowering.ints_attribute(axes, std::vector<int64_t>(count, 0));
  const auto given = lowering.ints_attribute(directions, std::vector<int64_t>(count, 0));
  if (result.axes.size() != count || given.size() != count) {
    lowering.fail("{} and {} must have {} entries each, but have {} and {}", axes, directions, count,
                  result.axes.size(), given.size());
  }
  for (const int64_t direction : given) {
    if (direction != 0 && direction != 1)
      lowering.fail("{} must be 0 or 1, but has {}", directions, direction);
    result.reversed.push_back(direction == 1);
  }
  return result;
}

// The element of `x` along `axis` that an iteration reads.
Value* slice_of(ir::Builder& b, Value* x, int axis, bool reversed, Value* iteration) {
  ir::Shape shape = x->shape;
  const Dim length = shape[axis];
  shape.erase(shape.begin() + axis);
  return b.tabulate(x->type, shape, [&](ir::Body& body, ir::Builder::Indices indices) {
    const Expr step = ir::cast(ir::DType::index, body.at(iteration, {}));
    std::vector<Expr> at(indices.begin(), indices.end());
    at.insert(at.begin() + axis, reversed ? Expr(length - 1) - step : step);
    return body.at(x, std::move(at));
  });
}

// The scan output with the iterations moved from the first dimension to `axis`.
Value* placed(ir::Builder& b, Value* scanned, int axis, bool reversed) {
  if (axis == 0 && !reversed) return scanned;
  ir::Shape shape = scanned->shape;
  const Dim length = shape.front();
  shape.erase(shape.begin());
  shape.insert(shape.begin() + axis, length);
  return b.tabulate(scanned->type, shape, [&](ir::Body& body, ir::Builder::Indices indices) {
    std::vector<Expr> at(indices.begin(), indices.end());
    const Expr step = at[axis];
    at.erase(at.begin() + axis);
    at.insert(at.begin(), reversed ? Expr(length - 1) - step : step);
    return body.at(scanned, std::move(at));
  });
}

void lower_scan(Lowering& lowering) {
  if (lowering.version() == 8) return lower_scan_8(lowering);
  const GraphDef& graph = lowering.graph_attribute("body");
  ir::Builder& b = lowering.b();
  const int64_t scans = lowering.int_attribute("num_scan_inputs");
  if (scans < 1 || scans > lowering.input_count()) {
    lowering.fail("num_scan_inputs is {}, but the node has {} inputs", scans, lowering.input_count());
  }
  const auto states = static_cast<std::size_t>(lowering.input_count() - scans);
  if (graph.outputs.size() < states) {
    lowering.fail("the body has {} outputs for {} states", graph.outputs.size(), states);
  }
  if (static_cast<std::size_t>(lowering.output_count()) > graph.outputs.size()) {
    lowering.fail("the node lists {} outputs, but the body gives {}", lowering.output_count(),
                  graph.outputs.size());
  }
  const Slicing in =
      slicing(lowering, "scan_input_axes", "scan_input_directions", static_cast<std::size_t>(scans));
  const Slicing out =
      slicing(lowering, "scan_output_axes", "scan_output_directions", graph.outputs.size() - states);

  LoopSpec spec;
  for (std::size_t i = 0; i < states; ++i) spec.carried.push_back(lowering.input(static_cast<int>(i)));
  std::vector<Value*> sequences;
  std::vector<int> axes;
  for (std::size_t i = 0; i < static_cast<std::size_t>(scans); ++i) {
    Value* sequence = lowering.input(static_cast<int>(states + i));
    sequences.push_back(sequence);
    axes.push_back(lowering.axis(in.axes[i], sequence->rank()));
    const Dim& length = sequence->shape[axes.back()];
    if (!spec.trip_count) {
      spec.trip_count = length;
    } else {
      b.require(ir::Require::Relation::equal, *spec.trip_count, length,
                "the scan inputs must have one length");
    }
  }
  spec.body = [&](ir::Region& region, Value* iteration, const std::vector<Value*>& values) {
    std::vector<Value*> inputs = values;
    ir::Region* before = b.enter(&region);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      inputs.push_back(slice_of(b, sequences[i], axes[i], in.reversed[i], iteration));
    }
    b.enter(before);
    std::vector<Value*> results = lowering.subgraphs().lower(graph, region, inputs);
    LoopBody made;
    made.carried.assign(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(states));
    made.scan.assign(results.begin() + static_cast<std::ptrdiff_t>(states), results.end());
    return made;
  };
  const LoopResult result = build_loop(b, spec);
  for (std::size_t i = 0; i < states; ++i) lowering.output(static_cast<int>(i), result.carried[i]);
  for (std::size_t i = 0; i < result.scan.size(); ++i) {
    Value* scanned = result.scan[i];
    const int axis = lowering.axis(out.axes[i], scanned->rank());
    lowering.output(static_cast<int>(states + i), placed(b, scanned, axis, out.reversed[i]));
  }
}

const RegisterOperator op_scan({.name = "Scan",
                                .versions = {8, 9, 11, 16, 19, 21, 23, 24, 25},
                                .limits = "States keep their rank.",
                                .types = {{"V", kAny, inputs_from(0), kMixed}},
                                .lower = lower_scan});

}  // namespace
}  // namespace o2w::onnx_frontend
