#include "compiler/schedule/draft.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

void add_once(std::vector<int>& list, int tensor) {
  if (tensor >= 0 && std::find(list.begin(), list.end(), tensor) == list.end()) list.push_back(tensor);
}

void add_reads(std::vector<int>& list, const ir::Expr& e, const std::vector<int>& tensors) {
  if (e.get() == nullptr) return;
  ir::walk(e, [&](const ir::ExprNode& node) {
    if (node.op == ir::ExprOp::read) add_once(list, tensors[static_cast<std::size_t>(node.slot)]);
  });
}

std::vector<int> with_nested(const Operation& operation, std::vector<int> (*own)(const Operation&)) {
  std::vector<int> list = own(operation);
  for (const Block* block : blocks_of(operation)) {
    for (const Operation& inner : *block) {
      for (const int tensor : with_nested(inner, own)) add_once(list, tensor);
    }
  }
  return list;
}

}  // namespace

int Draft::add(ir::DType type, ir::Shape shape, std::string tensor_name) {
  DraftTensor tensor;
  tensor.type = type;
  tensor.layout = dense_layout(shape);
  tensor.shape = std::move(shape);
  tensor.name = std::move(tensor_name);
  tensors.push_back(std::move(tensor));
  return static_cast<int>(tensors.size()) - 1;
}

ir::SymbolRef Draft::new_symbol(const std::string& hint, int64_t upper) {
  std::string unique = hint;
  for (int suffix = 1;
       std::any_of(symbols.begin(), symbols.end(), [&](const auto& s) { return s->name == unique; });
       ++suffix) {
    unique = fmt::format("{}.{}", hint, suffix);
  }
  ir::Symbol symbol;
  symbol.name = unique;
  symbol.upper = std::clamp<int64_t>(upper, 0, symbol.upper);
  symbol.from_input = false;
  symbols.push_back(std::make_shared<const ir::Symbol>(std::move(symbol)));
  return symbols.back();
}

int Draft::root(int tensor) const {
  while (at(tensor).host >= 0) tensor = at(tensor).host;
  return tensor;
}

std::vector<Block*> blocks_of(Operation& operation) {
  if (auto* branch = operation.as<BranchOp>()) return {&branch->then_block, &branch->else_block};
  if (auto* repeat = operation.as<RepeatOp>()) return {&repeat->body};
  return {};
}

std::vector<const Block*> blocks_of(const Operation& operation) {
  if (const auto* branch = operation.as<BranchOp>()) return {&branch->then_block, &branch->else_block};
  if (const auto* repeat = operation.as<RepeatOp>()) return {&repeat->body};
  return {};
}

std::vector<int> reads_of(const Operation& operation) {
  std::vector<int> list;
  if (const auto* nest = operation.as<NestOp>()) {
    for (const Stage& stage : nest->nest.stages) {
      add_reads(list, stage.body, nest->tensors);
      add_reads(list, stage.guard, nest->tensors);
      for (const ir::Expr& index : stage.target_indices) add_reads(list, index, nest->tensors);
      if (stage.target >= 0 && stage.combine != ir::Combiner::none) {
        add_once(list, nest->tensors[static_cast<std::size_t>(stage.target)]);
      }
    }
  } else if (const auto* einsum = operation.as<EinsumOp>()) {
    list = {einsum->lhs, einsum->rhs};
    for (const int tensor : einsum->epilogue_tensors) add_once(list, tensor);
  } else if (const auto* convolution = operation.as<ConvolutionOp>()) {
    list = {convolution->x, convolution->w};
    for (const int tensor : convolution->epilogue_tensors) add_once(list, tensor);
  } else if (const auto* kernel = operation.as<KernelOp>()) {
    for (std::size_t k = 0; k < kernel->tensors.size(); ++k) {
      if (k != kernel->out) add_once(list, kernel->tensors[k]);
    }
  } else if (const auto* routine = operation.as<RoutineOp>()) {
    for (const int tensor : routine->inputs) add_once(list, tensor);
  } else if (const auto* branch = operation.as<BranchOp>()) {
    list = {branch->condition};
  } else if (const auto* repeat = operation.as<RepeatOp>()) {
    add_once(list, repeat->iteration);
    add_once(list, repeat->condition);
  } else if (const auto* bind = operation.as<BindOp>()) {
    list = {bind->source};
  } else if (const auto* move = operation.as<MoveOp>()) {
    list = {move->from};
  } else if (const auto* copy = operation.as<CopyOp>()) {
    list = {copy->from};
  }
  return list;
}

std::vector<int> writes_of(const Operation& operation) {
  std::vector<int> list;
  if (const auto* nest = operation.as<NestOp>()) {
    for (const Stage& stage : nest->nest.stages) {
      if (stage.target >= 0) add_once(list, nest->tensors[static_cast<std::size_t>(stage.target)]);
    }
  } else if (const auto* einsum = operation.as<EinsumOp>()) {
    list = {einsum->out};
  } else if (const auto* convolution = operation.as<ConvolutionOp>()) {
    list = {convolution->out};
  } else if (const auto* kernel = operation.as<KernelOp>()) {
    list = {kernel->tensors[kernel->out]};
  } else if (const auto* routine = operation.as<RoutineOp>()) {
    list = routine->outputs;
  } else if (const auto* repeat = operation.as<RepeatOp>()) {
    list = {repeat->iteration};
  } else if (const auto* allocate = operation.as<AllocateOp>()) {
    list = {allocate->tensor};
  } else if (const auto* release = operation.as<FreeOp>()) {
    list = {release->tensor};
  } else if (const auto* move = operation.as<MoveOp>()) {
    list = {move->from, move->to};
  } else if (const auto* copy = operation.as<CopyOp>()) {
    list = {copy->to};
  }
  return list;
}

std::vector<int> all_reads_of(const Operation& operation) { return with_nested(operation, reads_of); }
std::vector<int> all_writes_of(const Operation& operation) { return with_nested(operation, writes_of); }

void for_each_operation(Block& block, const std::function<void(Operation&, Block&)>& visit) {
  for (Operation& operation : block) {
    visit(operation, block);
    for (Block* inner : blocks_of(operation)) for_each_operation(*inner, visit);
  }
}

ir::Expr stored(ir::DType type, const ir::Expr& e) {
  const ir::DType compute = ir::compute_type(type);
  if (e->op == ir::ExprOp::cast && e->type == type && type != compute) return ir::cast(compute, e->args[0]);
  return e->type == compute ? e : ir::cast(compute, e);
}

NestOp elementwise_nest(const Draft& draft, int out, std::vector<int> tensors, ir::Expr body) {
  NestOp op;
  op.nest.outer = draft.at(out).shape;
  Stage stage;
  stage.body = stored(draft.at(out).type, body);
  stage.target = static_cast<int>(tensors.size());
  for (int k = 0; k < static_cast<int>(op.nest.outer.size()); ++k)
    stage.target_indices.push_back(ir::index_var(k));
  op.nest.stages.push_back(std::move(stage));
  op.tensors = std::move(tensors);
  op.tensors.push_back(out);
  return op;
}

NestOp copy_nest(const Draft& draft, int from, int to) {
  std::vector<ir::Expr> indices;
  for (int k = 0; k < static_cast<int>(draft.at(to).shape.size()); ++k) indices.push_back(ir::index_var(k));
  ir::Expr element = ir::read(0, draft.at(from).type, std::move(indices));
  if (ir::is_storage_only(draft.at(from).type))
    element = ir::cast(ir::compute_type(draft.at(from).type), element);
  return elementwise_nest(draft, to, {from}, element);
}

ir::Dim byte_count(const DraftTensor& tensor) {
  if (tensor.has_capacity) return tensor.capacity;
  return ir::element_count(tensor.shape) * ir::Dim(ir::byte_size(tensor.type));
}

}  // namespace o2w::schedule
