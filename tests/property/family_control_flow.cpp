// Branches and loops with random bodies, which read values of the graphs around them.
#include "tests/property/families.h"

namespace o2w::property {

using ir::DType;
using onnx_frontend::kBool;
using onnx_frontend::kFloats;
using onnx_frontend::kNumeric;

namespace {

constexpr int deepest = 2;

// A few nodes; what is no use is left out.
void grow_body(Maker& m, int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) {
    try {
      grow(m, m.depth() >= deepest);
    } catch (const Rejected&) {
      throw;
    } catch (const std::runtime_error&) {
    }
  }
}

// Something of the same type and shape that is computed from `x`.
Known same_shape(Maker& m, const Known& x) {
  Random& random = m.random();
  if (x.type() == DType::boolean) {
    const auto y = m.add("Not", {x});
    return y ? y->front() : x;
  }
  const auto other = m.fresh(x.type(), x.dims(), x.exact);
  const auto y = random.chance(0.5) ? m.add("Min", {x, other}) : m.add("Max", {x, other});
  if (!y) return x;
  if (ir::is_float(x.type()) && random.chance(0.5)) {
    const auto z = m.add("Tanh", {y->front()}, {}, Exactness::rounded);
    if (z) return z->front();
  }
  return y->front();
}

// Lets the result depend on something that the body made since it had `first` values.
Known with_made(Maker& m, const Known& x, std::size_t first) {
  std::vector<Known> made;
  for (std::size_t i = first; i < m.values().size(); ++i) {
    const Known& known = m.values()[i];
    if (known.type() == x.type() && kNumeric.contains(x.type()) && known.tensor.count() > 0)
      made.push_back(known);
  }
  if (made.empty()) return x;
  const auto most = m.add("ReduceMax", {m.random().pick(made)}, {{"keepdims", integer(0)}});
  if (!most) return x;
  const auto least = m.add("Min", {x, most->front()});
  return least ? least->front() : x;
}

// A subgraph's result must be made in it.
Known own(Maker& m, const Known& x) {
  const auto y = m.add("Identity", {x});
  return y ? y->front() : x;
}

}  // namespace

void grow_if(Maker& m) {
  if (m.depth() >= deepest) return;
  Random& random = m.random();
  Known condition = m.value(kBool, {.most_rank = 0, .reuse = 0.5});
  const Known x = m.value(kNumeric);
  const auto branch = [&](bool other_shape) {
    m.open();
    const std::size_t first = m.values().size();
    grow_body(m, random.between(0, 2));
    Known y = with_made(m, same_shape(m, x), first);
    if (other_shape && y.rank() > 0) {
      const auto twice = m.add("Concat", {y, x}, {{"axis", integer(0)}});
      if (twice) y = twice->front();
    }
    return m.close({own(m, y).name});
  };
  // Branches may give different sizes.
  const bool differ = random.chance(0.3);
  GraphDef then_graph = branch(differ), else_graph = branch(false);
  m.add("If", {condition},
        {{"then_branch", subgraph(std::move(then_graph))}, {"else_branch", subgraph(std::move(else_graph))}},
        Exactness::rounded);
}

void grow_loop(Maker& m) {
  if (m.depth() >= deepest) return;
  Random& random = m.random();
  const Known x = m.value(kNumeric);
  const bool with_trips = random.chance(0.8), with_condition = !with_trips || random.chance(0.4);
  const bool growing = x.rank() > 0 && random.chance(0.2);
  const Known trips = with_trips ? m.fresh_in(DType::i64, {}, 0, 4) : Maker::absent();
  Known start = Maker::absent();
  if (with_condition) start = m.constant(ir::Tensor::scalar(DType::boolean, int64_t{1}));
  m.open();
  Known iteration;
  iteration.tensor = ir::Tensor(DType::i64, {});
  iteration = m.parameter(iteration, true);
  Known go_on;
  go_on.tensor = ir::Tensor::scalar(DType::boolean, int64_t{1});
  go_on = m.parameter(go_on, true);
  // Contents change from round to round: they are exact only if they are whole numbers.
  Known carried = x;
  carried.exact = !ir::is_float(x.type());
  carried = m.parameter(carried);
  const std::size_t first = m.values().size();
  grow_body(m, random.between(0, 2));
  Known next = with_made(m, same_shape(m, carried), first);
  if (growing) {
    const auto longer = m.add("Concat", {carried, x}, {{"axis", integer(0)}});
    if (longer) next = longer->front();
  }
  const Known scanned = own(m, growing ? m.fresh(DType::f32, {2}) : next);
  // Ends after a few rounds when it is not counted.
  Known last = own(m, go_on);
  if (with_condition) {
    const auto less =
        m.add("Less", {iteration, m.constant(ir::Tensor::scalar(DType::i64, random.between(0, 3)))});
    if (less) last = less->front();
  }
  const std::string next_name = own(m, next).name;
  GraphDef body = m.close({last.name, next_name, scanned.name});
  m.add("Loop", {trips, start, x}, {{"body", subgraph(std::move(body))}}, Exactness::rounded, 2);
}

void grow_scan(Maker& m) {
  if (m.depth() >= deepest) return;
  Random& random = m.random();
  const Known sequence = m.value(
      TypeSet{DType::f32, DType::i64, DType::i32},
      {.least_rank = 2, .most_rank = 3, .holds = [](const Known& k) { return k.tensor.count() > 0; }});
  const auto axis = random.between(0, 1);
  Dims element = sequence.dims();
  const bool reverse = random.chance(0.4);
  element.erase(element.begin() + axis);
  const Known state = m.fresh(sequence.type(), element);
  m.open();
  Known carried = state;
  carried.exact = !ir::is_float(state.type());
  carried = m.parameter(carried);
  Known slice;
  slice.tensor = ir::Tensor(sequence.type(), element);
  slice.exact = !ir::is_float(sequence.type());
  slice = m.parameter(slice);
  const auto sum = m.add("Max", {carried, slice});
  Known next = sum ? same_shape(m, sum->front()) : carried;
  const std::string result = own(m, next).name;
  const std::string scanned = own(m, slice).name;
  GraphDef body = m.close({result, scanned});
  m.add("Scan", {state, sequence},
        {{"body", subgraph(std::move(body))},
         {"num_scan_inputs", integer(1)},
         {"scan_input_axes", ints({axis})},
         {"scan_input_directions", ints({reverse ? 1 : 0})},
         {"scan_output_axes", ints({random.between(0, static_cast<int64_t>(element.size()))})}},
        Exactness::rounded, 2);
}

}  // namespace o2w::property
