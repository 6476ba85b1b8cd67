// Unique: distinct elements, or distinct slices along an axis, with their first positions, the way back and
// how often each occurs.
//
// Everything follows from one stable sort. Its runs of equal elements are the groups; since it is stable, the
// first member of a run is the first in the input too. Slices are sorted by their last component first, each
// sort being stable: a loop.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using Indices = ir::Builder::Indices;

Expr position(const Expr& e) { return ir::cast(DType::index, e); }

// The rows' order, i64[rows], that sorts x [rows, components] lexicographically.
ir::Value* sorted_rows(Lowering& l, ir::Value* x) {
  ir::Builder& b = l.b();
  const Dim &rows = x->shape[0], &components = x->shape[1];
  if (components.is(1)) return b.sort(b.view(x, {rows}), 0, rows, /*largest=*/false).second;
  ir::Value* start =
      b.tabulate(DType::i64, {rows}, [](ir::Body&, Indices i) { return ir::cast(DType::i64, i[0]); });

  auto body = std::make_unique<ir::Region>();
  ir::Value* iteration = b.graph().new_value(DType::i64, {});
  ir::Value* order = b.graph().new_value(DType::i64, {rows});
  body->parameters = {iteration, order};
  ir::Region* outer = b.enter(body.get());
  ir::Value* keys = b.tabulate(x->type, {rows}, [&](ir::Body& e, Indices i) {
    const Expr component = Expr(components) - 1 - position(e.at(iteration, {}));
    return e.at(x, {position(e.at(order, {i[0]})), component});
  });
  ir::Value* by_key = b.sort(keys, 0, rows, /*largest=*/false).second;
  body->results = {b.tabulate(DType::i64, {rows}, [&](ir::Body& e, Indices i) {
    return e.at(order, {position(e.at(by_key, {i[0]}))});
  })};
  b.enter(outer);

  ir::Value* result = b.graph().new_value(DType::i64, {rows});
  ir::Loop loop;
  loop.trip_count = components;
  loop.carried = 1;
  loop.body = std::move(body);
  b.append(std::move(loop), {start}, {result});
  return result;
}

struct Distinct {
  ir::Value *values = nullptr, *first = nullptr, *run_of = nullptr, *length = nullptr;
};

// `sorted`, or in the order of first occurrence.
Distinct distinct(Lowering& l, bool sorted) {
  ir::Builder& b = l.b();
  ir::Value* input = l.input(0);
  const DType type = input->type;
  if (type == DType::boolean) input = b.cast(input, DType::u8);
  // Strings are ordered and told apart by their place in the order of all.
  ir::Value* strings = input;
  if (type == DType::string)
    input = b.opaque({.routine = "string_rank"}, {input}, {{DType::i64, input->shape}})[0];

  // As rows: the slices along the axis, or the elements.
  const bool along_axis = l.has_attribute("axis");
  ir::Shape slice;  // the shape of a row, axis taken out
  int axis = 0;
  ir::Value* x = nullptr;
  Dim rows = ir::element_count(input->shape), components = 1;
  if (along_axis) {
    axis = l.axis(l.int_attribute("axis"), input->rank());
    std::vector<int> to_front = {axis};
    for (int d = 0; d < input->rank(); ++d) {
      if (d == axis) continue;
      to_front.push_back(d);
      slice.push_back(input->shape[static_cast<std::size_t>(d)]);
    }
    rows = input->shape[static_cast<std::size_t>(axis)];
    components = ir::element_count(slice);
    x = b.view(b.transpose(input, to_front), {rows, components});
  } else {
    x = b.view(input, {rows, components});
  }

  ir::Value* order = sorted_rows(l, x);
  // Where a run begins in sorted order: at the first row, and at each that differs from the one before.
  ir::Value* differs =
      b.reduce(Combiner::logical_or, DType::boolean, {rows}, {components}, [&](ir::Body& e, Indices i) {
        const auto element = [&](const Expr& at) { return e.at(x, {position(e.at(order, {at})), i[1]}); };
        return ir::ne(element(i[0]), element(ir::max(i[0] - 1, 0)));
      });
  ir::Value* begins = b.tabulate(DType::boolean, {rows}, [&](ir::Body& e, Indices i) {
    return ir::eq(i[0], 0) || e.at(differs, {i[0]});
  });
  ir::Value* runs = b.compact(begins);  // [1, count]
  const Dim count = runs->shape[1];

  // Of every run: its first member and length; of every row, the number of its run.
  ir::Value* first = b.tabulate(DType::i64, {count}, [&](ir::Body& e, Indices i) {
    return e.at(order, {position(e.at(runs, {0, i[0]}))});
  });
  ir::Value* length = b.tabulate(DType::i64, {count}, [&](ir::Body& e, Indices i) {
    const Expr behind = i[0] + 1;
    const Expr end = ir::select(ir::lt(behind, count), e.at(runs, {0, ir::min(behind, Expr(count) - 1)}),
                                ir::cast(DType::i64, Expr(rows)));
    return end - e.at(runs, {0, i[0]});
  });
  ir::Value* number = b.cumulative(b.cast(begins, DType::i64), Combiner::sum, 0, false, false);
  ir::Value* nothing =
      b.tabulate(DType::i64, {rows}, [](ir::Body&, Indices) { return ir::literal_int(DType::i64, 0); });
  ir::Value* run_of = b.scatter(
      nothing, Combiner::none, {rows},
      [&](ir::Body& e, Indices i) {
        return std::vector<Expr>{ir::checked_index(position(e.at(order, {i[0]})), rows)};
      },
      [&](ir::Body& e, Indices i) { return e.at(number, {i[0]}) - 1; });

  if (!sorted) {
    const auto [by_first, run] = b.sort(first, 0, count, /*largest=*/false);
    ir::Value* place = b.scatter(
        b.tabulate(DType::i64, {count}, [](ir::Body&, Indices) { return ir::literal_int(DType::i64, 0); }),
        Combiner::none, {count},
        [&](ir::Body& e, Indices i) {
          return std::vector<Expr>{ir::checked_index(position(e.at(run, {i[0]})), count)};
        },
        [](ir::Body&, Indices i) { return ir::cast(DType::i64, i[0]); });
    first = by_first;
    ir::Value* sorted_length = length;
    length = b.tabulate(DType::i64, {count}, [&](ir::Body& e, Indices i) {
      return e.at(sorted_length, {position(e.at(run, {i[0]}))});
    });
    ir::Value* sorted_run_of = run_of;
    run_of = b.tabulate(DType::i64, {rows}, [&](ir::Body& e, Indices i) {
      return e.at(place, {position(e.at(sorted_run_of, {i[0]}))});
    });
  }

  ir::Shape shape = slice;
  shape.insert(shape.begin() + axis, count);
  ir::Value* source = type == DType::string ? strings : input;
  if (!along_axis) source = b.view(source, {rows});
  ir::Value* values = b.tabulate(source->type, shape, [&](ir::Body& e, Indices i) {
    const Expr row = position(e.at(first, {i[static_cast<std::size_t>(axis)]}));
    std::vector<Expr> where(i.begin(), i.end());
    where[static_cast<std::size_t>(axis)] = row;
    return e.at(source, where);
  });
  return {b.cast(values, type), first, run_of, length};
}

void lower_unique(Lowering& l) {
  const Distinct result = distinct(l, l.int_attribute("sorted", 1) != 0);
  l.output(0, result.values);
  l.output(1, result.first);
  l.output(2, result.run_of);
  l.output(3, result.length);
}
const RegisterOperator unique(
    {.name = "Unique", .versions = {11}, .types = {{"T", kMovable | kStrings}}, .lower = lower_unique});
// Of a vector, in the order of first occurrence, without the first positions.
void lower_ms_unique(Lowering& l) {
  l.expect_rank(l.input(0), 1, 1, "the input");
  const Distinct result = distinct(l, false);
  l.output(0, result.values);
  l.output(1, result.run_of);
  l.output(2, result.length);
}
const RegisterOperator ms_unique({.domain = "com.microsoft",
                                  .name = "Unique",
                                  .versions = {1},
                                  .types = {{"T", kMovable}},
                                  .lower = lower_ms_unique});

}  // namespace
}  // namespace o2w::onnx_frontend
