// A loop over the batch around a loop over the steps. All sequences take as many steps as there are; those
// behind a sequence's end leave its states as they are and give zeros.
#include "frontends/onnx/ops/control_flow/scan_8.h"

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

struct Batched {
  std::vector<Value*> states, sequences;  // [batch, ..], [batch, steps, ..]
  std::vector<bool> backwards;            // per sequence
  Value* lengths = nullptr;               // [batch]; null: all of full length
  Dim batch = 0, steps = 0;
  std::size_t outputs = 0;  // of the body, behind the states
};

Batched inputs_of(Lowering& l, const GraphDef& graph) {
  Batched in;
  const int64_t scans = l.int_attribute("num_scan_inputs");
  const int states = l.input_count() - 1 - static_cast<int>(scans);
  if (scans < 1 || states < 0)
    l.fail("num_scan_inputs is {}, but the node has {} inputs", scans, l.input_count());
  if (graph.outputs.size() < static_cast<std::size_t>(states))
    l.fail("the body has {} outputs for {} states", graph.outputs.size(), states);
  in.outputs = graph.outputs.size() - static_cast<std::size_t>(states);
  for (int i = 0; i < states; ++i) in.states.push_back(l.input(1 + i));
  for (int i = 0; i < scans; ++i) in.sequences.push_back(l.input(1 + states + i));
  in.batch = in.sequences[0]->shape.at(0);
  for (Value* state : in.states) {
    l.expect_rank(state, 1, 64, "a state");
    require_equal(l, state->shape[0], in.batch, "batch of all states and sequences");
  }
  for (Value* sequence : in.sequences) {
    l.expect_rank(sequence, 2, 64, "a sequence");
    require_equal(l, sequence->shape[0], in.batch, "batch of all states and sequences");
    require_equal(l, sequence->shape[1], in.sequences[0]->shape[1], "steps of all sequences");
  }
  in.steps = in.sequences[0]->shape[1];
  const auto directions = l.ints_attribute("directions", std::vector<int64_t>(in.sequences.size(), 0));
  if (directions.size() != in.sequences.size())
    l.fail("attribute directions has {} entries for {} sequences", directions.size(), in.sequences.size());
  for (const int64_t direction : directions) {
    if (direction != 0 && direction != 1)
      l.fail("attribute directions has the entry {}, expected 0 or 1", direction);
    in.backwards.push_back(direction == 1);
  }
  if ((in.lengths = l.optional_input(0)) != nullptr) {
    l.expect_rank(in.lengths, 1, 1, "sequence_lens");
    require_equal(l, in.lengths->shape[0], in.batch, "size of sequence_lens and batch");
  }
  return in;
}

Expr position(ir::Body& body, Value* scalar) { return ir::cast(DType::index, body.at(scalar, {})); }

// x[n, ..] or x[n, time, ..].
Value* part_of(ir::Builder& b, Value* x, Value* n, const std::function<Expr(ir::Body&)>& time = nullptr) {
  const ir::Shape shape = trailing(x->shape, time ? 2 : 1);
  return b.tabulate(x->type, shape, [&](ir::Body& body, Indices i) {
    std::vector<Expr> at = {position(body, n)};
    if (time) at.push_back(time(body));
    at.insert(at.end(), i.begin(), i.end());
    return body.at(x, std::move(at));
  });
}

// `now` while the sequence lasts, else `otherwise` (null: zeros).
Value* while_it_lasts(ir::Builder& b, const Batched& in, Value* n, Value* step, Value* now,
                      Value* otherwise) {
  if (in.lengths == nullptr) return now;
  return b.tabulate(now->type, now->shape, [&](ir::Body& body, Indices i) {
    const Expr length = ir::cast(DType::index, body.at(in.lengths, {position(body, n)}));
    const std::vector<Expr> at(i.begin(), i.end());
    const Expr value = body.at(now, at);
    const Expr rest = otherwise != nullptr            ? body.at(otherwise, at)
                      : value->type == DType::boolean ? ir::literal_bool(false)
                                                      : ir::literal_of(value->type, 0);
    return ir::select(ir::lt(position(body, step), length), value, rest);
  });
}

}  // namespace

void lower_scan_8(Lowering& l) {
  const GraphDef& graph = l.graph_attribute("body");
  ir::Builder& b = l.b();
  const Batched in = inputs_of(l, graph);
  const auto states = static_cast<std::ptrdiff_t>(in.states.size());

  LoopSpec over_batch;
  over_batch.trip_count = in.batch;
  over_batch.body = [&](ir::Region& outer, Value* n, const std::vector<Value*>&) {
    ir::Region* before = b.enter(&outer);
    LoopSpec over_steps;
    over_steps.trip_count = in.steps;
    for (Value* state : in.states) over_steps.carried.push_back(part_of(b, state, n));
    over_steps.body = [&](ir::Region& inner, Value* step, const std::vector<Value*>& carried) {
      std::vector<Value*> given = carried;
      ir::Region* around = b.enter(&inner);
      for (std::size_t k = 0; k < in.sequences.size(); ++k) {
        given.push_back(part_of(b, in.sequences[k], n, [&](ir::Body& body) {
          const Expr now = position(body, step);
          if (!in.backwards[k]) return now;
          const Expr length = in.lengths == nullptr
                                  ? Expr(in.steps)
                                  : ir::cast(DType::index, body.at(in.lengths, {position(body, n)}));
          return ir::min(ir::max(length - 1 - now, 0), Expr(in.steps - 1));
        }));
      }
      b.enter(around);
      const std::vector<Value*> results = l.subgraphs().lower(graph, inner, given);
      around = b.enter(&inner);
      LoopBody made;
      for (std::ptrdiff_t k = 0; k < states; ++k) {
        const auto at = static_cast<std::size_t>(k);
        made.carried.push_back(while_it_lasts(b, in, n, step, results[at], carried[at]));
      }
      for (std::size_t k = in.states.size(); k < results.size(); ++k)
        made.scan.push_back(while_it_lasts(b, in, n, step, results[k], nullptr));
      b.enter(around);
      return made;
    };
    LoopResult of_one = build_loop(b, over_steps);
    b.enter(before);
    LoopBody made;
    made.scan = of_one.carried;
    made.scan.insert(made.scan.end(), of_one.scan.begin(), of_one.scan.end());
    return made;
  };
  const LoopResult result = build_loop(b, over_batch);
  for (std::size_t k = 0; k < result.scan.size(); ++k) l.output(static_cast<int>(k), result.scan[k]);
}

}  // namespace o2w::onnx_frontend
