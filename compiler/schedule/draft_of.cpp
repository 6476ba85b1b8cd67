#include "compiler/schedule/draft_of.h"

#include <algorithm>
#include <set>

#include "compiler/schedule/nest_rewriting.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

using ir::Expr;

std::vector<Expr> index_range(int first, int count) {
  std::vector<Expr> indices;
  for (int k = 0; k < count; ++k) indices.push_back(ir::index_var(first + k));
  return indices;
}

// Strings and complex numbers as generated code knows them: bits that are moved, and that are equal or not.
ir::DType in_memory(ir::DType type) { return ir::is_opaque(type) ? ir::DType::u64 : type; }

// A complex128 is two such elements: the tensor gets one more dimension.
ir::Shape in_memory(ir::DType type, ir::Shape shape) {
  if (type == ir::DType::c128) shape.emplace_back(2);
  return shape;
}

// The expression over tensors in memory; `half` is the index over the halves of complex128 elements.
Expr in_memory(const Expr& e, int half) {
  if (e.get() == nullptr) return e;
  return ir::rewrite(e, [&](const Expr& part) {
    if (!ir::is_opaque(part->type)) return part;
    if (part->op == ir::ExprOp::literal) return ir::literal_int(ir::DType::u64, 0);
    if (part->op != ir::ExprOp::read) return part;
    std::vector<Expr> indices = part->args;
    if (part->type == ir::DType::c128) indices.push_back(ir::index_var(half));
    return ir::read(part->slot, ir::DType::u64, std::move(indices));
  });
}

// An element of a tensor as its compute type.
Expr element(const Draft& draft, int slot, int tensor, std::vector<Expr> indices) {
  const ir::DType type = draft.at(tensor).type;
  Expr e = ir::read(slot, type, std::move(indices));
  return ir::is_storage_only(type) ? ir::cast(ir::compute_type(type), e) : e;
}

Expr identity_of(ir::Combiner combiner, ir::DType type) {
  switch (combiner) {
    case ir::Combiner::sum:
      return ir::literal_of(type, 0);
    case ir::Combiner::prod:
      return ir::literal_of(type, 1);
    case ir::Combiner::min:
      return ir::highest_of(type);
    case ir::Combiner::max:
      return ir::lowest_of(type);
    case ir::Combiner::logical_and:
      return ir::literal_bool(true);
    case ir::Combiner::logical_or:
      return ir::literal_bool(false);
    default:
      fail_internal("a combiner without identity in a cumulative node");
  }
}

Expr combine(ir::Combiner combiner, const Expr& a, const Expr& b) {
  switch (combiner) {
    case ir::Combiner::sum:
      return a + b;
    case ir::Combiner::prod:
      return a * b;
    case ir::Combiner::min:
      return ir::min(a, b);
    case ir::Combiner::max:
      return ir::max(a, b);
    case ir::Combiner::logical_and:
      return a && b;
    case ir::Combiner::logical_or:
      return a || b;
    default:
      fail_internal("a combiner that combines nothing in a cumulative node");
  }
}

void collect_symbols(const ir::Dim& dim, std::set<std::string>& seen, std::vector<ir::SymbolRef>& list) {
  for (const ir::SymbolRef& symbol : dim.symbols()) {
    if (seen.insert(symbol->name).second) list.push_back(symbol);
  }
}

}  // namespace

std::string describe(const std::shared_ptr<const ir::Origin>& origin) {
  if (!origin) return "the model";
  return fmt::format("node '{}' ({})", origin->node, origin->op);
}

int Drafting::tensor_of(const ir::Value* value) const {
  const auto found = tensors_.find(value);
  if (found == tensors_.end()) fail_internal("the schedule reads value %{} before it is made", value->id);
  return found->second;
}

std::vector<int> Drafting::tensors_of(const std::vector<ir::Value*>& values) const {
  std::vector<int> list;
  for (const ir::Value* value : values) list.push_back(tensor_of(value));
  return list;
}

int Drafting::declare(const ir::Value* value) {
  const int tensor = draft_->add(in_memory(value->type), in_memory(value->type, value->shape),
                                 value->name.empty() ? fmt::format("%{}", value->id) : value->name);
  define(value, tensor);
  return tensor;
}

int Drafting::declare_view(const ir::Value* value, int host, const ir::Dim& byte_offset) {
  const int tensor = declare(value);
  draft_->at(tensor).host = host;
  draft_->at(tensor).host_offset = byte_offset;
  return tensor;
}

void Drafting::emit_into(Block& block, decltype(Operation::what) what) {
  block.push_back(Operation{std::move(what), origin_, describe(origin_)});
}

void Drafting::add_constant(const ir::Node& node) {
  const int tensor = declare(node.outputs[0]);
  draft_->at(tensor).home = DraftTensor::Home::constant;
  draft_->at(tensor).contents = node.as<ir::Constant>()->tensor;
}

NestOp Drafting::tabulate(const ir::Node& node) {
  std::vector<int> inputs = tensors_of(node.inputs);
  NestOp op = elementwise_nest(*draft_, declare(node.outputs[0]), std::move(inputs),
                               in_memory(node.as<ir::Tabulate>()->body, node.outputs[0]->rank()));
  merge_equal_operands(op);
  return op;
}

NestOp Drafting::reduce(const ir::Node& node) {
  const auto& attributes = *node.as<ir::Reduce>();
  NestOp op;
  op.tensors = tensors_of(node.inputs);
  const int out = declare(node.outputs[0]);
  op.nest.outer = draft_->at(out).shape;
  op.nest.temps = 1;
  Stage fold;
  fold.loops = attributes.extents;
  fold.body = in_memory(attributes.body, -1);
  fold.guard = in_memory(attributes.guard, -1);
  fold.combiner = attributes.combiner;
  fold.select_last = attributes.select_last;
  fold.temp = 0;
  const bool position = fold.combiner == ir::Combiner::arg_min || fold.combiner == ir::Combiner::arg_max;
  if (!position) fold.body = stored(draft_->at(out).type, fold.body);
  Stage store;
  store.body = stored(draft_->at(out).type, ir::temp(0, position ? ir::DType::i64 : fold.body->type));
  store.target = static_cast<int>(op.tensors.size());
  store.target_indices = index_range(0, static_cast<int>(op.nest.outer.size()));
  op.nest.stages = {std::move(fold), std::move(store)};
  op.tensors.push_back(out);
  merge_equal_operands(op);
  return op;
}

void Drafting::add_concat(const ir::Node& node, Block& block) {
  const auto axis = static_cast<std::size_t>(node.as<ir::Concat>()->axis);
  const std::vector<int> parts = tensors_of(node.inputs);
  const int out = declare(node.outputs[0]);
  ir::Dim position = 0;
  for (const int part : parts) {
    const ir::Dim extent = draft_->at(part).shape[axis];
    if (!extent.is(0)) {
      ir::Shape shape = draft_->at(out).shape;
      shape[axis] = extent;
      const int slice = draft_->add(draft_->at(out).type, shape, draft_->at(out).name + " part");
      DraftTensor& tensor = draft_->at(slice);
      tensor.layout = draft_->at(out).layout;
      tensor.host = out;
      tensor.host_offset =
          position * draft_->at(out).layout.strides[axis] * ir::Dim(ir::byte_size(tensor.type));
      emit_into(block, copy_nest(*draft_, part, slice));
    }
    position += extent;
  }
}

void Drafting::add_scatter(const ir::Node& node, Block& block) {
  const auto& attributes = *node.as<ir::Scatter>();
  const std::vector<int> inputs = tensors_of(node.inputs);
  const int out = declare(node.outputs[0]);
  emit_into(block, copy_nest(*draft_, inputs[0], out));
  NestOp op;
  op.tensors = inputs;
  op.tensors.push_back(out);
  const ir::DType type = node.outputs[0]->type;
  const int half = static_cast<int>(attributes.extents.size());
  op.nest.outer = in_memory(type, attributes.extents);
  Stage stage;
  stage.body = stored(draft_->at(out).type, in_memory(attributes.body, half));
  stage.guard = in_memory(attributes.guard, half);
  stage.target = static_cast<int>(inputs.size());
  for (const Expr& target : attributes.target) stage.target_indices.push_back(in_memory(target, half));
  if (type == ir::DType::c128) stage.target_indices.push_back(ir::index_var(half));
  stage.combine = attributes.combiner;
  stage.sequential = true;
  op.nest.stages = {std::move(stage)};
  merge_equal_operands(op);
  emit_into(block, std::move(op));
}

NestOp Drafting::cumulative(const ir::Node& node) {
  const auto& attributes = *node.as<ir::Cumulative>();
  NestOp op;
  op.tensors = tensors_of(node.inputs);
  const int out = declare(node.outputs[0]);
  const ir::Shape& shape = draft_->at(out).shape;
  const auto axis = static_cast<std::size_t>(attributes.axis);
  // The loop along the axis comes last; dimension k of the tensor is index variable place[k].
  const int rank = static_cast<int>(shape.size());
  std::vector<Expr> here = index_range(0, rank);
  int next = 0;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (k == axis) continue;
    here[k] = ir::index_var(next++);
    op.nest.outer.push_back(shape[k]);
  }
  const Expr step = ir::index_var(rank - 1);
  here[axis] = attributes.reverse ? Expr(shape[axis] - ir::Dim(1)) - step : step;
  std::vector<Expr> before = here;
  before[axis] = attributes.reverse ? here[axis] + Expr(1) : here[axis] - Expr(1);
  const Expr so_far = element(*draft_, 1, out, before);
  const Expr next_term = element(*draft_, 0, op.tensors[0], attributes.exclusive ? before : here);
  const Expr first = attributes.exclusive ? identity_of(attributes.combiner, next_term->type)
                                          : element(*draft_, 0, op.tensors[0], here);
  Stage stage;
  stage.loops = {shape[axis]};
  stage.body = ir::select(ir::eq(step, Expr(0)), first, combine(attributes.combiner, so_far, next_term));
  stage.target = 1;
  stage.target_indices = here;
  stage.sequential = true;
  op.nest.stages = {std::move(stage)};
  op.tensors.push_back(out);
  return op;
}

// One each, so that modules have only what they use: classes take an exponential function.
static const char* random_routine(ir::Random::Distribution distribution) {
  switch (distribution) {
    case ir::Random::Distribution::uniform:
      return "random_uniform";
    case ir::Random::Distribution::normal:
      return "random_normal";
    case ir::Random::Distribution::bernoulli:
      return "random_bernoulli";
    case ir::Random::Distribution::multinomial:
      return "random_classes";
  }
  fail_internal("unknown distribution");
}

RoutineOp Drafting::routine(const ir::Node& node) {
  RoutineOp op;
  op.inputs = tensors_of(node.inputs);
  for (const ir::Value* value : node.outputs) op.outputs.push_back(declare(value));
  std::vector<ir::Shape> reserved;  // per output, empty list: its own shape
  if (const auto* sort = node.as<ir::Sort>()) {
    op.routine.name = "sort";
    op.routine.ints = {sort->axis, sort->largest ? 1 : 0};
  } else if (const auto* compact = node.as<ir::Compact>()) {
    op.routine.name = "compact";
    op.routine.counts = {compact->count};
    reserved = {{ir::Dim(node.inputs[0]->rank()), ir::element_count(node.inputs[0]->shape)}};
  } else if (const auto* random = node.as<ir::Random>()) {
    op.routine.name = random_routine(random->distribution);
    op.routine.ints = {static_cast<int64_t>(random->seed.value_or(0)), random->seed.has_value() ? 1 : 0};
    op.routine.floats = {random->a, random->b};
  } else {
    const auto& opaque = *node.as<ir::Opaque>();
    op.routine.name = opaque.routine;
    op.routine.ints = opaque.ints;
    op.routine.floats = opaque.floats;
    op.routine.counts = opaque.counts;
    if (!opaque.counts.empty()) reserved = opaque.capacity;
  }
  ensure(op.routine.counts.empty() || reserved.size() == op.outputs.size(),
         "a routine that counts its results says how much room they may need");
  // Routines see tensors as the graph does.
  for (const ir::Value* input : node.inputs) op.routine.inputs.push_back({input->type, input->shape});
  for (std::size_t k = 0; k < op.outputs.size(); ++k) {
    const ir::Value& output = *node.outputs[k];
    if (k < reserved.size()) {
      DraftTensor& tensor = draft_->at(op.outputs[k]);
      tensor.has_capacity = true;
      tensor.capacity = ir::element_count(reserved[k]) * ir::Dim(ir::byte_size(output.type));
    }
    op.routine.outputs.push_back({output.type, k < reserved.size() ? reserved[k] : output.shape});
  }
  return op;
}

void Drafting::add_node(const ir::Node& node, Block& block) {
  origin_ = node.origin;
  if (node.is<ir::Constant>()) {
    add_constant(node);
  } else if (std::optional<ir::Dequantization> weights = ir::dequantization_of(node)) {
    DraftTensor& tensor = draft_->at(declare(node.outputs[0]));
    tensor.home = DraftTensor::Home::constant;
    tensor.contents = ir::dequantized(*weights);
    tensor.integers = std::make_shared<const ir::Dequantization>(std::move(*weights));
  } else if (node.is<ir::Tabulate>()) {
    emit_into(block, tabulate(node));
  } else if (node.is<ir::Reduce>()) {
    emit_into(block, reduce(node));
  } else if (const auto* einsum = node.as<ir::Einsum>()) {
    EinsumOp op{*einsum, tensor_of(node.inputs[0]), tensor_of(node.inputs[1]), -1, {}, {}};
    op.out = declare(node.outputs[0]);
    op.epilogue.accumulator = ir::compute_type(node.outputs[0]->type);
    emit_into(block, std::move(op));
  } else if (const auto* convolution = node.as<ir::Convolution>()) {
    ConvolutionOp op{*convolution, tensor_of(node.inputs[0]), tensor_of(node.inputs[1]), -1, {}, {}};
    op.out = declare(node.outputs[0]);
    op.epilogue.accumulator = ir::compute_type(node.outputs[0]->type);
    emit_into(block, std::move(op));
  } else if (node.is<ir::Concat>()) {
    add_concat(node, block);
  } else if (node.is<ir::View>()) {
    declare_view(node.outputs[0], tensor_of(node.inputs[0]), 0);
  } else if (node.is<ir::Scatter>()) {
    add_scatter(node, block);
  } else if (node.is<ir::Cumulative>()) {
    emit_into(block, cumulative(node));
  } else if (const auto* bind = node.as<ir::Bind>()) {
    emit_into(block, BindOp{tensor_of(node.inputs[0]), bind->symbols});
    block.back().failure += ": a size computed by the model is outside the range it must be in";
  } else if (const auto* check = node.as<ir::Require>()) {
    emit_into(block, CheckOp{check->relation, check->a, check->b});
    block.back().failure += ": " + check->message;
  } else if (node.is<ir::If>()) {
    add_if(node, block);
  } else if (node.is<ir::Loop>()) {
    add_loop(node, block);
  } else {
    emit_into(block, routine(node));
  }
}

void Drafting::add_nodes(const ir::Region& region, Block& block) {
  for (const auto& node : region.nodes) add_node(*node, block);
}

namespace {

// The tensor written to a model output: the one computed, where it can lie there, else a copy.
int output_tensor(Draft& draft, int tensor, int port, const ir::Port& output) {
  const int root = draft.root(tensor);
  const auto own = [&](int t) {
    const DraftTensor& candidate = draft.at(t);
    return candidate.home == DraftTensor::Home::computed && candidate.port < 0 && !candidate.carried &&
           !candidate.allocated_by_op;
  };
  if (root == tensor && own(tensor)) {
    draft.at(tensor).port = port;
    return tensor;
  }
  const int out = draft.add(draft.at(tensor).type, draft.at(tensor).shape, output.name);
  draft.at(out).port = port;
  const bool whole = root != tensor && own(root) && draft.at(tensor).host == root &&
                     draft.at(tensor).host_offset.is(0) && !draft.at(root).has_capacity &&
                     byte_count(draft.at(root)) == byte_count(draft.at(out));
  if (whole) {
    draft.at(root).host = out;
    draft.at(root).host_offset = 0;
  } else {
    draft.block.push_back(Operation{copy_nest(draft, tensor, out), nullptr, "the model"});
  }
  return out;
}

}  // namespace

Draft draft_of(const ir::Graph& graph) {
  Draft draft;
  draft.name = graph.name;
  draft.inputs = graph.inputs;
  draft.outputs = graph.outputs;
  draft.opset = graph.opset;
  draft.source_sha256 = graph.source_sha256;

  std::set<std::string> seen;
  for (const ir::Port& port : graph.inputs) {
    for (const ir::Dim& dim : port.value->shape) collect_symbols(dim, seen, draft.symbols);
  }
  ir::for_each_node(graph.region, [&](const ir::Node& node) {
    for (const ir::SymbolRef& symbol : ir::symbols_defined_by(node)) {
      if (seen.insert(symbol->name).second) draft.symbols.push_back(symbol);
    }
  });

  Drafting drafting(draft);
  for (std::size_t k = 0; k < graph.inputs.size(); ++k) {
    const ir::Value* value = graph.inputs[k].value;
    const int tensor =
        draft.add(in_memory(value->type), in_memory(value->type, value->shape), graph.inputs[k].name);
    draft.at(tensor).home = DraftTensor::Home::input;
    draft.at(tensor).port = static_cast<int>(k);
    draft.input_tensors.push_back(tensor);
    drafting.define(value, tensor);
  }
  drafting.add_nodes(graph.region, draft.block);
  for (std::size_t k = 0; k < graph.outputs.size(); ++k) {
    draft.output_tensors.push_back(output_tensor(draft, drafting.tensor_of(graph.outputs[k].value),
                                                 static_cast<int>(k), graph.outputs[k]));
  }
  return draft;
}

}  // namespace o2w::schedule
