#include "compiler/ir/verify.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "compiler/ir/text.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

class Verifier {
 public:
  Verifier(const Graph& graph, const std::string& after) : graph_(graph), after_(after) {}

  void run() {
    const Region& region = graph_.region;
    expect(graph_.inputs.size() == region.parameters.size(),
           "the graph's inputs are not its region's parameters");
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      expect(graph_.inputs[i].value == region.parameters[i],
             "the graph's inputs are not its region's parameters");
    }
    expect(graph_.outputs.size() == region.results.size(),
           "the graph's outputs are not its region's results");
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      expect(graph_.outputs[i].value == region.results[i],
             "the graph's outputs are not its region's results");
    }
    check_region(region);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    std::string place = "graph";
    if (node_ != nullptr) {
      place = node_->kind_name();
      for (const Value* output : node_->outputs) place += fmt::format(" %{}", output->id);
      if (node_->origin) place += fmt::format(" (node '{}', {})", node_->origin->node, node_->origin->op);
    }
    throw InternalError(
        fmt::format("after {}: {}: {}", after_, place, fmt::format(format, std::forward<Args>(args)...)));
  }
  void expect(bool condition, const char* what) const {
    if (!condition) fail("{}", what);
  }

  void check_dim(const Dim& dim) const {
    for (const SymbolRef& symbol : dim.symbols()) {
      if (!symbol->from_input && symbols_.count(symbol->name) == 0) {
        fail("the symbol {} is used before a node defines it", symbol->name);
      }
    }
  }
  void check_shape(const Shape& shape) const {
    for (const Dim& dim : shape) check_dim(dim);
  }
  void agree(const Dim& a, const Dim& b, const char* what) const {
    if (provably_different(a, b)) fail("{}: {} and {}", what, a.to_string(), b.to_string());
  }
  void agree(const Shape& a, const Shape& b, const char* what) const {
    if (a.size() != b.size()) fail("{}: shapes {} and {}", what, to_string(a), to_string(b));
    for (std::size_t k = 0; k < a.size(); ++k) agree(a[k], b[k], what);
  }

  void define(const Value* value) {
    if (!values_.insert(value).second) fail("%{} is defined twice", value->id);
  }

  void check_region(const Region& region) {
    const std::set<const Value*> outer = values_;
    const std::set<std::string> outer_symbols = symbols_;
    for (const Value* parameter : region.parameters) {
      expect(parameter->producer == nullptr, "a region's parameter has a producer");
      define(parameter);
      check_shape(parameter->shape);
    }
    const Node* owner = node_;
    for (const auto& node : region.nodes) {
      node_ = node.get();
      check_node(*node);
    }
    node_ = owner;
    for (const Value* result : region.results) {
      if (values_.count(result) == 0) fail("the result %{} is not defined in its region", result->id);
    }
    values_ = outer;
    symbols_ = outer_symbols;
  }

  void check_node(const Node& node) {
    for (const Value* input : node.inputs) {
      expect(input != nullptr, "an input is null");
      if (values_.count(input) == 0) fail("%{} is used before it is defined", input->id);
    }
    std::visit([&](const auto& kind) { check(kind, node); }, node.attributes);
    for (const SymbolRef& symbol : symbols_defined_by(node)) {
      expect(!symbol->from_input, "a node defines an input's symbol");
      symbols_.insert(symbol->name);
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const Value* output = node.outputs[i];
      expect(output->producer == &node && output->output_index == static_cast<int>(i),
             "an output has another producer");
      define(output);
      check_shape(output->shape);
    }
  }

  void expect_io(const Node& node, std::size_t inputs, std::size_t outputs) const {
    if (node.inputs.size() != inputs || node.outputs.size() != outputs) {
      fail("{} inputs and {} outputs, not {} and {}", node.inputs.size(), node.outputs.size(), inputs,
           outputs);
    }
  }
  void expect_one_output(const Node& node) const {
    expect(node.outputs.size() == 1, "one output is expected");
  }

  void check_expr(const Expr& e, const Node& node, std::size_t loops, DType type, const char* what) const {
    expect(e.get() != nullptr, "an expression is missing");
    if (e->type != type) fail("the {} is of type {}, not {}", what, name(e->type), name(type));
    walk(e, [&](const ExprNode& part) {
      switch (part.op) {
        case ExprOp::index:
          if (part.slot < 0 || part.slot >= static_cast<int>(loops))
            fail("the {} uses index {} of {}", what, part.slot, loops);
          break;
        case ExprOp::read:
          check_read(part, node, what);
          break;
        case ExprOp::temp:
          fail("the {} uses a scheduled temporary", what);
        case ExprOp::dim:
        case ExprOp::checked_index:
        case ExprOp::broadcast_index:
          check_dim(part.dim);
          break;
        default:
          break;
      }
    });
  }

  void check_read(const ExprNode& part, const Node& node, const char* what) const {
    if (part.slot < 0 || part.slot >= static_cast<int>(node.inputs.size())) {
      fail("the {} reads slot {} of {} inputs", what, part.slot, node.inputs.size());
    }
    const Value* input = node.inputs[static_cast<std::size_t>(part.slot)];
    if (part.type != input->type) fail("the {} reads %{} as {}", what, input->id, name(part.type));
    if (part.args.size() != input->shape.size()) {
      fail("the {} reads %{} of rank {} with {} indices", what, input->id, input->rank(), part.args.size());
    }
    for (const Expr& index : part.args) {
      if (index->type != DType::index)
        fail("the {} reads %{} at an index of type {}", what, input->id, name(index->type));
    }
  }

  void check_guard(const Expr& guard, const Node& node, std::size_t loops) const {
    if (guard) check_expr(guard, node, loops, DType::boolean, "guard");
  }

  void check(const Constant& constant, const Node& node) const {
    expect_io(node, 0, 1);
    const Value& output = *node.outputs[0];
    expect(constant.tensor.type() == output.type, "the tensor is of another type than the value");
    agree(Shape(constant.tensor.dims().begin(), constant.tensor.dims().end()), output.shape,
          "tensor and value");
  }
  void check(const Tabulate& tabulate, const Node& node) const {
    expect_one_output(node);
    const Value& output = *node.outputs[0];
    check_expr(tabulate.body, node, output.shape.size(), output.type, "body");
  }
  void check(const Reduce& reduce, const Node& node) const {
    expect_one_output(node);
    const Value& output = *node.outputs[0];
    const std::size_t loops = output.shape.size() + reduce.extents.size();
    expect(reduce.combiner != Combiner::none, "a reduction without a combiner");
    check_shape(reduce.extents);
    const bool gives_position = reduce.combiner == Combiner::arg_min || reduce.combiner == Combiner::arg_max;
    if (gives_position) expect(output.type == DType::i64, "positions are i64");
    expect(reduce.body.get() != nullptr, "an expression is missing");
    check_expr(reduce.body, node, loops, gives_position ? reduce.body->type : compute_type(output.type),
               "body");
    check_guard(reduce.guard, node, loops);
  }
  void check(const Einsum& einsum, const Node& node) const {
    expect_io(node, 2, 1);
    std::map<char, Dim> sizes;
    const auto note = [&](const std::string& labels, const Value& value) {
      expect(labels.size() == value.shape.size(), "labels and ranks differ");
      for (std::size_t k = 0; k < labels.size(); ++k) {
        agree(sizes.emplace(labels[k], value.shape[k]).first->second, value.shape[k], "sizes of one label");
      }
    };
    note(einsum.lhs, *node.inputs[0]);
    note(einsum.rhs, *node.inputs[1]);
    for (char label : einsum.out) expect(sizes.count(label) != 0, "a label of the output is in no input");
    note(einsum.out, *node.outputs[0]);
  }
  void check(const Convolution& convolution, const Node& node) const {
    expect_io(node, 2, 1);
    const std::size_t rank = convolution.strides.size() + 2;
    expect(convolution.dilations.size() + 2 == rank && convolution.pads_begin.size() + 2 == rank,
           "strides, dilations and pads differ in number");
    for (const Value* value : {node.inputs[0], node.inputs[1], node.outputs[0]}) {
      expect(value->shape.size() == rank, "a convolution's operand has another rank");
    }
    check_shape(convolution.pads_begin);
    expect(convolution.group >= 1, "a convolution without groups");
    const Shape &x = node.inputs[0]->shape, &w = node.inputs[1]->shape, &y = node.outputs[0]->shape;
    const Dim group(convolution.group);
    agree(x[0], y[0], "batches");
    agree(x[1], convolution.transposed ? w[0] : w[1] * group, "input channels");
    agree(y[1], convolution.transposed ? w[1] * group : w[0], "output channels");
  }
  void check(const Concat& concat, const Node& node) const {
    expect_one_output(node);
    expect(!node.inputs.empty(), "a concatenation of nothing");
    const Value& output = *node.outputs[0];
    expect(concat.axis >= 0 && concat.axis < output.rank(), "the axis is out of range");
    Shape expected = output.shape;
    Dim& sum = expected[static_cast<std::size_t>(concat.axis)];
    sum = 0;
    for (const Value* input : node.inputs) {
      expect(input->type == output.type, "parts of another type");
      expect(input->rank() == output.rank(), "parts of another rank");
      sum += input->shape[static_cast<std::size_t>(concat.axis)];
      for (int k = 0; k < output.rank(); ++k) {
        const auto at = static_cast<std::size_t>(k);
        if (k != concat.axis) agree(input->shape[at], output.shape[at], "a part and the whole");
      }
    }
    agree(expected, output.shape, "the parts and the whole");
  }
  void check(const View&, const Node& node) const {
    expect_io(node, 1, 1);
    expect(byte_size(node.inputs[0]->type) == byte_size(node.outputs[0]->type),
           "a view of a type of another size");
    agree(element_count(node.inputs[0]->shape), element_count(node.outputs[0]->shape), "element counts");
  }
  void check(const Scatter& scatter, const Node& node) const {
    expect_one_output(node);
    expect(!node.inputs.empty(), "a scatter into nothing");
    const Value& output = *node.outputs[0];
    expect(node.inputs[0]->type == output.type, "a scatter into another type");
    agree(node.inputs[0]->shape, output.shape, "data and result");
    expect(scatter.target.size() == output.shape.size(), "target indices and rank differ");
    check_shape(scatter.extents);
    for (const Expr& target : scatter.target)
      check_expr(target, node, scatter.extents.size(), DType::index, "target");
    check_expr(scatter.body, node, scatter.extents.size(), compute_type(output.type), "body");
    check_guard(scatter.guard, node, scatter.extents.size());
  }
  void check(const Cumulative& cumulative, const Node& node) const {
    expect_io(node, 1, 1);
    expect(node.inputs[0]->type == node.outputs[0]->type, "a running combination of another type");
    agree(node.inputs[0]->shape, node.outputs[0]->shape, "input and output");
    expect(cumulative.axis >= 0 && cumulative.axis < node.outputs[0]->rank(), "the axis is out of range");
  }
  void check(const Sort& sort, const Node& node) const {
    expect_io(node, 1, 2);
    expect(node.inputs[0]->type == node.outputs[0]->type && node.outputs[1]->type == DType::i64,
           "a sort gives its input's type and i64");
    expect(sort.axis >= 0 && sort.axis < node.inputs[0]->rank(), "the axis is out of range");
    agree(node.outputs[0]->shape, node.outputs[1]->shape, "values and positions");
    Shape expected = node.inputs[0]->shape;
    const auto axis = static_cast<std::size_t>(sort.axis);
    expect(node.outputs[0]->shape.size() == expected.size(), "a sort changes the rank");
    expected[axis] = node.outputs[0]->shape[axis];
    agree(expected, node.outputs[0]->shape, "input and output");
  }
  void check(const Compact& compact, const Node& node) const {
    expect_io(node, 1, 1);
    expect(compact.count != nullptr, "a compaction without a count");
    expect(node.outputs[0]->type == DType::i64, "positions are i64");
    agree(Shape{Dim(node.inputs[0]->rank()), Dim::symbol(compact.count)}, node.outputs[0]->shape,
          "positions");
  }
  void check(const Bind& bind, const Node& node) const {
    expect_io(node, 1, 0);
    expect(is_integer(node.inputs[0]->type), "sizes are integers");
    const Dim count = element_count(node.inputs[0]->shape);
    if (provably_different(count, static_cast<int64_t>(bind.symbols.size()))) {
      fail("{} symbols for {} elements", bind.symbols.size(), count.to_string());
    }
  }
  void check(const Require& require, const Node& node) const {
    expect_io(node, 0, 0);
    check_dim(require.a);
    check_dim(require.b);
  }
  void check(const If& branch, const Node& node) {
    expect_io(node, 1, node.outputs.size());
    expect(node.inputs[0]->type == DType::boolean && element_count(node.inputs[0]->shape).is(1),
           "the condition is not one bool");
    for (const Region* region : {branch.then_region.get(), branch.else_region.get()}) {
      expect(region != nullptr, "a branch is missing");
      expect(region->parameters.empty(), "a branch has parameters");
      expect(region->results.size() == node.outputs.size(), "a branch has another number of results");
      check_region(*region);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        expect(region->results[i]->type == node.outputs[i]->type, "a branch gives another type");
        agree(region->results[i]->shape, node.outputs[i]->shape, "branch and result");
      }
    }
  }
  void check(const Loop& loop, const Node& node) {
    expect(loop.body != nullptr, "a loop without a body");
    const Region& body = *loop.body;
    const auto carried = static_cast<std::size_t>(loop.carried);
    const std::size_t first = loop.has_condition ? 1 : 0;
    expect(loop.carried >= 0 && node.inputs.size() == first + carried,
           "a loop's inputs are not its carried tensors");
    expect(body.parameters.size() == 1 + carried,
           "a loop's parameters are not the iteration and its carried tensors");
    expect(body.results.size() >= first + carried, "a loop's body has too few results");
    expect(node.outputs.size() == body.results.size() - first, "a loop's outputs are not its body's results");
    expect(body.parameters[0]->type == DType::i64 && body.parameters[0]->rank() == 0,
           "the iteration is a scalar i64");
    if (loop.trip_count) check_dim(*loop.trip_count);
    for (const SymbolRef& symbol : loop.carried_symbols) symbols_.insert(symbol->name);
    check_region(body);
    for (std::size_t i = 0; i < carried; ++i) {
      const DType type = node.inputs[first + i]->type;
      expect(type == body.parameters[1 + i]->type && type == body.results[first + i]->type &&
                 type == node.outputs[i]->type,
             "a carried tensor changes its type");
      expect(body.parameters[1 + i]->rank() == node.outputs[i]->rank(), "a carried tensor changes its rank");
    }
    for (std::size_t i = carried; i < node.outputs.size(); ++i) {
      const Value* element = body.results[first + i];
      expect(element->type == node.outputs[i]->type && element->rank() + 1 == node.outputs[i]->rank(),
             "a scan output is not its element with a leading dimension");
    }
  }
  void check(const Random&, const Node& node) const {
    expect_one_output(node);
    expect(is_float(node.outputs[0]->type) || is_integer(node.outputs[0]->type) ||
               node.outputs[0]->type == DType::boolean,
           "random elements of a type that has none");
  }
  void check(const Opaque& opaque, const Node& node) const {
    expect(!opaque.routine.empty(), "a call of no routine");
    expect(opaque.capacity.empty() || opaque.capacity.size() == node.outputs.size(),
           "capacities and outputs differ");
    for (const Shape& shape : opaque.capacity) check_shape(shape);
  }

  const Graph& graph_;
  const std::string& after_;
  const Node* node_ = nullptr;
  std::set<const Value*> values_;
  std::set<std::string> symbols_;
};

}  // namespace

void verify(const Graph& graph, const std::string& after) { Verifier(graph, after).run(); }

}  // namespace o2w::ir
