// The node kinds: types and shapes of their outputs.
#include "compiler/ir/builder.h"

#include <algorithm>

#include "compiler/ir/contents.h"
#include "compiler/ir/type_mismatch.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

// Folded results larger than this stay nodes unless they are no larger than what they replace: a module
// should not carry what it can compute from a few numbers.
constexpr int64_t kAlwaysFoldBytes = 64 << 10;

bool foldable_kind(const Node& node) {
  return !node.is<Constant>() && !node.is<Bind>() && !node.is<Require>() && !node.is<If>() &&
         !node.is<Loop>() && !node.is<Random>() && !node.outputs.empty();
}

void expect_computable(const Value* value) {
  if (is_opaque(value->type)) {
    fail_model("tensor '{}': elements of {} cannot be computed with here", value->name,
               user_name(value->type));
  }
}

// As the element of a tensor of `type`: through the compute type, so that narrow types round once.
Expr as_element(DType type, const Expr& e) {
  ensure(e.get() != nullptr, "a node without an expression");
  return cast(compute_type(type), e);
}

}  // namespace

bool worth_folding(const Node& node) {
  if (!foldable_kind(node)) return false;
  int64_t in = 0;
  for (const Value* input : node.inputs) {
    const Tensor* tensor = constant_of(input);
    if (tensor == nullptr) return false;
    in += tensor->byte_count();
  }
  Dim out = 0;
  for (const Value* output : node.outputs) out += element_count(output->shape) * Dim(byte_size(output->type));
  return out.is_constant() && out.value() <= std::max(kAlwaysFoldBytes, 2 * in);
}

Expr Body::at(Value* value, std::vector<Expr> indices) {
  ensure(value != nullptr, "a read of no value");
  if (static_cast<int>(indices.size()) != value->rank()) {
    fail_internal("{} indices for '{}' of shape {}", indices.size(), value->name, to_string(value->shape));
  }
  const auto found = std::find(inputs_.begin(), inputs_.end(), value);
  const auto slot = static_cast<int>(found - inputs_.begin());
  if (found == inputs_.end()) inputs_.push_back(value);
  return cast(compute_type(value->type), read(slot, value->type, std::move(indices)));
}

Region* Builder::enter(Region* region) { return std::exchange(region_, region); }

std::vector<Expr> Builder::index_vars(std::size_t count) {
  std::vector<Expr> indices;
  for (std::size_t i = 0; i < count; ++i) indices.push_back(index_var(static_cast<int>(i)));
  return indices;
}

Value* Builder::make_node(Attributes attributes, std::vector<Value*> inputs, DType type, Shape shape) {
  Value* output = graph_->new_value(type, std::move(shape));
  append(std::move(attributes), std::move(inputs), {output});
  return output;
}

Node* Builder::append(Attributes attributes, std::vector<Value*> inputs, std::vector<Value*> outputs) {
  auto made = std::make_unique<Node>();
  made->attributes = std::move(attributes);
  made->inputs = std::move(inputs);
  made->outputs = std::move(outputs);
  made->origin = origin_;
  for (std::size_t i = 0; i < made->outputs.size(); ++i) {
    made->outputs[i]->producer = made.get();
    made->outputs[i]->output_index = static_cast<int>(i);
  }
  Node* node = made.get();
  region_->nodes.push_back(std::move(made));
  propagate_contents(*node);
  if (folder_ && worth_folding(*node)) {
    if (std::optional<std::vector<Tensor>> results = folder_(*node))
      replace_by_constants(*node, std::move(*results));
  }
  return node;
}

void Builder::propagate_contents(Node& node) {
  for (Value* output : node.outputs) {
    if (!output->contents) output->contents = compute_contents(node, *output);
  }
  if (node.is<Constant>() || node.outputs.size() != 1) return;
  Value* output = node.outputs[0];
  if (!output->contents || !is_static(output->shape)) return;
  const bool known = std::all_of(output->contents->begin(), output->contents->end(),
                                 [](const Dim& dim) { return dim.is_constant(); });
  if (known) replace_by_constants(node, {tensor_of_contents(*output)});
}

void Builder::replace_by_constants(Node& node, std::vector<Tensor> tensors) {
  ensure(tensors.size() == node.outputs.size(), "a folder gave another number of results");
  const std::vector<Value*> outputs = std::move(node.outputs);
  node.inputs.clear();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Node* constant = &node;
    if (i > 0) {
      region_->nodes.push_back(std::make_unique<Node>());
      constant = region_->nodes.back().get();
      constant->origin = node.origin;
    }
    constant->attributes = Constant{std::move(tensors[i])};
    constant->outputs = {outputs[i]};
    outputs[i]->producer = constant;
    outputs[i]->output_index = 0;
    if (!outputs[i]->contents) outputs[i]->contents = compute_contents(*constant, *outputs[i]);
  }
}

Value* Builder::constant(Tensor tensor, std::string name) {
  Value* output =
      graph_->new_value(tensor.type(), Shape(tensor.dims().begin(), tensor.dims().end()), std::move(name));
  append(Constant{std::move(tensor)}, {}, {output});
  return output;
}

Value* Builder::tabulate(DType type, Shape shape, const std::function<Expr(Body&, Indices)>& make) {
  Body body;
  const std::vector<Expr> indices = index_vars(shape.size());
  const Expr element = ir::cast(type, as_element(type, make(body, indices)));
  return make_node(Tabulate{element}, body.inputs(), type, std::move(shape));
}

Value* Builder::reduce(Combiner combiner, DType type, Shape shape, Shape extents,
                       const std::function<Expr(Body&, Indices)>& make,
                       const std::function<Expr(Body&, Indices)>& guard, bool select_last) {
  Body body;
  const std::vector<Expr> indices = index_vars(shape.size() + extents.size());
  Reduce attributes{.combiner = combiner, .extents = std::move(extents), .select_last = select_last};
  Expr element = make(body, indices);
  const bool gives_position = combiner == Combiner::arg_min || combiner == Combiner::arg_max;
  // An untyped number would be compared as what it is; anything else keeps its type.
  if (is_opaque(element->type)) fail_types("a reduction of {}", name(element->type));
  attributes.body = gives_position ? (element->untyped ? ir::cast(element->type, element) : element)
                                   : as_element(type, element);
  if (guard) attributes.guard = ir::cast(DType::boolean, guard(body, indices));
  return make_node(std::move(attributes), body.inputs(), type, std::move(shape));
}

Value* Builder::einsum(Value* lhs, Value* rhs, const std::string& lhs_labels, const std::string& rhs_labels,
                       const std::string& out_labels, DType type) {
  expect_computable(lhs);
  expect_computable(rhs);
  std::map<char, Dim> sizes;
  const auto note = [&](const Value* operand, const std::string& labels) {
    if (labels.size() != operand->shape.size()) {
      fail_model("einsum: '{}' labels a tensor of shape {}", labels, to_string(operand->shape));
    }
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto [found, fresh] = sizes.emplace(labels[i], operand->shape[i]);
      if (fresh) continue;
      require(Require::Relation::equal, found->second, operand->shape[i],
              fmt::format("a product of shapes {} and {} needs equal sizes to sum over",
                          to_string(lhs->shape), to_string(rhs->shape)));
      if (operand->shape[i].is_constant()) found->second = operand->shape[i];
    }
  };
  note(lhs, lhs_labels);
  note(rhs, rhs_labels);
  Shape shape;
  for (char label : out_labels) {
    const auto found = sizes.find(label);
    if (found == sizes.end()) fail_model("einsum: the output's '{}' is in no input", label);
    shape.push_back(found->second);
  }
  return make_node(Einsum{lhs_labels, rhs_labels, out_labels}, {lhs, rhs}, type, std::move(shape));
}

Value* Builder::convolution(Value* x, Value* w, Convolution attributes, Shape shape, DType type) {
  expect_computable(x);
  expect_computable(w);
  const std::size_t spatial = attributes.strides.size();
  if (x->shape.size() != spatial + 2 || w->shape.size() != spatial + 2 || shape.size() != spatial + 2 ||
      attributes.dilations.size() != spatial || attributes.pads_begin.size() != spatial) {
    fail_model("a convolution over {} spatial dimensions has input {} and weights {}", spatial,
               to_string(x->shape), to_string(w->shape));
  }
  if (attributes.group < 1) fail_model("a convolution has group {}", attributes.group);
  for (std::size_t i = 0; i < spatial; ++i) {
    if (attributes.strides[i] < 1 || attributes.dilations[i] < 1) {
      fail_model("a convolution has stride {} and dilation {}; both must be positive", attributes.strides[i],
                 attributes.dilations[i]);
    }
  }
  const Dim in_channels = attributes.transposed ? w->shape[0] : w->shape[1] * Dim(attributes.group);
  require(Require::Relation::equal, x->shape[1], in_channels,
          fmt::format("a convolution's input {} has other channels than its weights {} with group {}",
                      to_string(x->shape), to_string(w->shape), attributes.group));
  return make_node(std::move(attributes), {x, w}, type, std::move(shape));
}

Value* Builder::concat(std::vector<Value*> parts, int axis) {
  ensure(!parts.empty(), "a concatenation of nothing");
  const Value* first = parts.front();
  ensure(axis >= 0 && axis < first->rank(), "the axis of a concatenation");
  Shape shape = first->shape;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Value* part = parts[i];
    const std::string what = fmt::format("concatenation of {} and {} along axis {}", to_string(first->shape),
                                         to_string(part->shape), axis);
    if (part->rank() != first->rank()) fail_model("{}: different ranks", what);
    if (part->type != first->type) {
      fail_model("{}: element types {} and {}", what, user_name(first->type), user_name(part->type));
    }
    for (int k = 0; k < part->rank(); ++k) {
      const auto at = static_cast<std::size_t>(k);
      if (k == axis) {
        shape[at] += part->shape[at];
        continue;
      }
      require(Require::Relation::equal, shape[at], part->shape[at],
              what + ": the other dimensions must agree");
      if (part->shape[at].is_constant()) shape[at] = part->shape[at];
    }
  }
  if (parts.size() == 1) return parts.front();
  const DType type = first->type;
  return make_node(Concat{axis}, std::move(parts), type, std::move(shape));
}

Value* Builder::view(Value* x, Shape shape) {
  if (x->shape == shape) return x;
  require(Require::Relation::equal, element_count(x->shape), element_count(shape),
          fmt::format("a tensor of shape {} cannot be seen as {}: another number of elements",
                      to_string(x->shape), to_string(shape)));
  return make_node(View{}, {x}, x->type, std::move(shape));
}

Value* Builder::scatter(Value* data, Combiner combiner, Shape extents,
                        const std::function<std::vector<Expr>(Body&, Indices)>& target,
                        const std::function<Expr(Body&, Indices)>& make,
                        const std::function<Expr(Body&, Indices)>& guard) {
  if (combiner != Combiner::none) expect_computable(data);
  Body body({data});
  const std::vector<Expr> indices = index_vars(extents.size());
  Scatter attributes{.combiner = combiner, .extents = std::move(extents)};
  for (const Expr& position : target(body, indices))
    attributes.target.push_back(ir::cast(DType::index, position));
  if (static_cast<int>(attributes.target.size()) != data->rank()) {
    fail_internal("a scatter into {} has {} target indices", to_string(data->shape),
                  attributes.target.size());
  }
  attributes.body = as_element(data->type, make(body, indices));
  if (guard) attributes.guard = ir::cast(DType::boolean, guard(body, indices));
  return make_node(std::move(attributes), body.inputs(), data->type, data->shape);
}

Value* Builder::cumulative(Value* x, Combiner combiner, int axis, bool exclusive, bool reverse) {
  expect_computable(x);
  ensure(axis >= 0 && axis < x->rank(), "the axis of a running combination");
  return make_node(Cumulative{combiner, axis, exclusive, reverse}, {x}, x->type, x->shape);
}

std::pair<Value*, Value*> Builder::sort(Value* x, int axis, const Dim& k, bool largest) {
  expect_computable(x);
  ensure(axis >= 0 && axis < x->rank(), "the axis of a sort");
  Shape shape = x->shape;
  Dim& kept = shape[static_cast<std::size_t>(axis)];
  require(Require::Relation::less_equal, k, kept,
          fmt::format("the {} first elements of axis {} of {} are asked for", k.to_string(), axis,
                      to_string(x->shape)));
  require(Require::Relation::less_equal, 0, k, "a negative number of elements is asked for");
  kept = k;
  Value* values = graph_->new_value(x->type, shape);
  Value* positions = graph_->new_value(DType::i64, std::move(shape));
  append(Sort{axis, largest}, {x}, {values, positions});
  return {values, positions};
}

Value* Builder::compact(Value* mask) {
  expect_computable(mask);
  const int64_t most = std::clamp<int64_t>(element_count(mask->shape).upper(), 0, INT32_MAX);
  const SymbolRef count = graph_->new_symbol("nonzero", 0, most, false);
  return make_node(Compact{count}, {mask}, DType::i64, {Dim(mask->rank()), Dim::symbol(count)});
}

std::vector<Value*> Builder::opaque(Opaque attributes, std::vector<Value*> inputs,
                                    std::vector<std::pair<DType, Shape>> outputs) {
  std::vector<Value*> values;
  for (auto& [type, shape] : outputs) values.push_back(graph_->new_value(type, std::move(shape)));
  append(std::move(attributes), std::move(inputs), values);
  return values;
}

}  // namespace o2w::ir
